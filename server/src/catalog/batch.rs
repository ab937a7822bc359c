//! A stretch of the log as the catalog takes it: what it changes about which filing.
//!
//! Nothing here looks at the file, so that one thread can read and pack while another writes.
//!
//! Invariant: several events about one filing are one change, and its `told` is the newest
//! that tells of the filing: `filing.archived` before `filing.seen`, whatever came later.

use std::{borrow::Cow, collections::HashMap, io};

use bytes::Bytes;
use protocol::{
    accession::Accession,
    event::EventType,
    filter::Facts,
    seq::Seq,
    time::{Date, Timestamp},
};
use serde::Deserialize;

use super::{CatalogError, terms, told::Packer};

/// What a stretch of the log changes.
#[derive(Debug, Default)]
pub struct Batch {
    /// The last event of it.
    pub(super) through: Seq,
    pub(super) changes: Vec<Change>,
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

/// What comes after `filing.seen`; the numbers stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    Archived = 1,
    Withdrawn = 2,
}

/// A packed frame, and the terms of what it tells.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) packed: Vec<u8>,
    pub(super) terms: Vec<String>,
}

/// Makes batches.
pub struct Reader(Packer);

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

/// A change as it grows, before what it tells is packed.
struct Draft {
    change: Change,
    telling: Option<(Bytes, Option<Date>)>,
}

impl Reader {
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> io::Result<Self> {
        Packer::new().map(Self)
    }

    /// Takes the frames of a stretch of the log, in order.
    ///
    /// # Errors
    /// When a frame is none of ours.
    pub fn read(
        &mut self,
        frames: impl IntoIterator<Item = (Seq, Bytes)>,
    ) -> Result<Batch, CatalogError> {
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
        let changes = drafts.into_iter().map(|draft| self.pack(draft));
        Ok(Batch {
            through,
            changes: changes.collect::<Result<_, _>>()?,
        })
    }

    fn pack(&mut self, draft: Draft) -> Result<Change, CatalogError> {
        let Draft {
            mut change,
            telling,
        } = draft;
        if let Some((frame, filed_on)) = telling {
            let facts = Facts::of_frame(&frame).map_err(no_event)?;
            change.told = Some(Told {
                packed: self.0.pack(&frame)?,
                terms: terms::of(&facts, filed_on),
            });
        }
        Ok(change)
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

        let batch = Reader::new().unwrap().read(frames.map(frame)).unwrap();

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
        assert!(terms.contains(&"form:8-K/A".to_owned()), "{terms:?}");
        assert!(second.later.is_empty());
    }

    #[test]
    fn a_frame_that_is_none_of_ours_is_damage() {
        let frames = [(Seq::new(1), Bytes::from_static(b"{}"))];

        let error = Reader::new().unwrap().read(frames).unwrap_err();

        assert!(matches!(error, CatalogError::Damaged("the log")), "{error}");
    }
}
