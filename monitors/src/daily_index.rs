//! The SEC's index files: what it says it disseminated on a day, or filed in a quarter.
//!
//! An index is read on request, not polled. Whoever asks is told whether it is out, and gets
//! filings whose rows, one for each filer, are joined.
//!
//! Elsewhere: the format (`edgar::index`), receiving a file and judging whether it is whole
//! (`download`), the rows of a quarter in little memory (`rows`), when to ask and what to do
//! with the filings (`server`).
//!
//! Invariant: what is not the whole index of the day or quarter asked for is an error, never
//! an index with fewer rows. An index without rows is one only under the right header.

mod download;
mod failure;
mod rows;

use std::time::Duration;

use edgar::calendar;
use edgar::index::{Kind, Rejected};
use edgar::paths;
use protocol::accession::Accession;
use protocol::filing::{Filing, Source};
use protocol::pattern::Patterns;
use protocol::time::{Date, Timestamp, eastern_day, to_millis};
use sec_client::{Priority, SecClient, SecError};

use self::download::{Expected, Read};
pub use self::failure::{Damage, IndexFailure};
use self::rows::Rows;
use crate::clock::Clock;

/// Further attempts after a failure that may pass.
const RETRIES: u32 = 3;

/// Between the first two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// Business days looked ahead to tell a day that has no index from one whose index is late:
/// EDGAR has never been closed by order for as long.
const LOOK_AHEAD_DAYS: usize = 5;

/// Reads index files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IndexReader {
    client: SecClient,
    www_url: String,
    clock: Clock,
    /// Wait before the first further attempt; doubled with each.
    retry_delay: Duration,
}

/// What the filings of an index say of how they were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// [`Source::DailyIndex`], or [`Source::Backfill`] for the past.
    pub source: Source,
    /// Whether they are found after the day on which EDGAR published them.
    pub late: bool,
}

/// Whether there is an index of a day.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// Not yet: it is due at about 22:07 Eastern of its day.
    NotOut,
    /// Never: EDGAR does not publish on this day.
    NoIndex,
    /// This is it.
    Out(DayIndex),
}

/// What EDGAR disseminated on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct DayIndex {
    /// The day.
    pub day: Date,
    /// What it lists, once each, by accession.
    pub filings: Vec<Filing>,
    /// Its bad rows; they are EDGAR's own, for reading again has shown the same.
    pub rejected: Vec<Rejected>,
}

/// A calendar quarter, 1 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter {
    /// The year.
    pub year: i16,
    /// 1 to 4.
    pub quarter: u8,
}

/// Which filings of a quarter are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// First filing date.
    pub from: Date,
    /// Last filing date, included.
    pub to: Date,
    /// The forms; `None` for all.
    pub forms: Option<Patterns>,
}

/// Whether there is an index of a quarter.
#[derive(Debug)]
pub enum QuarterListing {
    /// Not yet: the quarter has not begun, or only today.
    NotOut,
    /// This is it.
    Out(QuarterIndex),
}

/// What was filed in a quarter, as of the last rebuild. Takes 24 bytes a row and the names
/// of the filers: 11 MB for 275,000 rows.
#[derive(Debug)]
pub struct QuarterIndex {
    /// The quarter.
    pub quarter: Quarter,
    /// The day up to which it is complete.
    pub through: Date,
    /// Its bad rows; they are EDGAR's own, for reading again has shown the same.
    pub rejected: Vec<Rejected>,
    rows: Rows,
    seen_at: Timestamp,
}

impl IndexReader {
    /// A reader of the index files on `www_url`, scheme and host.
    pub fn new(client: SecClient, www_url: impl Into<String>, clock: Clock) -> Self {
        Self {
            client,
            www_url: www_url.into(),
            clock,
            retry_delay: RETRY_DELAY,
        }
    }

    /// Reads the index of `day`.
    ///
    /// # Errors
    /// [`IndexFailure`], by what the caller can do.
    pub async fn day(&self, day: Date, origin: Origin) -> Result<Listing, IndexFailure> {
        let path = paths::daily_index(Kind::Master, day);
        let Some(read) = self.settled(&path, Expected::Day(day)).await? else {
            return self.absent(day).await;
        };
        let seen_at = to_millis(self.clock.now());
        Ok(Listing::Out(DayIndex {
            day,
            filings: read.rows.filings(seen_at, origin).collect(),
            rejected: read.rejected,
        }))
    }

    /// Reads the index of `quarter`.
    ///
    /// # Errors
    /// [`IndexFailure`], by what the caller can do.
    pub async fn quarter(&self, quarter: Quarter) -> Result<QuarterListing, IndexFailure> {
        let Quarter {
            year,
            quarter: number,
        } = quarter;
        let path = paths::quarter_index_compressed(Kind::Master, year, number);
        let Some(read) = self.settled(&path, Expected::Quarter(quarter)).await? else {
            return Ok(QuarterListing::NotOut);
        };
        Ok(QuarterListing::Out(QuarterIndex {
            quarter,
            through: read.through,
            rejected: read.rejected,
            rows: read.rows,
            seen_at: to_millis(self.clock.now()),
        }))
    }

    /// Reads a file. Where some rows are bad it is read twice: what comes again is no damage
    /// of the way. `None` when there is no such file.
    async fn settled(&self, path: &str, expected: Expected) -> Result<Option<Read>, IndexFailure> {
        let Some(read) = self.patiently(path, expected).await? else {
            return Ok(None);
        };
        if read.rejected.is_empty() {
            return Ok(Some(read));
        }
        if self.patiently(path, expected).await?.as_ref() != Some(&read) {
            return Err(IndexFailure::damaged(path, Damage::Unsteady));
        }
        let rows = read.rejected.len();
        tracing::warn!(path, rows, "an index has rows that make no sense");
        Ok(Some(read))
    }

    /// Reads a file; failures that may pass are met with patience.
    async fn patiently(
        &self,
        path: &str,
        expected: Expected,
    ) -> Result<Option<Read>, IndexFailure> {
        let mut attempt = 0;
        loop {
            let failure = match self.read(path, expected).await {
                Ok(read) => return Ok(Some(read)),
                Err(failure) if failure.is_absent() => return Ok(None),
                Err(failure) => failure,
            };
            if attempt == RETRIES || !failure.may_pass_soon() {
                return Err(failure);
            }
            tokio::time::sleep(self.retry_delay * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    async fn read(&self, path: &str, expected: Expected) -> Result<Read, IndexFailure> {
        let url = paths::url(&self.www_url, path);
        let unread = |cause| IndexFailure::of(path, cause);
        let body = self.client.open(&url, Priority::Index);
        let body = body.await.map_err(unread)?;
        download::receive(path, body, expected).await
    }

    /// What it means that `day` has no file.
    async fn absent(&self, day: Date) -> Result<Listing, IndexFailure> {
        let never = !calendar::is_business_day(day) || self.has_later(day).await?;
        Ok(if never {
            Listing::NoIndex
        } else {
            Listing::NotOut
        })
    }

    /// Whether a later day has an index. EDGAR closes on some days that no calendar knows,
    /// and goes on with the next.
    ///
    /// # Errors
    /// [`IndexFailure`], by what the caller can do.
    pub async fn has_later(&self, day: Date) -> Result<bool, IndexFailure> {
        let today = eastern_day(self.clock.now());
        let next = |day: &Date| Some(calendar::next_business_day(*day));
        let later = std::iter::successors(next(&day), next).take(LOOK_AHEAD_DAYS);
        for later in later.take_while(|later| *later <= today) {
            if self.is_out(later).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_out(&self, day: Date) -> Result<bool, IndexFailure> {
        let path = paths::daily_index(Kind::Master, day);
        let url = paths::url(&self.www_url, &path);
        match self.client.open(&url, Priority::Index).await {
            Ok(_) => Ok(true),
            Err(SecError::Absent { .. }) => Ok(false),
            Err(cause) => Err(IndexFailure::of(&path, cause)),
        }
    }
}

impl Quarter {
    /// The quarter of a date.
    pub fn of(date: Date) -> Self {
        Self {
            year: date.year(),
            quarter: paths::quarter_of(date),
        }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self.quarter {
            4.. => Self {
                year: self.year + 1,
                quarter: 1,
            },
            quarter => Self {
                quarter: quarter + 1,
                ..self
            },
        }
    }
}

impl Wanted {
    fn takes(&self, filing: &Filing) -> bool {
        let in_time = |date| (self.from..=self.to).contains(&date);
        let by_form = |forms: &Patterns| forms.match_name(filing.form.as_str());
        filing.filed_on.is_some_and(in_time) && self.forms.as_ref().is_none_or(by_form)
    }
}

impl QuarterIndex {
    /// The accessions it lists, rising, once each.
    pub fn accessions(&self) -> impl Iterator<Item = Accession> {
        self.rows.accessions()
    }

    /// The wanted filings by accession, made as they are asked for.
    ///
    /// A filing is listed in the quarter in which it was disseminated: one with a filing
    /// date in March may stand in the quarter that begins in April.
    pub fn filings(&self, wanted: &Wanted, origin: Origin) -> impl Iterator<Item = Filing> {
        let filings = self.rows.filings(self.seen_at, origin);
        filings.filter(|filing| wanted.takes(filing))
    }
}

#[cfg(test)]
mod tests;
