//! The start: what is known, from the snapshot and from the log behind it.
//!
//! Elsewhere: reading in the background what is not read here (`scrub`).
//! Invariant: what is recalled is what a walk over the whole log would bring together.

use std::borrow::Cow;

use anyhow::Context;
use protocol::{
    accession::Accession,
    event::EventType,
    filing::{Objects, Source},
    outage::Outage,
    seq::Seq,
    time::{Date, Timestamp, eastern_day},
};
use serde::Deserialize;

use super::{Known, Refusal, Snapshot, SnapshotFile, have_facts};
use crate::{log::Reader, outages::Down};

/// What is known at the start.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    /// Every filing and every sealed day.
    pub(crate) known: Known,
    /// The newest accessions, oldest first: what the feed may still list.
    pub(crate) recent: Vec<Accession>,
    /// Events of the newest Eastern day in the log.
    pub(crate) tally: Tally,
    /// `at` of the newest event.
    pub(crate) last_at: Timestamp,
    /// Outages that are not over, as the events that were read tell: one that is older than
    /// these is told again.
    pub(crate) down: Down,
    /// What the snapshot covers.
    pub(crate) covers: Seq,
    /// The log was read from behind this seq on; what is before is still to be checked.
    pub(crate) read_after: Seq,
}

/// Events counted by Eastern day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The day; `None` before the first event.
    pub day: Option<Date>,
    /// Its `filing.seen`.
    pub seen: u64,
    /// Its `filing.archived`.
    pub archived: u64,
}

/// How many of the newest events are read at every start: some days of EDGAR.
pub(super) const NEWEST: u64 = 50_000;

/// How many of the newest accessions the monitors are told.
const RECENT: usize = 20_000;

#[derive(Deserialize)]
struct Sketch<'a> {
    #[serde(rename = "type")]
    event_type: EventType,
    at: Timestamp,
    #[serde(borrow)]
    filing: Option<FilingSketch<'a>>,
    day: Option<DaySketch>,
    outage: Option<Outage>,
}

#[derive(Deserialize)]
struct FilingSketch<'a> {
    accession: Accession,
    source: Source,
    #[serde(default)]
    objects: Objects,
    #[serde(default, borrow)]
    documents: Vec<DocumentSketch<'a>>,
}

#[derive(Deserialize)]
struct DocumentSketch<'a> {
    #[serde(rename = "type", borrow)]
    document_type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct DaySketch {
    date: Date,
}

/// Reads the snapshot, then the log behind it, and the newest events in any case.
///
/// # Errors
/// When a record is damaged or the disk fails.
pub(crate) fn recall(log: &Reader, file: &SnapshotFile) -> anyhow::Result<Recall> {
    recall_with(log, file, NEWEST)
}

pub(super) fn recall_with(
    log: &Reader,
    file: &SnapshotFile,
    newest: u64,
) -> anyhow::Result<Recall> {
    let snapshot = usable(file, log.tip());
    let newest = Seq::new(log.tip().get().saturating_sub(newest));
    let mut recall = Recall {
        read_after: snapshot.covers.min(newest).max(log.oldest().prev()),
        known: snapshot.known,
        tally: snapshot.tally,
        covers: snapshot.covers,
        ..Recall::default()
    };
    for record in log.replay(recall.read_after) {
        let record = record.context("the event log cannot be read")?;
        recall.take(record.seq, &record.frame)?;
    }
    let surplus = recall.recent.len().saturating_sub(RECENT);
    recall.recent.drain(..surplus);
    Ok(recall)
}

/// The snapshot, or an empty one.
fn usable(file: &SnapshotFile, tip: Seq) -> Snapshot {
    let refusal = match file.read(tip) {
        Ok(snapshot) => return snapshot,
        Err(refusal) => refusal,
    };
    let path = file.path().display();
    match refusal {
        Refusal::Absent if tip.get() <= NEWEST => {}
        Refusal::Absent => tracing::info!(file = %path, "no snapshot: the whole log is read"),
        refusal => {
            tracing::warn!(file = %path, "snapshot not used: {refusal}; the whole log is read");
        }
    }
    Snapshot::default()
}

impl Recall {
    fn take(&mut self, seq: Seq, frame: &[u8]) -> anyhow::Result<()> {
        let event: Sketch<'_> = serde_json::from_slice(frame)
            .with_context(|| format!("event {seq} of the log is not one of ours"))?;
        self.last_at = event.at;
        if let (EventType::FilingSeen, Some(filing)) = (event.event_type, &event.filing) {
            self.recent.push(filing.accession);
        }
        if let Some(outage) = &event.outage {
            self.down.take(event.event_type, outage);
        }
        // What the snapshot covers is known already, and what came after it with it.
        if seq > self.covers {
            self.learn(seq, event);
        }
        Ok(())
    }

    fn learn(&mut self, seq: Seq, event: Sketch<'_>) {
        self.tally.count(event.event_type, eastern_day(event.at));
        if let Some(filing) = event.filing {
            self.learn_filing(seq, event.event_type, &filing);
        }
        if let Some(day) = event.day {
            self.known.sealed(day.date, seq);
        }
    }

    fn learn_filing(&mut self, seq: Seq, event_type: EventType, filing: &FilingSketch<'_>) {
        match event_type {
            EventType::FilingSeen => {
                self.known.sighted(filing.accession, filing.source, seq);
            }
            EventType::FilingArchived => {
                let types = filing.documents.iter().map(|d| &*d.document_type);
                let has_facts = have_facts(types);
                self.known
                    .archived(filing.accession, &filing.objects, has_facts);
            }
            EventType::FilingWithdrawn => drop(self.known.withdrawn(filing.accession)),
            _ => {}
        }
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
