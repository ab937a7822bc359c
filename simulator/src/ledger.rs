//! The truth, for tests: what was published, what went wrong, who asked too much.
//!
//! Invariant: a filing is in the ledger before any request can see it, and a fault
//! before its answer leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use crate::faults::Fault;
use crate::police::Police;
use crate::shelf::{Listing, Published, Quarter, Shelf};

/// The kinds of things one can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathClass {
    /// The latest-filings feed.
    Feed,
    /// The full-text search index.
    Search,
    /// A submission.
    Submission,
    /// The index page of a filing.
    IndexPage,
    /// A daily index file.
    DailyIndex,
    /// A quarter's index file.
    QuarterIndex,
    /// The ticker list.
    Tickers,
    /// Anything else.
    Other,
}

impl PathClass {
    /// Its name, `daily-index`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Search => "search",
            Self::Submission => "submission",
            Self::IndexPage => "index-page",
            Self::DailyIndex => "daily-index",
            Self::QuarterIndex => "quarter-index",
            Self::Tickers => "tickers",
            Self::Other => "other",
        }
    }
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredFault {
    /// Which.
    pub fault: Fault,
    /// Path and query of the request, or what it is about: an accession number, a day.
    pub path: String,
    /// Simulated time.
    pub at: Timestamp,
}

/// A request against the SEC's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What was wrong.
    pub kind: ViolationKind,
    /// Path and query of the request.
    pub path: String,
    /// Simulated time.
    pub at: Timestamp,
}

/// Which rule a request broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationKind {
    /// No contact in the User-Agent.
    Undeclared,
    /// More requests in a second than allowed.
    TooMany,
    /// Asked on while blocked.
    Blocked,
}

/// One filer in one role of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFiler {
    /// Central index key.
    pub cik: u64,
    /// Conformed name.
    pub name: String,
    /// As the Atom feed spells the role, `Filed by`.
    pub atom_role: &'static str,
    /// As the streaming protocol spells it, `filed-by`.
    pub role: &'static str,
    /// Symbols.
    pub tickers: Vec<String>,
}

/// One filing, with the simulated times at which its parts become public.
#[derive(Debug, Clone)]
pub struct LedgerFiling {
    /// Dashed.
    pub accession: String,
    /// `SCHEDULE 13G/A`.
    pub form: &'static str,
    /// In the order of the header, each (CIK, role) once.
    pub filers: Vec<LedgerFiler>,
    /// Item codes, `5.02`.
    pub items: Vec<&'static str>,
    /// A whole second.
    pub accepted_at: Timestamp,
    /// The filing date.
    pub filed_on: Date,
    /// The index page answers from here on.
    pub index_at: Timestamp,
    /// The submission answers from here on.
    pub submission_at: Timestamp,
    /// The Atom feed lists it from here on; `None` is never.
    pub listed_at: Option<Timestamp>,
    /// The search index finds it from here on; `None` is never.
    pub searchable_at: Option<Timestamp>,
    /// The day of dissemination, in whose daily index it stands.
    pub disseminated_on: Date,
    /// From here on its submission has other bytes, and that day's index lists it again.
    pub again_at: Option<Timestamp>,
    /// From here on it is removed.
    pub withdrawn_at: Option<Timestamp>,
    /// The exact length of the submission.
    pub submission_bytes: u64,
    published: Arc<Published>,
}

impl LedgerFiling {
    /// The SHA-256 of the submission in hexadecimal; made when first asked for.
    pub fn submission_sha256(&self) -> &str {
        self.published.sha256()
    }

    /// The same of what is disseminated again, if it is.
    pub fn revised_sha256(&self) -> Option<&str> {
        self.published.revised_sha256()
    }
}

/// A filing that is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// Dashed.
    pub accession: String,
    /// From here on nothing of it is served.
    pub at: Timestamp,
    /// When the rebuilt index of its quarter no longer listed it; `None` while it does.
    pub dropped_at: Option<Timestamp>,
}

/// Reads the truth. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    shelf: Arc<Shelf>,
    police: Arc<Police>,
    log: Arc<Log>,
}

/// What the server writes down.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    requests: BTreeMap<PathClass, u64>,
    faults: Vec<FiredFault>,
    violations: Vec<Violation>,
}

/// The most faults and the most violations kept; later ones are not written down.
const KEEP: usize = 100_000;

impl Ledger {
    pub(crate) fn new(shelf: Arc<Shelf>, police: Arc<Police>, log: Arc<Log>) -> Self {
        Self { shelf, police, log }
    }

    /// Every filing made so far by rising acceptance, those of a burst included whose
    /// time is still to come.
    pub fn filings(&self) -> Vec<LedgerFiling> {
        self.shelf.all().iter().map(entry).collect()
    }

    /// The filing with that dashed accession number.
    pub fn filing(&self, accession: &str) -> Option<LedgerFiling> {
        self.shelf.find(accession).as_ref().map(entry)
    }

    /// The accessions that the daily index of `day` lists now, sorted and distinct; `None`
    /// while it has none.
    pub fn listed_on(&self, day: Date) -> Option<Vec<String>> {
        self.shelf.day_index(day).map(accessions)
    }

    /// The same as it was when the index was written first: without rows that came later.
    pub fn listed_first_on(&self, day: Date) -> Option<Vec<String>> {
        self.shelf.first_day_index(day).map(accessions)
    }

    /// The accessions that the index of the quarter of `day` lists now.
    pub fn listed_in_quarter_of(&self, day: Date) -> Option<Vec<String>> {
        self.shelf.quarter_index(Quarter::of(day)).map(accessions)
    }

    /// The days from `first` to `last` that have an index now.
    pub fn index_days(&self, first: Date, last: Date) -> Vec<Date> {
        let days = first.series(1.day()).take_while(|day| *day <= last);
        days.filter(|day| self.shelf.day_index(*day).is_some())
            .collect()
    }

    /// The filings that are removed by now, by rising acceptance.
    pub fn withdrawn(&self) -> Vec<Withdrawn> {
        let now = self.shelf.now();
        let filings = self.shelf.all();
        let gone = filings
            .iter()
            .filter(|published| published.is_withdrawn(now));
        gone.filter_map(|published| {
            Some(Withdrawn {
                accession: published.filing.accession.clone(),
                at: published.withdrawn_at()?,
                dropped_at: self.shelf.dropped_at(published),
            })
        })
        .collect()
    }

    /// The faults that happened, oldest first.
    pub fn faults(&self) -> Vec<FiredFault> {
        self.log.lock().faults.clone()
    }

    /// How often `fault` happened.
    pub fn fired(&self, fault: Fault) -> usize {
        self.log
            .lock()
            .faults
            .iter()
            .filter(|fired| fired.fault == fault)
            .count()
    }

    /// Requests that passed the police, by what they asked for.
    pub fn requests(&self) -> BTreeMap<PathClass, u64> {
        self.log.lock().requests.clone()
    }

    /// Requests against the rules, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.log.lock().violations.clone()
    }

    /// The most requests that arrived within one second, refused ones included.
    pub fn max_in_one_second(&self) -> usize {
        self.police.most()
    }
}

impl Log {
    pub(crate) fn request(&self, class: PathClass) {
        *self.lock().requests.entry(class).or_default() += 1;
    }

    pub(crate) fn fault(&self, fault: Fault, path: &str, at: Timestamp) {
        let mut entries = self.lock();
        if entries.faults.len() < KEEP {
            entries.faults.push(FiredFault {
                fault,
                path: path.to_owned(),
                at,
            });
        }
    }

    pub(crate) fn violation(&self, kind: ViolationKind, path: &str, at: Timestamp) {
        let mut entries = self.lock();
        if entries.violations.len() < KEEP {
            entries.violations.push(Violation {
                kind,
                path: path.to_owned(),
                at,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The SHA-256 over accession numbers, sorted, distinct and dashed, each with a newline at
/// its end: the checksum of a sealed day.
pub fn accessions_sha256<A: AsRef<str>>(accessions: impl IntoIterator<Item = A>) -> String {
    let sorted: BTreeSet<String> = accessions
        .into_iter()
        .map(|accession| accession.as_ref().to_owned())
        .collect();
    let mut hash = Sha256::new();
    for accession in sorted {
        hash.update(accession);
        hash.update("\n");
    }
    hex::encode(hash.finalize())
}

fn accessions(listing: Listing) -> Vec<String> {
    let listed = listing.filings.iter();
    let distinct: BTreeSet<String> = listed
        .map(|published| published.filing.accession.clone())
        .collect();
    distinct.into_iter().collect()
}

fn entry(published: &Arc<Published>) -> LedgerFiling {
    let (filing, stages) = (&published.filing, &published.stages);
    let filers = filing
        .distinct_parties()
        .into_iter()
        .map(|party| LedgerFiler {
            cik: party.filer.cik,
            name: party.filer.name.clone(),
            atom_role: party.role.atom(),
            role: party.role.protocol(),
            tickers: party.filer.tickers.clone(),
        });
    LedgerFiling {
        accession: filing.accession.clone(),
        form: filing.rule.form,
        filers: filers.collect(),
        items: filing.items.iter().map(|item| item.code).collect(),
        accepted_at: filing.accepted_at,
        filed_on: filing.filed_on,
        index_at: stages.index,
        submission_at: stages.submission,
        listed_at: stages.listed,
        searchable_at: stages.searchable,
        disseminated_on: stages.day,
        again_at: stages.again,
        withdrawn_at: published.withdrawn_at(),
        submission_bytes: filing.submission_bytes,
        published: Arc::clone(published),
    }
}
