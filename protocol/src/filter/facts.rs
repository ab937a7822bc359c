//! What filters look at in an event.
//!
//! A frame is read once for all subscribers. What an event does not tell is an empty list
//! here and so matches no value: a filter on it is decided by the event that tells it.
//!
//! Invariant: everything is in the form filters compare with, names in upper case, and each
//! value stands once.

use std::{borrow::Cow, collections::BTreeSet, str::FromStr};

use serde::Deserialize;

use super::{
    state::State,
    values::{Item, Sic},
};
use crate::{accession::Accession, cik::Cik, event::EventType, form::Form};

/// What filters look at in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event's type.
    pub event_type: EventType,
    /// The filing it is about; `None` for an event that is about none.
    pub filing: Option<FilingFacts>,
}

/// What filters look at in a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingFacts {
    /// Its name, which begins with the submitter's number.
    pub accession: Accession,
    /// Its form.
    pub form: Form,
    /// Its filers.
    pub ciks: Vec<Cik>,
    /// Its items; what the source does not tell is known once it is archived.
    pub items: Vec<Item>,
    /// The types of its documents; known once it is archived.
    pub document_types: Vec<String>,
    /// Its filers' classifications; known once it is archived.
    pub sics: Vec<Sic>,
    /// The states or countries of its filers' business addresses; known once it is archived.
    pub states: Vec<State>,
}

impl Facts {
    /// Reads what filters need from an event's frame, skipping the rest.
    ///
    /// # Errors
    /// When `frame` is not the frame of an event of a known type.
    pub fn of_frame(frame: &[u8]) -> Result<Self, serde_json::Error> {
        let sketch: Sketch<'_> = serde_json::from_slice(frame)?;
        Ok(Self {
            event_type: sketch.event_type,
            filing: sketch.filing.map(FilingSketch::facts),
        })
    }

    /// The filers of the filing it is about, each once.
    pub fn ciks(&self) -> &[Cik] {
        self.filing.as_ref().map_or(&[], |filing| &filing.ciks)
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
    accession: Accession,
    form: Form,
    #[serde(borrow, default)]
    items: Vec<Text<'a>>,
    #[serde(borrow, default)]
    filers: Vec<FilerSketch<'a>>,
    #[serde(borrow, default)]
    documents: Vec<DocumentSketch<'a>>,
}

#[derive(Deserialize)]
struct FilerSketch<'a> {
    cik: Cik,
    #[serde(borrow)]
    sic: Option<Text<'a>>,
    #[serde(borrow)]
    state: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct DocumentSketch<'a> {
    #[serde(borrow, rename = "type")]
    document_type: Cow<'a, str>,
}

/// A text that is borrowed from the frame also inside a list.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl FilingSketch<'_> {
    fn facts(self) -> FilingFacts {
        let filers = || self.filers.iter();
        let types = self
            .documents
            .iter()
            .map(|document| &document.document_type);
        FilingFacts {
            accession: self.accession,
            form: self.form,
            ciks: distinct(filers().map(|filer| filer.cik)),
            items: readable(self.items.iter()),
            document_types: distinct(types.map(|name| name.trim().to_ascii_uppercase())),
            sics: readable(filers().filter_map(|filer| filer.sic.as_ref())),
            states: readable(filers().filter_map(|filer| filer.state.as_ref())),
        }
    }
}

/// The values that are some; what a header has in place of a code matches nothing.
fn readable<'a, T: FromStr + Ord>(texts: impl Iterator<Item = &'a Text<'a>>) -> Vec<T> {
    distinct(texts.filter_map(|Text(text)| text.parse().ok()))
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<T>>().into_iter().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn texts<T: ToString>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn facts_are_read_from_a_frame_whatever_else_it_holds() {
        let frame = br#"{"type":"filing.archived","cursor":"k-1","seq":1,"filing":{
            "accession":"0001999999-26-000042","form":"8-K","new":[1,{}],"items":["2.02","06b","2.02"],
            "filers":[{"cik":"12","name":"A \"B\" C","sic":"3569","state":"WA","role":"filer"},
                {"cik":"7","name":"","sic":"3569","state":"x\u0030"},{"cik":"12","sic":"none","state":"??"}],
            "documents":[{"ordinal":1,"type":"8-K"},{"type":"ex-99.1"},{"type":"EX-99.1 "}]}}"#;

        let facts = Facts::of_frame(frame).unwrap();

        assert_eq!(facts.event_type, EventType::FilingArchived);
        assert_eq!(facts.ciks(), [Cik::new(7), Cik::new(12)]);
        let filing = facts.filing.unwrap();
        assert_eq!(filing.form.as_str(), "8-K");
        assert_eq!(texts(&filing.items), ["06B", "2.02"]);
        assert_eq!(filing.document_types, ["8-K", "EX-99.1"]);
        assert_eq!(texts(&filing.sics), ["3569"]);
        assert_eq!(texts(&filing.states), ["WA", "X0"]);
    }

    #[test]
    fn an_event_about_no_filing_has_only_its_type() {
        let facts = Facts::of_frame(br#"{"type":"source.down","cursor":"k-1","seq":1}"#).unwrap();

        assert_eq!((facts.ciks(), &facts.filing), (&[][..], &None));
    }
}
