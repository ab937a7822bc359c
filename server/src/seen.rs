//! What the log already holds: the updater's memory.
//!
//! Invariant: an accession is remembered exactly when a `filing.seen` of it is in the log.
//! Rebuilt from the log at every start, which also checks every record's checksum.

use std::collections::HashSet;

use anyhow::Context;
use protocol::{
    accession::Accession,
    event::EventType,
    seq::Seq,
    time::{Date, Timestamp, eastern_day},
};
use serde::Deserialize;

use crate::log::Reader;

/// The accessions in the log.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    accessions: HashSet<u64>,
}

impl Seen {
    /// Remembers an accession; whether it is new.
    pub(crate) fn insert(&mut self, accession: Accession) -> bool {
        self.accessions.insert(accession.get())
    }
}

/// What a walk over the whole log brings together.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    /// Every accession seen.
    pub(crate) seen: Seen,
    /// The newest accessions, oldest first: what the feed may still list.
    pub(crate) recent: Vec<Accession>,
    /// Events of the newest Eastern day in the log.
    pub(crate) tally: Tally,
    /// `at` of the newest event.
    pub(crate) last_at: Timestamp,
}

/// Events counted by Eastern day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The day; `None` before the first event.
    pub(crate) day: Option<Date>,
    /// Its `filing.seen`.
    pub(crate) seen: u64,
    /// Its `filing.archived`.
    pub(crate) archived: u64,
}

/// How many of the newest accessions the monitors are told: some days of EDGAR.
const RECENT: usize = 20_000;

#[derive(Deserialize)]
struct Sketch {
    #[serde(rename = "type")]
    event_type: EventType,
    at: Timestamp,
    filing: Option<FilingSketch>,
}

#[derive(Deserialize)]
struct FilingSketch {
    accession: Accession,
}

/// Reads the whole log, oldest first.
///
/// # Errors
/// When a record is damaged or the disk fails.
pub(crate) fn recall(log: &Reader) -> anyhow::Result<Recall> {
    let mut recall = Recall::default();
    for record in log.replay(log.oldest().prev()) {
        let record = record.context("the event log cannot be read")?;
        recall.take(record.seq, &record.frame)?;
    }
    let surplus = recall.recent.len().saturating_sub(RECENT);
    recall.recent.drain(..surplus);
    Ok(recall)
}

impl Recall {
    fn take(&mut self, seq: Seq, frame: &[u8]) -> anyhow::Result<()> {
        let event: Sketch = serde_json::from_slice(frame)
            .with_context(|| format!("event {seq} of the log is not one of ours"))?;
        self.tally.count(event.event_type, eastern_day(event.at));
        self.last_at = event.at;
        if let (EventType::FilingSeen, Some(filing)) = (event.event_type, event.filing) {
            self.seen.insert(filing.accession);
            self.recent.push(filing.accession);
        }
        Ok(())
    }
}

impl Tally {
    /// Counts one event.
    pub(crate) fn count(&mut self, event_type: EventType, day: Date) {
        if self.day != Some(day) {
            *self = Self {
                day: Some(day),
                ..Self::default()
            };
        }
        match event_type {
            EventType::FilingSeen => self.seen += 1,
            EventType::FilingArchived => self.archived += 1,
            _ => {}
        }
    }
}
