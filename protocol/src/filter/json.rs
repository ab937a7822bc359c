//! Filters as JSON: arrays of strings, as in the subscribe message and in `subscribed`.
//!
//! Invariant: what is written is read again as the same filter.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Filter, Tickers, check_values, parse_all};
use crate::{
    cik::Cik,
    frame::{ErrorCode, Refusal, Subscription},
    pattern::Patterns,
    ticker::Ticker,
};

impl Filter {
    /// Reads a JSON object whose values are strings or arrays of strings. `tickers` may also
    /// be an object of CIKs, as the server shows them.
    ///
    /// # Errors
    /// A [`Refusal`] as in [`Filter::from_lists`], or for a value of another kind.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let not_an_object =
            || Refusal::new(ErrorCode::BadMessage, "`filter` is not an object").field("filter");
        let mut filter = Self::default();
        for (field, value) in value.as_object().ok_or_else(not_an_object)? {
            match (field.as_str(), value) {
                ("tickers", Value::Object(resolved)) => {
                    filter.tickers = Some(resolved_tickers(resolved)?);
                }
                (beside, _) if Subscription::PARAMETERS.contains(&beside) => {
                    return Err(misplaced(beside));
                }
                _ if !Self::is_field(field) => filter.set(field, &[])?,
                _ => filter.set(field, &strings(field, value)?)?,
            }
        }
        filter.check()?;
        Ok(filter)
    }
}

fn misplaced(name: &str) -> Refusal {
    let message = format!("`{name}` is no field of `filter`; it stands beside it in the message");
    Refusal::new(ErrorCode::FilterUnknownField, message).field(name)
}

fn strings<'a>(field: &str, value: &'a Value) -> Result<Vec<&'a str>, Refusal> {
    let strings = match value {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    };
    strings.ok_or_else(|| {
        let message = format!("`{field}` must be an array of strings");
        Refusal::new(ErrorCode::FilterBadValue, message).field(field)
    })
}

fn resolved_tickers(resolved: &Map<String, Value>) -> Result<Tickers, Refusal> {
    const FIELD: &str = "tickers";
    let names: Vec<&str> = resolved.keys().map(String::as_str).collect();
    check_values(FIELD, &names)?;
    let ciks = Value::Array(resolved.values().cloned().collect());
    let ciks: Vec<Cik> = parse_all(FIELD, &strings(FIELD, &ciks)?)?;
    let names: Vec<Ticker> = parse_all(FIELD, &names)?;
    let named = names.into_iter().zip(ciks.into_iter().map(Some)).collect();
    Ok(Tickers::new(named))
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "types", self.types.as_ref())?;
        entry(&mut map, "forms", self.forms.as_ref().map(Patterns::texts))?;
        entry(&mut map, "amendments", self.amendments)?;
        entry(&mut map, "ciks", self.ciks.as_ref())?;
        entry(&mut map, "tickers", self.tickers.as_ref())?;
        entry(&mut map, "items", self.items.as_ref().map(texts))?;
        let types = self.document_types.as_ref().map(Patterns::texts);
        entry(&mut map, "document_types", types)?;
        entry(&mut map, "sics", self.sics.as_ref().map(texts))?;
        entry(&mut map, "states", self.states.as_ref().map(texts))?;
        entry(&mut map, "agents", self.agents.as_ref().map(texts))?;
        map.end()
    }
}

fn entry<M: SerializeMap>(
    map: &mut M,
    field: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(field, &value))
}

fn texts<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    values.into_iter().map(ToString::to_string).collect()
}

/// An object of CIKs where all are known, else a list of names.
impl Serialize for Tickers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.named.values().all(Option::is_some) {
            serializer.collect_map(&self.named)
        } else {
            serializer.collect_seq(self.named.keys())
        }
    }
}
