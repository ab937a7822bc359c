//! What the log holds of filings and days: the updater's memory.
//!
//! | module | owns |
//! |---|---|
//! | `filings`, `block` | all filings, sorted, in a few bytes each |
//! | `snapshot`, `pieces` | the same in a file, so that a start does not read the whole log |
//! | `recall` | the start: the file, then the log from there on |
//! | `saving` | when the file is written |
//! | `scrub` | reading what the start did not read, in the background |
//!
//! Invariant: a filing is known exactly when a `filing.seen` of it is or was in the log, and
//! its [`Standing`] is what the log's events say together. The log is the only truth: without
//! the file everything is found in it again, but for what retention has taken away.

mod block;
mod filings;
mod pieces;
mod recall;
mod saving;
mod scrub;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocol::{
    accession::Accession,
    filing::{Objects, Source},
    seq::Seq,
    time::Date,
};

use self::{block::Entry, filings::Filings};

pub use self::{
    recall::Tally,
    snapshot::{Refusal, Snapshot, SnapshotFile},
};
pub(crate) use self::{recall::recall, saving::Saving, scrub::scrub};

/// What the log holds of filings and days. A clone copies the list of blocks, not
/// the blocks, and stays as it is while this goes on: it may be read on another thread.
#[derive(Debug, Clone, Default)]
pub struct Known {
    filings: Filings,
    sealed: BTreeMap<Date, Seq>,
}

/// What the log says of one filing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether an index told of it first, and no monitor.
    pub recovered: bool,
    /// What the archive holds of it.
    pub stored: Stored,
    /// Whether its documents have facts of which the archive has none.
    pub lacks_facts: bool,
    /// Whether EDGAR took it away.
    pub withdrawn: bool,
}

/// What the archive holds of a filing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// The submission.
    pub sgml: bool,
    /// The tar object.
    pub tar: bool,
    /// The XBRL facts.
    pub xbrl: bool,
}

impl Stored {
    /// What is told of an archived version.
    pub fn of(objects: &Objects) -> Self {
        Self {
            sgml: objects.sgml.is_some(),
            tar: objects.tar.is_some(),
            xbrl: objects.xbrl.is_some(),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            sgml: self.sgml || other.sgml,
            tar: self.tar || other.tar,
            xbrl: self.xbrl || other.xbrl,
        }
    }
}

impl Standing {
    /// Whether an object of it can be expected that the archive does not have. Facts are
    /// expected only of documents that are known to have some; nothing is of a filing that
    /// EDGAR took away.
    pub fn lacks_something(self) -> bool {
        let is_whole = self.stored.sgml && self.stored.tar && !self.lacks_facts;
        !self.withdrawn && !is_whole
    }

    fn to_bits(self) -> u8 {
        let Stored { sgml, tar, xbrl } = self.stored;
        let flags = [
            sgml,
            tar,
            xbrl,
            self.recovered,
            self.withdrawn,
            self.lacks_facts,
        ];
        let bit = |(place, flag): (usize, bool)| u8::from(flag) << place;
        flags.into_iter().enumerate().map(bit).sum()
    }

    /// `None` when a bit is set that means nothing.
    fn from_bits(bits: u8) -> Option<Self> {
        let flag = |place: u8| bits >> place & 1 == 1;
        (bits < 1 << 6).then(|| Self {
            stored: Stored {
                sgml: flag(0),
                tar: flag(1),
                xbrl: flag(2),
            },
            recovered: flag(3),
            withdrawn: flag(4),
            lacks_facts: flag(5),
        })
    }
}

/// Whether documents of these types have facts: every report in XBRL brings a schema or a
/// linkbase of its own, `EX-101.SCH` and the like, also where its facts stand in a page.
pub fn have_facts<'a>(mut document_types: impl Iterator<Item = &'a str>) -> bool {
    document_types.any(|document_type| document_type.starts_with("EX-101"))
}

impl Known {
    /// A source lists it, and `seq` is where its `filing.seen` stands or will stand; whether
    /// it is new.
    pub fn sighted(&mut self, accession: Accession, source: Source, seq: Seq) -> bool {
        if self.filings.get(accession).is_some() {
            return false;
        }
        let standing = Standing {
            recovered: matches!(source, Source::DailyIndex | Source::Backfill),
            ..Standing::default()
        };
        self.filings.put(Entry {
            accession,
            standing,
            seen: seq,
        });
        true
    }

    /// A version of its submission is in the archive, with these objects; whether the types
    /// of its documents say that it has facts ([`have_facts`]).
    pub fn archived(&mut self, accession: Accession, objects: &Objects, has_facts: bool) {
        self.change(accession, |standing| {
            // A later version takes nothing away from a filing that lacks nothing: where its
            // `filing.seen` stands is no longer known.
            let was_whole = !standing.lacks_something();
            standing.stored = standing.stored.and(Stored::of(objects));
            let has_facts = standing.lacks_facts || has_facts;
            standing.lacks_facts = !was_whole && has_facts && !standing.stored.xbrl;
        });
    }

    /// EDGAR took it away; whether that is new, and about a filing that is known.
    pub fn withdrawn(&mut self, accession: Accession) -> bool {
        self.change(accession, |standing| standing.withdrawn = true)
    }

    /// A day is sealed by the event `seq`; whether that is new.
    pub fn sealed(&mut self, day: Date, seq: Seq) -> bool {
        let is_new = !self.sealed.contains_key(&day);
        self.sealed.entry(day).or_insert(seq);
        is_new
    }

    /// What the log says of a filing; `None` when it was never seen.
    pub fn standing(&self, accession: Accession) -> Option<Standing> {
        self.filings.get(accession).map(|entry| entry.standing)
    }

    /// Where the `day.sealed` of a day stands.
    pub fn sealed_seq(&self, day: Date) -> Option<Seq> {
        self.sealed.get(&day).copied()
    }

    /// Every sealed day and where its `day.sealed` stands, by day.
    pub fn sealed_days(&self) -> impl DoubleEndedIterator<Item = (Date, Seq)> {
        self.sealed.iter().map(|(day, seq)| (*day, *seq))
    }

    /// The latest day that is sealed; not always the one sealed last.
    pub fn last_sealed(&self) -> Option<(Date, Seq)> {
        self.sealed_days().next_back()
    }

    /// How many filings are known.
    pub fn len(&self) -> usize {
        self.filings.len()
    }

    /// Whether no filing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every filing in the order of accessions, as they are now.
    pub fn filings(&self) -> impl Iterator<Item = (Accession, Standing)> + Send + use<> {
        let told = |entry: Entry| (entry.accession, entry.standing);
        self.filings.walk().map(told)
    }

    /// The filings of which an object is lacking ([`Standing::lacks_something`]), in the order
    /// of accessions, and where the `filing.seen` of each stands.
    pub fn lacking(&self) -> impl Iterator<Item = (Accession, Standing, Seq)> + Send + use<> {
        let all = self.filings.walk();
        all.filter(|entry| entry.standing.lacks_something())
            .map(|entry| (entry.accession, entry.standing, entry.seen))
    }

    /// Whether anything changed.
    fn change(&mut self, accession: Accession, change: impl FnOnce(&mut Standing)) -> bool {
        let Some(mut entry) = self.filings.get(accession) else {
            return false;
        };
        let before = entry.standing;
        change(&mut entry.standing);
        if !entry.standing.lacks_something() {
            entry.seen = Seq::ZERO;
        }
        if entry.standing != before {
            self.filings.put(entry);
        }
        entry.standing != before
    }
}
