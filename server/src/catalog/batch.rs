//! A stretch of the log as the catalog takes it: what it changes about which filing.
//!
//! Nothing here looks at the file, so that one thread can read while another packs and writes.
//!
//! Invariant: several events about one filing are one change, and its `told` is the newest
//! that tells of the filing: `filing.archived` before `filing.seen`, whatever came later.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io,
};

use bytes::Bytes;
use protocol::{
    accession::Accession,
    event::EventType,
    filter::Facts,
    seq::Seq,
    time::{Date, Timestamp},
};
use serde::Deserialize;

use super::{
    CatalogError, numbers,
    terms::{self, Term},
    told::Packer,
};

/// What a stretch of the log changes.
#[derive(Debug, Default)]
pub struct Batch {
    /// The last event of it.
    pub(super) through: Seq,
    pub(super) changes: Vec<Change>,
    /// What a query may ask for by its beginning, each once.
    pub(super) names: Vec<String>,
}

/// What is new about a filing.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) accession: Accession,
    /// Its `filing.seen`, if that is in this stretch.
    pub(super) seen: Option<Moment>,
    /// What came after it.
    pub(super) later: Vec<(Later, Moment)>,
    pub(super) told: Option<Told>,
}

/// An event's place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
}

/// What comes after `filing.seen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    Archived,
    Withdrawn,
}

/// A frame, and the terms of what it tells.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) frame: Bytes,
    pub(super) terms: Vec<Term>,
    /// The frame, where somebody had time to pack it.
    packed: Option<Vec<u8>>,
}

/// The names of a batch.
#[derive(Default)]
struct Names {
    known: HashSet<Term>,
    texts: Vec<String>,
}

#[derive(Deserialize)]
struct Sketch<'a> {
    #[serde(rename = "type")]
    event_type: EventType,
    at: Timestamp,
    #[serde(borrow)]
    filing: Option<FilingSketch<'a>>,
}

#[derive(Deserialize)]
struct FilingSketch<'a> {
    #[serde(borrow)]
    accession: Cow<'a, str>,
    filed_on: Option<Date>,
}

/// A change as it grows, before anybody looks at what it tells.
struct Draft {
    change: Change,
    telling: Option<(Bytes, Option<Date>)>,
}

impl Batch {
    /// Takes the frames of a stretch of the log, in order.
    ///
    /// # Errors
    /// When a frame is none of ours.
    pub fn of(frames: impl IntoIterator<Item = (Seq, Bytes)>) -> Result<Self, CatalogError> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut places = HashMap::new();
        let mut through = Seq::ZERO;
        for (seq, frame) in frames {
            through = seq;
            let sketch: Sketch<'_> = serde_json::from_slice(&frame).map_err(no_event)?;
            let Some(filing) = sketch.filing else {
                continue;
            };
            let accession = filing.accession.parse();
            let accession = accession.map_err(|_| CatalogError::Damaged("the log"))?;
            let place = *places.entry(accession).or_insert_with(|| {
                drafts.push(Draft::of(accession));
                drafts.len() - 1
            });
            let moment = Moment { seq, at: sketch.at };
            drafts[place].take(sketch.event_type, moment, filing.filed_on, &frame);
        }
        let mut names = Names::default();
        let changes = drafts.into_iter().map(|draft| draft.finish(&mut names));
        Ok(Self {
            through,
            changes: changes.collect::<Result<_, _>>()?,
            names: names.texts,
        })
    }

    /// Does now what who writes it would have to do.
    pub(super) fn pack(&mut self, packer: &mut Packer) -> io::Result<()> {
        for told in self.changes.iter_mut().flat_map(|change| &mut change.told) {
            told.packed = Some(packer.pack(&told.frame)?);
        }
        Ok(())
    }
}

impl Told {
    /// The frame as it is stored.
    pub(super) fn pack(&mut self, packer: &mut Packer) -> io::Result<Vec<u8>> {
        match self.packed.take() {
            Some(packed) => Ok(packed),
            None => packer.pack(&self.frame),
        }
    }
}

impl Names {
    fn add<'a>(&mut self, names: impl Iterator<Item = (&'static str, &'a str)>) {
        for (field, name) in names {
            let text = format_args!("{field}:{name}");
            if self.known.insert(Term::new(text)) {
                self.texts.push(text.to_string());
            }
        }
    }
}

impl Later {
    /// For each event its kind, how far it is behind `filing.seen`, and its time.
    pub(super) fn encode(seen: u64, events: &[(Self, Moment)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (what, Moment { seq, at }) in events {
            numbers::push(&mut bytes, *what as u64);
            numbers::push(&mut bytes, seq.get().wrapping_sub(seen));
            numbers::push(&mut bytes, at.as_millisecond().cast_unsigned());
        }
        bytes
    }

    /// `None` for bytes that nobody wrote.
    pub(super) fn decode(seen: u64, mut bytes: &[u8]) -> Option<Vec<(Self, Moment)>> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let what = match numbers::take(&mut bytes)? {
                0 => Self::Archived,
                1 => Self::Withdrawn,
                _ => return None,
            };
            let seq = Seq::new(seen.wrapping_add(numbers::take(&mut bytes)?));
            let at = numbers::take(&mut bytes)?.cast_signed();
            let at = Timestamp::from_millisecond(at).ok()?;
            events.push((what, Moment { seq, at }));
        }
        Some(events)
    }
}

fn no_event(_: serde_json::Error) -> CatalogError {
    CatalogError::Damaged("the log")
}

impl Draft {
    fn of(accession: Accession) -> Self {
        Self {
            change: Change {
                accession,
                seen: None,
                later: Vec::new(),
                told: None,
            },
            telling: None,
        }
    }

    fn take(
        &mut self,
        event_type: EventType,
        moment: Moment,
        filed_on: Option<Date>,
        frame: &Bytes,
    ) {
        let later = &mut self.change.later;
        match event_type {
            EventType::FilingSeen => self.change.seen = Some(moment),
            EventType::FilingArchived => later.push((Later::Archived, moment)),
            EventType::FilingWithdrawn => later.push((Later::Withdrawn, moment)),
            EventType::DaySealed | EventType::SourceDown | EventType::SourceUp => {}
        }
        // The header is the authority: only a newer header says more.
        if matches!(
            event_type,
            EventType::FilingSeen | EventType::FilingArchived
        ) {
            self.telling = Some((frame.clone(), filed_on));
        }
    }

    fn finish(self, names: &mut Names) -> Result<Change, CatalogError> {
        let mut change = self.change;
        if let Some((frame, filed_on)) = self.telling
            && let Some(facts) = Facts::of_frame(&frame).map_err(no_event)?.filing
        {
            names.add(terms::names(&facts));
            let terms = terms::of(&facts, filed_on);
            change.told = Some(Told {
                frame,
                terms,
                packed: None,
            });
        }
        Ok(change)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::catalog::testing::{archived, frame, seen, withdrawn};

    #[test]
    fn what_the_log_says_of_a_filing_is_one_change_and_the_header_tells() {
        let frames = [
            seen(1, 7, "8-K"),
            seen(2, 8, "4"),
            archived(3, 7, "8-K/A"),
            withdrawn(4, 7),
        ];

        let batch = Batch::of(frames.map(frame)).unwrap();

        assert_eq!(batch.through, Seq::new(4));
        let [first, second] = &batch.changes[..] else {
            panic!("{batch:?}")
        };
        assert_eq!(first.seen.unwrap().seq, Seq::new(1));
        let later: Vec<_> = first
            .later
            .iter()
            .map(|(what, m)| (*what, m.seq.get()))
            .collect();
        assert_eq!(later, [(Later::Archived, 3), (Later::Withdrawn, 4)]);
        let terms = &first.told.as_ref().unwrap().terms;
        assert!(terms.contains(&Term::new("form:8-K/A")), "{terms:?}");
        assert!(second.later.is_empty());
        assert_eq!(batch.names, ["form:8-K/A", "document_type:8-K/A", "form:4"]);
    }

    #[test]
    fn a_frame_that_is_none_of_ours_is_damage() {
        let frames = [(Seq::new(1), Bytes::from_static(b"{}"))];

        let error = Batch::of(frames).unwrap_err();

        assert!(matches!(error, CatalogError::Damaged("the log")), "{error}");
    }
}
