//! Filters: which events a subscriber wants.
//!
//! A filter comes from query parameters (comma lists) or from a JSON object (arrays of
//! strings). Values are OR-ed within a field, fields are AND-ed, no field means all.
//! Anything not understood is an error, never "match all".
//!
//! Elsewhere: what an event tells ([`Facts`]), JSON (`json`), fields that exclude each other
//! (`conflict`), the fields one by one (`fields`), single values (`values`, `state`, and `pattern` and `ticker` beside us).
//!
//! Invariant: a filter decides on [`Facts`] alone, so an event is decoded once for all
//! subscribers; and filters that mean the same are equal, whatever the order, the case and
//! the spelling of their values.

mod conflict;
mod facts;
mod fields;
mod json;
#[cfg(test)]
mod laws;
mod state;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

pub use self::{
    facts::{Facts, FilingFacts},
    state::State,
    values::{Agent, Amendments, Item, Sic},
};
use crate::{
    cik::Cik,
    event::EventType,
    frame::{ErrorCode, Refusal},
    pattern::{Pattern, Patterns},
    ticker::Ticker,
};

/// Which events a subscriber wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    types: Option<BTreeSet<EventType>>,
    forms: Option<Patterns>,
    amendments: Option<Amendments>,
    ciks: Option<BTreeSet<Cik>>,
    tickers: Option<Tickers>,
    items: Option<BTreeSet<Item>>,
    document_types: Option<Patterns>,
    sics: Option<BTreeSet<Sic>>,
    states: Option<BTreeSet<State>>,
    agents: Option<BTreeSet<Agent>>,
}

/// Tickers and, once resolved, whose they are. Unresolved ones match nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Tickers {
    named: BTreeMap<Ticker, Option<Cik>>,
    ciks: BTreeSet<Cik>,
}

impl Tickers {
    fn new(named: BTreeMap<Ticker, Option<Cik>>) -> Self {
        let ciks = named.values().copied().flatten().collect();
        Self { named, ciks }
    }
}

/// The fields of a filter, in the order they are shown.
const FIELDS: [&str; 10] = [
    "types",
    "forms",
    "amendments",
    "ciks",
    "tickers",
    "items",
    "document_types",
    "sics",
    "states",
    "agents",
];

/// Most values of `ciks` and of `tickers`.
const MAX_FILERS: usize = 10_000;

/// Most values of any other field; `agents` are compared one by one with every event.
const MAX_VALUES: usize = 500;

/// Most bytes of a value that an error repeats.
const MAX_SHOWN: usize = 40;

impl Filter {
    /// The names of all fields.
    pub const fn fields() -> &'static [&'static str] {
        &FIELDS
    }

    /// Whether `name` is a field of a filter.
    pub fn is_field(name: &str) -> bool {
        FIELDS.contains(&name)
    }

    /// Reads fields with comma lists, as in a query string. A field given twice has the
    /// values of both.
    ///
    /// # Errors
    /// A [`Refusal`] that names the field, for an unknown field (with the nearest known
    /// one), no value, an empty or bad value, too many values, or fields that exclude each
    /// other.
    pub fn from_lists<N, L>(fields: impl IntoIterator<Item = (N, L)>) -> Result<Self, Refusal>
    where
        N: AsRef<str>,
        L: AsRef<str>,
    {
        let mut filter = Self::default();
        for (field, list) in fields {
            let values: Vec<&str> = list.as_ref().split(',').collect();
            filter.set(field.as_ref(), &values)?;
        }
        filter.check()?;
        Ok(filter)
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
                .filing
                .as_ref()
                .is_none_or(|filing| self.wants_filing(filing))
    }

    fn wants_filing(&self, filing: &FilingFacts) -> bool {
        let by = |wanted: &BTreeSet<Cik>| has_any(wanted, &filing.ciks);
        all_or(&self.ciks, by)
            && all_or(&self.tickers, |tickers| by(&tickers.ciks))
            && all_or(&self.forms, |forms| forms.match_name(filing.form.as_str()))
            && all_or(&self.amendments, |wish| wish.allow(&filing.form))
            && all_or(&self.items, |items| has_any(items, &filing.items))
            && all_or(&self.sics, |sics| has_any(sics, &filing.sics))
            && all_or(&self.states, |states| has_any(states, &filing.states))
            && all_or(&self.agents, |agents| {
                agents.iter().any(|agent| agent.began(filing.accession))
            })
            && all_or(&self.document_types, |types| {
                filing
                    .document_types
                    .iter()
                    .any(|name| types.match_name(name))
            })
    }

    /// The filers it is limited to: an event about a filing of none of them is never wanted.
    /// `None` when any filer may be wanted.
    pub fn ciks(&self) -> Option<&BTreeSet<Cik>> {
        let of_tickers = self.tickers.as_ref().map(|tickers| &tickers.ciks);
        match (self.ciks.as_ref(), of_tickers) {
            (Some(ciks), Some(others)) if others.len() < ciks.len() => Some(others),
            (ciks, others) => ciks.or(others),
        }
    }

    /// Finds out whose its tickers are; until then they match nothing. From then on they
    /// are shown with their CIKs.
    ///
    /// # Errors
    /// The first [`Refusal`] of `resolve`.
    pub fn resolve_tickers(
        &mut self,
        resolve: impl Fn(&Ticker) -> Result<Cik, Refusal>,
    ) -> Result<(), Refusal> {
        let Some(tickers) = &mut self.tickers else {
            return Ok(());
        };
        let mut named = BTreeMap::new();
        for ticker in tickers.named.keys() {
            named.insert(ticker.clone(), Some(resolve(ticker)?));
        }
        *tickers = Tickers::new(named);
        Ok(())
    }

    /// Sets one field, or adds to it.
    fn set(&mut self, field: &str, values: &[&str]) -> Result<(), Refusal> {
        if !Self::is_field(field) {
            return Err(Refusal::unknown_field(field, &FIELDS));
        }
        check_values(field, values)?;
        match field {
            "types" => self.set_types(values),
            "forms" => add::<Pattern, _>(&mut self.forms, field, values),
            "amendments" => self.set_amendments(values),
            "ciks" => add::<Cik, _>(&mut self.ciks, field, values),
            "tickers" => {
                let parsed: Vec<Ticker> = parse_all(field, values)?;
                let tickers = self.tickers.get_or_insert_default();
                tickers.named.extend(parsed.into_iter().map(|t| (t, None)));
                Ok(())
            }
            "items" => add::<Item, _>(&mut self.items, field, values),
            "document_types" => add::<Pattern, _>(&mut self.document_types, field, values),
            "sics" => add::<Sic, _>(&mut self.sics, field, values),
            "states" => add::<State, _>(&mut self.states, field, values),
            _ => add::<Agent, _>(&mut self.agents, field, values),
        }
    }

    fn set_types(&mut self, values: &[&str]) -> Result<(), Refusal> {
        let types = self.types.get_or_insert_default();
        for value in values {
            let name = value.trim().to_ascii_lowercase();
            let is_meant = |known: &&EventType| match name.strip_suffix('*') {
                Some(prefix) => known.as_str().starts_with(prefix),
                None => known.as_str() == name,
            };
            let mut meant = EventType::ALL.iter().filter(is_meant).peekable();
            if meant.peek().is_none() {
                let known: Vec<&str> = EventType::ALL.iter().map(|t| t.as_str()).collect();
                return Err(bad_value("types", value, &known));
            }
            types.extend(meant);
        }
        Ok(())
    }

    fn set_amendments(&mut self, values: &[&str]) -> Result<(), Refusal> {
        for value in values {
            let Ok(wish) = value.trim().to_ascii_lowercase().parse() else {
                let known: Vec<&str> = Amendments::ALL.iter().map(|a| a.as_str()).collect();
                return Err(bad_value("amendments", value, &known));
            };
            if *self.amendments.get_or_insert(wish) != wish {
                let message = "`amendments` is one of include, exclude and only; give one of them";
                return Err(Refusal::new(ErrorCode::FilterBadValue, message).field("amendments"));
            }
        }
        Ok(())
    }
}

/// Whether a field that was not given or that passes the test lets an event through.
fn all_or<T>(field: &Option<T>, test: impl FnOnce(&T) -> bool) -> bool {
    field.as_ref().is_none_or(test)
}

fn has_any<T: Ord>(wanted: &BTreeSet<T>, values: &[T]) -> bool {
    values.iter().any(|value| wanted.contains(value))
}

/// Refuses what no field can have: no value, an empty one, a list in place of a value, and
/// more values than are looked at.
fn check_values(field: &str, values: &[&str]) -> Result<(), Refusal> {
    let refuse = |code, message: String| Err(Refusal::new(code, message).field(field));
    if values.is_empty() || values.iter().all(|value| value.trim().is_empty()) {
        let message = format!("`{field}` is empty; name at least one value or leave it out");
        return refuse(ErrorCode::FilterEmpty, message);
    }
    let most = match field {
        "ciks" | "tickers" => MAX_FILERS,
        _ => MAX_VALUES,
    };
    if values.len() > most {
        let message = format!("`{field}` has {} values; at most {most}", values.len());
        return refuse(ErrorCode::FilterBadValue, message);
    }
    if let Some(list) = values.iter().find(|value| value.contains(',')) {
        let shown: String = list.chars().take(MAX_SHOWN).collect();
        let message = format!("in `{field}`: `{shown}` is a list; make each value a string");
        return refuse(ErrorCode::FilterBadValue, message);
    }
    Ok(())
}

fn add<T, S>(set: &mut Option<S>, field: &str, values: &[&str]) -> Result<(), Refusal>
where
    T: FromStr<Err: Display>,
    S: Default + Extend<T>,
{
    let parsed: Vec<T> = parse_all(field, values)?;
    set.get_or_insert_default().extend(parsed);
    Ok(())
}

fn parse_all<T>(field: &str, values: &[&str]) -> Result<Vec<T>, Refusal>
where
    T: FromStr,
    T::Err: Display,
{
    let parse = |value: &&str| {
        value.trim().parse().map_err(|error: T::Err| {
            Refusal::new(ErrorCode::FilterBadValue, format!("in `{field}`: {error}")).field(field)
        })
    };
    values.iter().map(parse).collect()
}

/// A value that is none of the known ones.
fn bad_value(field: &str, value: &str, known: &[&str]) -> Refusal {
    let shown: String = value.trim().chars().take(MAX_SHOWN).collect();
    let message = format!(
        "in `{field}`: unknown value \"{shown}\"{}",
        hint(&shown, known)
    );
    Refusal::new(ErrorCode::FilterBadValue, message).field(field)
}

/// "; did you mean …?" with the nearest known name, or a list of all. A third of the letters
/// may be wrong: of short names any two are near each other otherwise.
pub(crate) fn hint(unknown: &str, known: &[&str]) -> String {
    let most = unknown.chars().count().div_ceil(3).min(3);
    let nearest = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&unknown.to_lowercase(), name),
                name,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= most);
    match nearest {
        Some((_, name)) => format!("; did you mean \"{name}\"?"),
        None => format!("; known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests;
