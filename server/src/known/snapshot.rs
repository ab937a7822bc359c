//! What is known, in a file.
//!
//! ```text
//! known 1 k7q2 18442231 2026-03-03 3120 3108
//! sealed days, blocks of filings, each with a count before it
//! CRC-32C of all before, four bytes, lowest first
//! ```
//!
//! The first line holds the format version, the log's epoch, the seq up to which the log is
//! covered, and the newest day with its events as [`Tally`] counts them. Behind it a day is two
//! numbers, its place from 1970-01-01 on and its seq; a block is its first accession, its length
//! and its bytes. Numbers are as in `block`.
//!
//! Elsewhere: pieces and checksum (`pieces`), when it is written (`saving`), what is read instead when it is of no use
//! (`recall`).
//!
//! Invariant: the file is the old one or the new one, whenever the power is cut; one that is
//! damaged, of another log, or ahead of its log is never used.

use std::{
    ffi::OsString,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use eventlog::{
    RealDisk,
    disk::{Disk, DiskFile},
};
use jiff::{Span, civil::date};
use protocol::{
    seq::{Epoch, Seq},
    time::Date,
};

use super::{
    Known, Tally,
    block::MOST_BYTES,
    pieces::{Reading, Writing},
};

/// Longest first line with its line end.
const HEADER_MAX: usize = 200;

const NAME: &str = "known";
const VERSION: &str = "1";

/// Where the file lies, and of which log it is.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    epoch: Epoch,
}

/// What is known at a seq.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All events up to this one are in it.
    pub covers: Seq,
    /// Filings and days.
    pub known: Known,
    /// Events of the newest day.
    pub tally: Tally,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is none.
    #[error("there is none")]
    Absent,
    /// It was written for another log.
    #[error("it is of epoch {0}, the log is another")]
    OtherLog(Epoch),
    /// It knows events that the log does not have.
    #[error("it covers {covers}, the log ends at {tip}")]
    Ahead {
        /// What it covers.
        covers: Seq,
        /// Where the log ends.
        tip: Seq,
    },
    /// It does not read.
    #[error("it is damaged, or of another version")]
    Damaged,
    /// The disk fails.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl SnapshotFile {
    /// The file below the data directory.
    pub fn new(data_dir: &Path, epoch: &Epoch) -> Self {
        Self::on(Arc::new(RealDisk), data_dir, epoch)
    }

    /// The same on another disk.
    pub fn on(disk: Arc<dyn Disk>, data_dir: &Path, epoch: &Epoch) -> Self {
        Self {
            disk,
            path: data_dir.join(NAME),
            epoch: epoch.clone(),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is known of a log that ends at `tip`.
    ///
    /// # Errors
    /// [`Refusal`]: then the log is to be read instead.
    pub fn read(&self, tip: Seq) -> Result<Snapshot, Refusal> {
        let file = match self.disk.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refusal::Absent),
            file => file?,
        };
        let mut reading = Reading::begin(&*file)?;
        let header = Header::parse(&reading.line(HEADER_MAX)?).ok_or(Refusal::Damaged)?;
        if header.epoch != self.epoch {
            return Err(Refusal::OtherLog(header.epoch));
        }
        if header.covers > tip {
            let covers = header.covers;
            return Err(Refusal::Ahead { covers, tip });
        }
        let known = read_known(&mut reading)?;
        reading.end()?;
        Ok(Snapshot {
            covers: header.covers,
            known,
            tally: header.tally,
        })
    }

    /// Replaces the file, durably; gives its length. Blocks for two fsyncs.
    ///
    /// # Errors
    /// Those of the disk; the file is then the old or the new one.
    pub fn write(&self, snapshot: &Snapshot) -> io::Result<u64> {
        let mut temporary = OsString::from(&self.path);
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = self.disk.create(&temporary)?;
        let bytes = self.write_to(&*file, snapshot)?;
        file.sync()?;
        self.disk.rename(&temporary, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        self.disk.sync_dir(folder)?;
        Ok(bytes)
    }

    fn write_to(&self, file: &dyn DiskFile, snapshot: &Snapshot) -> io::Result<u64> {
        let mut writing = Writing::new(file);
        let header = Header {
            epoch: self.epoch.clone(),
            covers: snapshot.covers,
            tally: snapshot.tally,
        };
        writing.push(header.encode().as_bytes())?;
        let Known { sealed, filings } = &snapshot.known;
        writing.number(sealed.len() as u64)?;
        for (day, seq) in sealed {
            writing.number(number_of(*day))?;
            writing.number(seq.get())?;
        }
        writing.number(filings.blocks().len() as u64)?;
        for block in filings.blocks() {
            writing.number(block.first())?;
            writing.number(block.bytes().len() as u64)?;
            writing.push(block.bytes())?;
        }
        writing.end()
    }
}

fn read_known(reading: &mut Reading<'_>) -> Result<Known, Refusal> {
    let mut known = Known::default();
    for _ in 0..reading.number()? {
        let day = day_of(reading.number()?).ok_or(Refusal::Damaged)?;
        known.sealed.insert(day, Seq::new(reading.number()?));
    }
    for _ in 0..reading.number()? {
        let first = reading.number()?;
        let length = usize::try_from(reading.number()?).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            return Err(Refusal::Damaged);
        }
        let bytes = reading.bytes(length)?.to_vec();
        let pushed = known.filings.push_block(first, bytes);
        pushed.map_err(|_| Refusal::Damaged)?;
    }
    Ok(known)
}

/// The first line.
struct Header {
    epoch: Epoch,
    covers: Seq,
    tally: Tally,
}

impl Header {
    fn encode(&self) -> String {
        let Self {
            epoch,
            covers,
            tally,
        } = self;
        let mut line = format!("{NAME} {VERSION} {epoch} {covers}");
        if let Some(day) = tally.day {
            write!(line, " {day} {} {}", tally.seen, tally.archived)
                .expect("a String takes every write");
        }
        line.push('\n');
        line
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        if (words.next()?, words.next()?) != (NAME, VERSION) {
            return None;
        }
        let epoch = Epoch::parse(words.next()?).ok()?;
        let covers = words.next()?.parse().ok()?;
        let mut tally = Tally::default();
        if let Some(day) = words.next() {
            tally.day = Some(day.parse().ok()?);
            tally.seen = words.next()?.parse().ok()?;
            tally.archived = words.next()?.parse().ok()?;
        }
        words.next().is_none().then_some(Self {
            epoch,
            covers,
            tally,
        })
    }
}

const EPOCH_DAY: Date = date(1970, 1, 1);

fn number_of(day: Date) -> u64 {
    let days = EPOCH_DAY.duration_until(day).as_hours() / 24;
    u64::try_from(days).unwrap_or(0)
}

fn day_of(number: u64) -> Option<Date> {
    let days = i32::try_from(number).ok()?;
    EPOCH_DAY.checked_add(Span::new().try_days(days).ok()?).ok()
}
