//! What the log already holds: the updater's memory.
//!
//! Invariant: an accession is known exactly when a `filing.seen` of it is in the log, and
//! its [`Standing`] is what the log's events say together.
//! Rebuilt from the log at every start, which also checks every record's checksum.

use std::collections::{BTreeSet, HashMap};

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

use crate::{log::Reader, outages::Down};

/// What the log holds of filings and days.
#[derive(Debug, Default)]
pub(crate) struct Known {
    filings: HashMap<u64, Standing>,
    sealed: BTreeSet<Date>,
}

/// What the log says of one filing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether an index told of it first, and no monitor.
    pub(crate) recovered: bool,
    /// What the archive holds of it.
    pub(crate) stored: Stored,
    /// Whether EDGAR took it away.
    pub(crate) withdrawn: bool,
}

/// What the archive holds of a filing; each includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stored {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The submission.
    Sgml,
    /// The tar object too.
    Tar,
    /// The XBRL facts too.
    Xbrl,
}

impl Stored {
    fn of(objects: &Objects) -> Self {
        if objects.xbrl.is_some() {
            Self::Xbrl
        } else if objects.tar.is_some() {
            Self::Tar
        } else {
            Self::Sgml
        }
    }
}

impl Known {
    /// A source lists it; whether it is new.
    pub(crate) fn sighted(&mut self, accession: Accession, source: Source) -> bool {
        let recovered = matches!(source, Source::DailyIndex | Source::Backfill);
        let standing = Standing {
            recovered,
            ..Standing::default()
        };
        let before = self.filings.len();
        self.filings.entry(accession.get()).or_insert(standing);
        self.filings.len() > before
    }

    /// A version of its submission is in the archive.
    pub(crate) fn archived(&mut self, accession: Accession, objects: &Objects) {
        if let Some(standing) = self.filings.get_mut(&accession.get()) {
            standing.stored = standing.stored.max(Stored::of(objects));
        }
    }

    /// EDGAR took it away; whether that is new, and about a filing that is known.
    pub(crate) fn withdrawn(&mut self, accession: Accession) -> bool {
        let standing = self.filings.get_mut(&accession.get());
        standing.is_some_and(|standing| !std::mem::replace(&mut standing.withdrawn, true))
    }

    /// A day is sealed; whether that is new.
    pub(crate) fn sealed(&mut self, day: Date) -> bool {
        self.sealed.insert(day)
    }

    /// What the log says of a filing; `None` when it was never seen.
    pub(crate) fn standing(&self, accession: Accession) -> Option<Standing> {
        self.filings.get(&accession.get()).copied()
    }
}

/// What a walk over the whole log brings together.
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
    /// Outages that are not over.
    pub(crate) down: Down,
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
    day: Option<DaySketch>,
    outage: Option<Outage>,
}

#[derive(Deserialize)]
struct FilingSketch {
    accession: Accession,
    source: Source,
    #[serde(default)]
    objects: Objects,
}

#[derive(Deserialize)]
struct DaySketch {
    date: Date,
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
        if let Some(filing) = event.filing {
            self.take_filing(event.event_type, &filing);
        }
        if let Some(day) = event.day {
            self.known.sealed(day.date);
        }
        if let Some(outage) = event.outage {
            self.down.take(event.event_type, &outage);
        }
        Ok(())
    }

    fn take_filing(&mut self, event_type: EventType, filing: &FilingSketch) {
        match event_type {
            EventType::FilingSeen => {
                self.known.sighted(filing.accession, filing.source);
                self.recent.push(filing.accession);
            }
            EventType::FilingArchived => self.known.archived(filing.accession, &filing.objects),
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
