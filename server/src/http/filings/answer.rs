//! What `/v1/filings` answers: plain structures, spelled as in frames.
//!
//! Invariant: what is absent is omitted, never null.

use protocol::{
    event::EventType,
    filing::{Filing, Source},
    seq::{Cursor, Epoch, Seq},
    time::Timestamp,
};
use serde::Serialize;

use crate::catalog::{Found, Page, Sighted};

/// A page of filings, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct FilingsPage {
    filings: Vec<Listed>,
    /// For the page after this one; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The last event that the catalog has read.
    through: Cursor,
}

/// A filing, as the newest event tells it.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    filing: Filing,
    /// Its `filing.seen`.
    seen_cursor: Cursor,
    /// Each `filing.archived`, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    archived_cursors: Vec<Cursor>,
    /// Its `filing.withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_cursor: Option<Cursor>,
    /// When that entered the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<Timestamp>,
}

/// A filing with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct FilingPage {
    #[serde(flatten)]
    listed: Listed,
    /// What the log tells of it, oldest first.
    events: Vec<EventLine>,
    /// When each source saw it first, the earliest first.
    timing: Vec<TimingLine>,
    /// The last event that the catalog has read.
    through: Cursor,
}

/// An event of a filing.
#[derive(Debug, Serialize)]
pub(crate) struct EventLine {
    r#type: EventType,
    cursor: Cursor,
    at: Timestamp,
}

/// A source's first sighting of a filing.
#[derive(Debug, Serialize)]
pub(crate) struct TimingLine {
    source: Source,
    seen_at: Timestamp,
}

impl FilingsPage {
    pub(super) fn of(page: Page, next: Option<String>, epoch: &Epoch) -> Self {
        let listed = page
            .filings
            .into_iter()
            .map(|found| Listed::of(found, epoch));
        Self {
            filings: listed.collect(),
            next,
            through: epoch.at(page.through),
        }
    }
}

impl Listed {
    fn of(found: Found, epoch: &Epoch) -> Self {
        let withdrawn = found.withdrawn.first();
        Self {
            seen_cursor: epoch.at(found.seen.0),
            archived_cursors: found
                .archived
                .iter()
                .map(|(seq, _)| epoch.at(*seq))
                .collect(),
            withdrawn_cursor: withdrawn.map(|(seq, _)| epoch.at(*seq)),
            withdrawn_at: withdrawn.map(|(_, at)| *at),
            filing: found.filing,
        }
    }
}

impl FilingPage {
    pub(super) fn of(found: Found, sightings: &[Sighted], through: Seq, epoch: &Epoch) -> Self {
        Self {
            events: events(&found, epoch),
            timing: timing(&found.filing, sightings),
            listed: Listed::of(found, epoch),
            through: epoch.at(through),
        }
    }
}

fn events(found: &Found, epoch: &Epoch) -> Vec<EventLine> {
    let line = |r#type| {
        move |(seq, at): &(Seq, Timestamp)| EventLine {
            r#type,
            cursor: epoch.at(*seq),
            at: *at,
        }
    };
    let seen = std::iter::once(&found.seen).map(line(EventType::FilingSeen));
    let archived = found.archived.iter().map(line(EventType::FilingArchived));
    let withdrawn = found.withdrawn.iter().map(line(EventType::FilingWithdrawn));
    let mut events: Vec<EventLine> = seen.chain(archived).chain(withdrawn).collect();
    events.sort_by_key(|event| event.cursor.seq);
    events
}

/// The log knows who was first, the ledger the others.
fn timing(filing: &Filing, sightings: &[Sighted]) -> Vec<TimingLine> {
    let others = sightings
        .iter()
        .filter(|other| other.source != filing.source);
    let mut timing = vec![TimingLine {
        source: filing.source,
        seen_at: filing.seen_at,
    }];
    timing.extend(others.map(|Sighted { source, seen_at }| TimingLine {
        source: *source,
        seen_at: *seen_at,
    }));
    timing.sort_by_key(|line| line.seen_at);
    timing
}
