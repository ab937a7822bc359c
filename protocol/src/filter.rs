//! Filters: which events a subscriber wants.
//!
//! A filter comes from query parameters (comma lists) or from a JSON object (arrays of
//! strings). Values are OR-ed within a field, fields are AND-ed, no field means all.
//! Anything not understood is an error, never "match all".
//!
//! Invariant: a filter decides on [`Facts`] alone, so an event is decoded once for all
//! subscribers.

use std::{borrow::Cow, collections::BTreeSet, str::FromStr};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::{
    cik::Cik,
    event::EventType,
    form::{Form, FormPattern},
    frame::{ErrorCode, Refusal},
};

/// Which events a subscriber wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    types: Option<BTreeSet<EventType>>,
    forms: Option<Vec<FormPattern>>,
    ciks: Option<BTreeSet<Cik>>,
}

/// What filters look at in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event's type.
    pub event_type: EventType,
    /// The filing's form, when the event is about a filing.
    pub form: Option<Form>,
    /// The filing's filers.
    pub ciks: Vec<Cik>,
}

/// The fields of a filter, in the order they are shown.
const FIELDS: [&str; 3] = ["types", "forms", "ciks"];

/// Most values in one field.
const MAX_VALUES: usize = 10_000;

impl Filter {
    /// The names of all fields.
    pub const fn fields() -> &'static [&'static str] {
        &FIELDS
    }

    /// Whether `name` is a field of a filter.
    pub fn is_field(name: &str) -> bool {
        FIELDS.contains(&name)
    }

    /// Whether an event with these facts is wanted.
    pub fn wants(&self, facts: &Facts) -> bool {
        let type_wanted = match &self.types {
            Some(types) => types.contains(&facts.event_type),
            None => EventType::DEFAULT.contains(&facts.event_type),
        };
        // Filing filters do not apply to events that are about no filing.
        type_wanted
            && facts
                .form
                .as_ref()
                .is_none_or(|form| self.wants_filing(form, &facts.ciks))
    }

    fn wants_filing(&self, form: &Form, ciks: &[Cik]) -> bool {
        let by_form = |forms: &Vec<FormPattern>| forms.iter().any(|pattern| pattern.matches(form));
        let by_cik = |wanted: &BTreeSet<Cik>| ciks.iter().any(|cik| wanted.contains(cik));
        self.forms.as_ref().is_none_or(by_form) && self.ciks.as_ref().is_none_or(by_cik)
    }

    /// Sets one field from a comma list, as in a query string.
    ///
    /// # Errors
    /// See [`Filter::set`].
    pub fn set_list(&mut self, field: &str, list: &str) -> Result<(), Refusal> {
        self.set(field, &list.split(',').collect::<Vec<_>>())
    }

    /// Sets one field. A field given twice has the values of both.
    ///
    /// # Errors
    /// A [`Refusal`] that names the field, for an unknown field (with the nearest known
    /// one), no value, an empty or bad value, or too many values.
    pub fn set(&mut self, field: &str, values: &[&str]) -> Result<(), Refusal> {
        if !Self::is_field(field) {
            return Err(Refusal::unknown_field(field, &FIELDS));
        }
        if values.is_empty() || values.iter().all(|value| value.trim().is_empty()) {
            let message = format!("`{field}` is empty; name at least one value or leave it out");
            return Err(Refusal::new(ErrorCode::FilterEmpty, message).field(field));
        }
        if values.len() > MAX_VALUES {
            let message = format!(
                "`{field}` has {} values; at most {MAX_VALUES}",
                values.len()
            );
            return Err(Refusal::new(ErrorCode::FilterBadValue, message).field(field));
        }
        match field {
            "types" => self.set_types(values),
            "forms" => {
                let parsed = parse_all::<FormPattern>(field, values)?;
                self.forms.get_or_insert_default().extend(parsed);
                Ok(())
            }
            _ => {
                let parsed = parse_all::<Cik>(field, values)?;
                self.ciks.get_or_insert_default().extend(parsed);
                Ok(())
            }
        }
    }

    fn set_types(&mut self, values: &[&str]) -> Result<(), Refusal> {
        let types = self.types.get_or_insert_default();
        for value in values {
            match (value.trim(), value.trim().to_ascii_lowercase().parse()) {
                ("*", _) => types.extend(EventType::ALL),
                (_, Ok(known)) => {
                    types.insert(known);
                }
                (unknown, Err(())) => {
                    let known: Vec<&str> = EventType::ALL.iter().map(|t| t.as_str()).collect();
                    let message =
                        format!("unknown event type \"{unknown}\"{}", hint(unknown, &known));
                    return Err(Refusal::new(ErrorCode::FilterBadValue, message).field("types"));
                }
            }
        }
        Ok(())
    }

    /// Reads a JSON object whose values are strings or arrays of strings.
    ///
    /// # Errors
    /// A [`Refusal`] as in [`Filter::set`], or for a value of another kind.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let not_an_object =
            || Refusal::new(ErrorCode::BadMessage, "`filter` is not an object").field("filter");
        let mut filter = Self::default();
        for (field, value) in value.as_object().ok_or_else(not_an_object)? {
            let values = strings(value).ok_or_else(|| {
                let message = format!("`{field}` must be an array of strings");
                Refusal::new(ErrorCode::FilterBadValue, message).field(field)
            })?;
            filter.set(field, &values)?;
        }
        Ok(filter)
    }
}

fn strings(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn parse_all<T>(field: &str, values: &[&str]) -> Result<Vec<T>, Refusal>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let parse = |value: &&str| {
        value.trim().parse().map_err(|error: T::Err| {
            Refusal::new(ErrorCode::FilterBadValue, format!("in `{field}`: {error}")).field(field)
        })
    };
    values.iter().map(parse).collect()
}

/// "; did you mean …?" with the nearest known name, or a list of all.
pub(crate) fn hint(unknown: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&unknown.to_lowercase(), name),
                name,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, name)) => format!("; did you mean \"{name}\"?"),
        None => format!("; known are {}", known.join(", ")),
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(types) = &self.types {
            map.serialize_entry("types", types)?;
        }
        if let Some(forms) = &self.forms {
            let texts: Vec<String> = forms.iter().map(ToString::to_string).collect();
            map.serialize_entry("forms", &texts)?;
        }
        if let Some(ciks) = &self.ciks {
            map.serialize_entry("ciks", ciks)?;
        }
        map.end()
    }
}

impl Facts {
    /// Reads what filters need from an event's frame, skipping the rest.
    ///
    /// # Errors
    /// When `frame` is not the frame of an event of a known type.
    pub fn of_frame(frame: &[u8]) -> Result<Self, serde_json::Error> {
        let sketch: Sketch<'_> = serde_json::from_slice(frame)?;
        let (form, filers) = sketch
            .filing
            .map_or((None, Vec::new()), |f| (Some(f.form), f.filers));
        let ciks = filers.into_iter().map(|filer| filer.cik).collect();
        Ok(Self {
            event_type: sketch.event_type,
            form,
            ciks,
        })
    }
}

#[derive(Deserialize)]
struct Sketch<'a> {
    #[serde(rename = "type")]
    event_type: EventType,
    #[serde(borrow)]
    filing: Option<FilingSketch<'a>>,
}

#[derive(Deserialize)]
struct FilingSketch<'a> {
    form: Form,
    #[serde(borrow)]
    filers: Vec<FilerSketch<'a>>,
}

#[derive(Deserialize)]
struct FilerSketch<'a> {
    cik: Cik,
    #[serde(borrow, rename = "name")]
    _name: Cow<'a, str>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(event_type: EventType, form: &str, ciks: &[u64]) -> Facts {
        Facts {
            event_type,
            form: Some(form.parse().unwrap()),
            ciks: ciks.iter().copied().map(Cik::new).collect(),
        }
    }

    fn filter(value: Value) -> Filter {
        Filter::from_json(&value).unwrap()
    }

    #[test]
    fn no_field_means_every_filing_event() {
        let all = Filter::default();

        assert!(all.wants(&facts(EventType::FilingSeen, "8-K", &[1])));
        assert!(all.wants(&facts(EventType::FilingArchived, "4", &[])));
    }

    #[test]
    fn values_are_or_ed_and_fields_are_and_ed() {
        let filter = filter(json!({"forms": ["8-k", "10-Q*"], "ciks": ["0000320193", "7"]}));

        assert!(filter.wants(&facts(EventType::FilingSeen, "8-K", &[320_193])));
        assert!(filter.wants(&facts(EventType::FilingSeen, "10-Q/A", &[5, 7])));
        assert!(!filter.wants(&facts(EventType::FilingSeen, "8-K/A", &[7])));
        assert!(!filter.wants(&facts(EventType::FilingSeen, "8-K", &[5])));
    }

    #[test]
    fn filing_filters_leave_other_events_alone() {
        let filter = filter(json!({"forms": ["8-K"], "types": ["*"]}));
        let sealed = Facts {
            event_type: EventType::DaySealed,
            form: None,
            ciks: vec![],
        };

        assert!(filter.wants(&sealed));
        assert!(!Filter::default().wants(&sealed));
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_nearest_known_one() {
        let refusal = Filter::from_json(&json!({"froms": ["8-K"]})).unwrap_err();

        assert_eq!(refusal.code, ErrorCode::FilterUnknownField);
        assert_eq!(refusal.field.as_deref(), Some("froms"));
        assert_eq!(
            refusal.message,
            "unknown field \"froms\"; did you mean \"forms\"?"
        );
    }

    #[test]
    fn empty_and_bad_values_are_refused_never_match_all() {
        let cases = [
            (json!({"forms": []}), ErrorCode::FilterEmpty),
            (json!({"forms": [""]}), ErrorCode::FilterEmpty),
            (json!({"forms": ["8-K", ""]}), ErrorCode::FilterBadValue),
            (json!({"ciks": ["AAPL"]}), ErrorCode::FilterBadValue),
            (json!({"ciks": [320_193]}), ErrorCode::FilterBadValue),
            (json!({"types": ["filing.sen"]}), ErrorCode::FilterBadValue),
            (json!([]), ErrorCode::BadMessage),
        ];
        for (value, code) in cases {
            assert_eq!(Filter::from_json(&value).unwrap_err().code, code, "{value}");
        }
    }

    #[test]
    fn a_query_list_is_the_same_as_an_array() {
        let mut from_query = Filter::default();
        from_query.set_list("forms", "8-K, 424b*").unwrap();

        assert_eq!(from_query, filter(json!({"forms": ["8-K", "424B*"]})));
        assert_eq!(
            serde_json::to_value(&from_query).unwrap(),
            json!({"forms": ["8-K", "424B*"]})
        );
    }

    #[test]
    fn facts_are_read_from_a_frame_whatever_else_it_holds() {
        let frame =
            br#"{"type":"filing.seen","cursor":"k-1","seq":1,"filing":{"form":"8-K","new":[1,{}],
            "filers":[{"cik":"12","name":"A \"B\" C","role":"filer"}]}}"#;

        assert_eq!(
            Facts::of_frame(frame).unwrap(),
            facts(EventType::FilingSeen, "8-K", &[12])
        );
    }
}
