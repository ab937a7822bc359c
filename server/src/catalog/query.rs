//! Reading: a page of filings, or all that is known of one.
//!
//! Postings say which filings may be wanted, the stream's own filter decides on the frame
//! that says most of each. A request reads one state of the file, whatever is written
//! meanwhile.
//!
//! Elsewhere: walking postings (`walk`), whom a connection is for (`pool`).
//!
//! Invariant: a page is sorted by the seq of `filing.seen`, newest first; what its `next`
//! leaves out was decided upon. The time and the bytes of a request are bounded.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use jiff::civil::date;
use protocol::{
    accession::Accession,
    event::{Body, Event},
    filing::Filing,
    filter::{Facts, Filter},
    seq::Seq,
    time::{Date, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    CatalogError,
    ahead::Ahead,
    batch::Later,
    schema, terms,
    told::Unpacker,
    walk::{Effort, Step, Walk},
};

/// Bytes of frames after which a page is full, whatever its limit.
const PAGE_BYTES: usize = 4 << 20;

/// Filings that are looked at for a page, besides those that are wanted.
const MOST_UNWANTED: usize = 5_000;

/// Filings that are found before they are looked at.
const AHEAD: usize = 100;

/// How many of these tell whether the file is in memory, and in which time they do.
const TASTED: usize = 8;
const FROM_MEMORY: Duration = Duration::from_micros(400);

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// What a statement may take beyond the moment at which a walk ends by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Days on which filings were filed, the ends included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    /// The first.
    pub from: Option<Date>,
    /// The last.
    pub to: Option<Date>,
}

/// What a page is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Which filings.
    pub filter: Filter,
    /// When they were filed.
    pub dates: Dates,
    /// Only those before this one; `None` for the newest.
    pub before: Option<Seq>,
    /// At most so many.
    pub limit: usize,
}

/// A page of filings, newest first.
#[derive(Debug)]
pub struct Page {
    /// The filings.
    pub filings: Vec<Found>,
    /// There may be more before this one.
    pub next: Option<Seq>,
    /// How far the catalog has read the log.
    pub through: Seq,
}

/// A filing, and the events that told of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// As the newest event tells it.
    pub filing: Filing,
    /// Its `filing.seen`.
    pub seen: (Seq, Timestamp),
    /// Each `filing.archived`, oldest first.
    pub archived: Vec<(Seq, Timestamp)>,
    /// Each `filing.withdrawn`, normally none.
    pub withdrawn: Vec<(Seq, Timestamp)>,
}

/// A connection that reads.
pub struct Reading {
    connection: Connection,
    unpacker: Unpacker,
    ahead: Ahead,
    /// How long rows take that need not be read ahead.
    from_memory: Duration,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reading").field(&self.connection).finish()
    }
}

/// Before and after all days on which anything is filed.
const ALL_DAYS: (Date, Date) = (date(1900, 1, 1), date(2100, 12, 31));

impl Dates {
    /// The first day that is wanted.
    pub(super) fn first(&self) -> Date {
        self.from.unwrap_or(ALL_DAYS.0)
    }

    /// The last day that is wanted.
    pub(super) fn last(&self) -> Date {
        self.to.unwrap_or(ALL_DAYS.1)
    }

    /// Whether any day is excluded.
    pub(super) fn is_given(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn want(&self, filed_on: Option<Date>) -> bool {
        !self.is_given()
            || filed_on.is_some_and(|day| {
                self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
            })
    }
}

impl Reading {
    /// Opens the file.
    ///
    /// # Errors
    /// When there is none, or the disk fails.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Ok(Self {
            connection: schema::open_to_read(path)?,
            unpacker: Unpacker::new()?,
            ahead: Ahead::new(path),
            from_memory: FROM_MEMORY,
        })
    }

    /// One that takes the disk for slow, whatever it does.
    #[cfg(test)]
    pub(super) fn reading_ahead(self) -> Self {
        Self {
            from_memory: Duration::ZERO,
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn has_read_ahead(&self) -> bool {
        self.ahead.has_read()
    }

    /// The filings that are asked for, as many as are found `until` then.
    ///
    /// # Errors
    /// When the file is damaged, the disk fails, or one look takes too long.
    pub fn page(&mut self, asked: &Asked, until: Instant) -> Result<Page, CatalogError> {
        let Self {
            connection,
            unpacker,
            ahead,
            from_memory,
        } = self;
        stop_at(connection, until)?;
        let snapshot = connection.unchecked_transaction()?;
        let effort = Effort::until(until);
        let groups = terms::wanted(&asked.filter, &asked.dates);
        let mut look = Look {
            connection: &snapshot,
            unpacker,
            ahead,
            from_memory: *from_memory,
            asked,
            page: Page {
                filings: Vec::new(),
                next: None,
                through: schema::through(&snapshot)?,
            },
            bytes: 0,
            unwanted: 0,
        };
        look.fill(&mut Walk::new(&snapshot, &effort, groups)?, &effort)?;
        Ok(look.page)
    }

    /// All that is known of a filing, and how far the catalog has read.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn find(
        &mut self,
        accession: Accession,
        until: Instant,
    ) -> Result<(Option<Found>, Seq), CatalogError> {
        stop_at(&mut self.connection, until)?;
        let snapshot = self.connection.unchecked_transaction()?;
        let through = schema::through(&snapshot)?;
        let mut statement = snapshot.prepare_cached(
            "SELECT seq, seen_at, later, told FROM filings
             WHERE seq = (SELECT seq FROM accessions WHERE accession = ?1)",
        )?;
        let number = accession.get().cast_signed();
        let stored = statement.query_row([number], Stored::of).optional()?;
        let Some(stored) = stored else {
            return Ok((None, through));
        };
        let frame = self.unpacker.unpack(&stored.told)?;
        Ok((Some(stored.found(&frame)?), through))
    }
}

/// Ends a statement that runs beyond that moment.
fn stop_at(connection: &mut Connection, until: Instant) -> Result<(), CatalogError> {
    connection.progress_handler(STEPS, Some(move || Instant::now() > until + GRACE))?;
    Ok(())
}

/// A page as it fills.
struct Look<'l> {
    connection: &'l Connection,
    unpacker: &'l mut Unpacker,
    ahead: &'l mut Ahead,
    from_memory: Duration,
    asked: &'l Asked,
    page: Page,
    bytes: usize,
    unwanted: usize,
}

impl Look<'_> {
    fn fill(&mut self, walk: &mut Walk<'_>, effort: &Effort) -> Result<(), CatalogError> {
        let before = self.asked.before.map_or(u64::MAX, Seq::get);
        let mut bound = before.checked_sub(1);
        while let Some(most) = bound {
            let missing = self.asked.limit.saturating_sub(self.page.filings.len());
            let (found, step) = some(walk, most, missing.clamp(1, AHEAD), effort)?;
            self.page.next = match (self.look_at_all(&found)?, step) {
                (Some(last), _) => Some(Seq::new(last)),
                (None, Step::End) => None,
                (None, Step::Spent(reached)) => Some(Seq::new(reached).next()),
                (None, Step::Found(last)) if effort.is_spent() => Some(Seq::new(last)),
                (None, Step::Found(last)) => {
                    bound = last.checked_sub(1);
                    continue;
                }
            };
            return Ok(());
        }
        Ok(())
    }

    /// Looks at filings until the page is full; gives the one that filled it. When the first
    /// ones take long, the others are read ahead.
    fn look_at_all(&mut self, seqs: &[u64]) -> Result<Option<u64>, CatalogError> {
        let began = Instant::now();
        for (place, seq) in seqs.iter().enumerate() {
            if place == TASTED && began.elapsed() > self.from_memory {
                self.ahead.read(&seqs[place..])?;
            }
            self.look_at(*seq)?;
            if self.is_full() {
                return Ok(Some(*seq));
            }
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.page.filings.len() >= self.asked.limit
            || self.bytes >= PAGE_BYTES
            || self.unwanted >= MOST_UNWANTED
    }

    fn look_at(&mut self, seq: u64) -> Result<(), CatalogError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, seen_at, later, told FROM filings WHERE seq = ?1")?;
        let stored = statement.query_row([seq.cast_signed()], Stored::of);
        self.unwanted += 1;
        let Some(stored) = stored.optional()? else {
            // Forgotten with its events; its postings stay.
            return Ok(());
        };
        let frame = self.unpacker.unpack(&stored.told)?;
        let facts = Facts::of_frame(&frame).map_err(|_| CatalogError::Damaged("filings"))?;
        if !self.asked.filter.wants(&facts) {
            return Ok(());
        }
        let found = stored.found(&frame)?;
        if self.asked.dates.want(found.filing.filed_on) {
            self.unwanted -= 1;
            self.bytes += frame.len();
            self.page.filings.push(found);
        }
        Ok(())
    }
}

/// The next filings that may be wanted, `most` at most and one at least, and where the walk
/// stands then.
fn some(
    walk: &mut Walk<'_>,
    mut bound: u64,
    most: usize,
    effort: &Effort,
) -> Result<(Vec<u64>, Step), CatalogError> {
    let mut found = Vec::with_capacity(most);
    loop {
        let seq = match walk.at_most(bound)? {
            Step::Found(seq) => seq,
            step => return Ok((found, step)),
        };
        found.push(seq);
        match seq.checked_sub(1) {
            None => return Ok((found, Step::End)),
            Some(_) if found.len() >= most || effort.is_spent() => {
                return Ok((found, Step::Found(seq)));
            }
            Some(before) => bound = before,
        }
    }
}

/// A row of `filings`.
struct Stored {
    seq: i64,
    seen_at: i64,
    later: Vec<u8>,
    told: Vec<u8>,
}

impl Stored {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            seen_at: row.get(1)?,
            later: row.get(2)?,
            told: row.get(3)?,
        })
    }

    fn found(self, frame: &[u8]) -> Result<Found, CatalogError> {
        let damaged = || CatalogError::Damaged("filings");
        let event = Event::from_frame(frame).map_err(|_| damaged())?;
        let (Body::FilingSeen(filing) | Body::FilingArchived(filing)) = event.body else {
            return Err(damaged());
        };
        let seq = self.seq.cast_unsigned();
        let at = Timestamp::from_millisecond(self.seen_at).map_err(|_| damaged())?;
        let later = Later::decode(seq, &self.later).ok_or_else(damaged)?;
        let all = |kind| {
            let of_kind = later.iter().filter(move |(what, _)| *what == kind);
            of_kind.map(|(_, moment)| (moment.seq, moment.at)).collect()
        };
        Ok(Found {
            filing,
            seen: (Seq::new(seq), at),
            archived: all(Later::Archived),
            withdrawn: all(Later::Withdrawn),
        })
    }
}
