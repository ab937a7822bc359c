//! Reading the log from any position up to the tip.
//!
//! [`Reader`] takes records from memory where it can and from segment files where it
//! must, and its caller cannot tell which. Elsewhere: the ring (`tail`), finding a
//! record in a file (`search`).
//!
//! Invariant: what is returned is durable, follows `after` without gaps, and every
//! record read from disk has passed its checksum.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    vec,
};

use protocol::seq::{Epoch, Seq};
use tokio::{sync::watch, task::spawn_blocking};

use crate::{
    disk::DiskFile,
    error::{Corruption, ReadError},
    kept::Extent,
    lines::Lines,
    search::{self, Stretch},
    segment::Header,
    tail::{Batch, Limits, Record, Shared, UNPOISONED},
};

/// Bounds of one piece read from a file: not a call per record, not a cache emptied per call.
const PIECE_BYTES: std::ops::RangeInclusive<usize> = 8 << 10..=512 << 10;

/// One batch of a [`Replay`].
const REPLAY_LIMITS: Limits = Limits {
    max_records: 4096,
    max_bytes: 1 << 20,
};

/// A view of the log. Clones are cheap and independent.
///
/// A reader remembers where in which file its last read ended, so a long replay reads
/// each file once from front to back. Give every task its own clone: tasks that share
/// one lose each other's place, which is correct but slower.
#[derive(Debug)]
pub struct Reader<N> {
    shared: Arc<Shared<N>>,
    epoch: Epoch,
    tip: watch::Receiver<Seq>,
    place: Arc<Mutex<Option<Place>>>,
}

impl<N> Clone for Reader<N> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared), self.tip.clone())
    }
}

impl<N> Reader<N> {
    pub(crate) fn new(shared: Arc<Shared<N>>, tip: watch::Receiver<Seq>) -> Self {
        let epoch = shared.kept.read().expect(UNPOISONED).epoch().clone();
        Self {
            shared,
            epoch,
            tip,
            place: Arc::default(),
        }
    }

    /// The life of this log.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The newest durable seq; zero in a log without records.
    pub fn tip(&self) -> Seq {
        *self.tip.borrow()
    }

    /// The first seq still kept, one above the tip when none is.
    pub fn oldest(&self) -> Seq {
        self.shared.kept.read().expect(UNPOISONED).oldest()
    }

    /// Wakes whenever the tip has moved, the first time perhaps for a move that is already
    /// known. It closes when the writer is gone.
    pub fn tip_changes(&self) -> watch::Receiver<Seq> {
        self.tip.clone()
    }

    /// The records after `after`, oldest first; none at the tip.
    ///
    /// At most `max_records`, and none more once their frames hold `max_bytes`; so
    /// there is always at least one record unless the reader is at the tip.
    ///
    /// # Errors
    /// As [`Self::read_after`].
    pub fn read_after_blocking(
        &self,
        after: Seq,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<Record<N>>>, ReadError> {
        let limits = Limits {
            max_records,
            max_bytes,
        };
        match self.read_recent(after, limits)? {
            Some(batch) => Ok(batch.records),
            None => self.read_stored(after, limits),
        }
    }

    /// All records after `after` up to the tip, each checked. For a thread that may block.
    pub fn replay(&self, after: Seq) -> Replay<N> {
        Replay {
            reader: self.clone(),
            after,
            batch: Vec::new().into_iter(),
            failed: false,
        }
    }

    /// The first kept seq whose frame does not satisfy `is_before`, one above the tip when
    /// all do. The answer means something when `is_before` holds up to some seq and for
    /// none after it, like "is older than noon".
    ///
    /// # Errors
    /// As [`Self::partition_point`].
    pub fn partition_point_blocking(
        &self,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<Seq, ReadError> {
        let probe = self.clone();
        let mut low = self.oldest();
        let mut high = self.tip().next();
        while low < high {
            let middle = Seq::new(low.get() + (high.get() - low.get()) / 2);
            match probe.read_after_blocking(middle.prev(), 1, 1) {
                Ok(found) if found.iter().all(|record| is_before(&record.frame)) => {
                    low = middle.next();
                }
                Ok(_) => high = middle,
                Err(ReadError::Gone { oldest }) => low = oldest,
                Err(error) => return Err(error),
            }
        }
        Ok(low)
    }

    /// From memory: `None` when only the disk has it.
    fn read_recent(&self, after: Seq, limits: Limits) -> Result<Option<Batch<N>>, ReadError> {
        let tip = self.tip();
        let oldest = self.oldest();
        if after.next() < oldest {
            return Err(ReadError::Gone { oldest });
        }
        if after >= tip || limits.max_records == 0 {
            return Ok(Some(Batch::new(limits)));
        }
        let recent = self
            .shared
            .ring
            .read()
            .expect(UNPOISONED)
            .read(after, tip, limits);
        if recent.is_some() {
            // Near the tip the open file is of no more use.
            self.place.lock().expect(UNPOISONED).take();
        }
        Ok(recent)
    }

    fn read_stored(&self, after: Seq, limits: Limits) -> Result<Vec<Arc<Record<N>>>, ReadError> {
        // The tip first: all that is known afterwards about files reaches at least so far.
        let tip = self.tip();
        let piece_bytes = limits
            .max_bytes
            .clamp(*PIECE_BYTES.start(), *PIECE_BYTES.end());
        let mut place = self.resume(after.next(), piece_bytes)?;
        let mut batch = Batch::new(limits);
        while place.next <= tip && !batch.is_full() {
            match self.read_one(&mut place, piece_bytes) {
                Ok(record) => batch.push(Arc::new(record)),
                Err(error) if batch.records.is_empty() => return Err(error),
                // The good records before it come first; the next read meets it again.
                Err(_) => return Ok(batch.records),
            }
        }
        *self.place.lock().expect(UNPOISONED) = Some(place);
        Ok(batch.records)
    }

    /// The place of the last read when `next` follows it, else a new one.
    fn resume(&self, next: Seq, piece_bytes: usize) -> Result<Place, ReadError> {
        let place = self.place.lock().expect(UNPOISONED).take();
        let extent = self.extent(next)?;
        match place {
            Some(mut place) if place.next == next && place.first == extent.first => {
                place.refresh(extent, piece_bytes)?;
                Ok(place)
            }
            _ => self.seek(next, piece_bytes),
        }
    }

    fn read_one(&self, place: &mut Place, piece_bytes: usize) -> Result<Record<N>, ReadError> {
        if place.until == Some(place.next) {
            *place = self.seek(place.next, piece_bytes)?;
        }
        place.read()
    }

    /// Opens the segment of `next` at that record.
    fn seek(&self, next: Seq, piece_bytes: usize) -> Result<Place, ReadError> {
        let extent = self.extent(next)?;
        let (path, header) = {
            let kept = self.shared.kept.read().expect(UNPOISONED);
            (kept.path(extent.first), kept.header(extent.first))
        };
        match self.shared.disk.open(&path) {
            Ok(file) => Place::open(file, path, &header, extent, next, piece_bytes),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                // Retention may have taken it since it was looked up.
                self.extent(next)?;
                Err(ReadError::Io { path, source })
            }
            Err(source) => Err(ReadError::Io { path, source }),
        }
    }

    fn extent(&self, seq: Seq) -> Result<Extent, ReadError> {
        let kept = self.shared.kept.read().expect(UNPOISONED);
        kept.holding(seq).ok_or_else(|| ReadError::Gone {
            oldest: kept.oldest(),
        })
    }
}

impl<N: Send + Sync + 'static> Reader<N> {
    /// The records after `after`, oldest first; none at the tip.
    ///
    /// At most `max_records`, and none more once their frames hold `max_bytes`; so
    /// there is always at least one record unless the reader is at the tip.
    ///
    /// # Errors
    /// [`ReadError::Gone`] when the next record is no longer kept, [`ReadError::Corrupt`]
    /// when it is damaged, [`ReadError::Io`] when the disk fails.
    pub async fn read_after(
        &self,
        after: Seq,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<Record<N>>>, ReadError> {
        let limits = Limits {
            max_records,
            max_bytes,
        };
        if let Some(batch) = self.read_recent(after, limits)? {
            return Ok(batch.records);
        }
        let this = self.same_place();
        self.off_thread(move || this.read_stored(after, limits))
            .await
    }

    /// [`Self::partition_point_blocking`] on a thread that may block.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] when a record looked at is damaged, [`ReadError::Io`] when
    /// the disk fails.
    pub async fn partition_point<F>(&self, is_before: F) -> Result<Seq, ReadError>
    where
        F: Fn(&[u8]) -> bool + Send + 'static,
    {
        let this = self.clone();
        self.off_thread(move || this.partition_point_blocking(is_before))
            .await
    }

    /// A reader that reads on where this one is.
    fn same_place(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            ..self.clone()
        }
    }

    async fn off_thread<T, F>(&self, work: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, ReadError> + Send + 'static,
    {
        match spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(stopped) => {
                let path = self
                    .shared
                    .kept
                    .read()
                    .expect(UNPOISONED)
                    .path(self.oldest());
                Err(ReadError::Io {
                    path,
                    source: io::Error::other(stopped),
                })
            }
        }
    }
}

/// All records from a position to the tip, in order. Ends at the first error.
#[derive(Debug)]
pub struct Replay<N> {
    reader: Reader<N>,
    after: Seq,
    batch: vec::IntoIter<Arc<Record<N>>>,
    failed: bool,
}

impl<N> Iterator for Replay<N> {
    type Item = Result<Arc<Record<N>>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batch.len() == 0 && !self.failed {
            let Limits {
                max_records,
                max_bytes,
            } = REPLAY_LIMITS;
            match self
                .reader
                .read_after_blocking(self.after, max_records, max_bytes)
            {
                Ok(records) => self.batch = records.into_iter(),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        let record = self.batch.next()?;
        self.after = record.seq;
        Some(Ok(record))
    }
}

/// A position in an open segment.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    first: Seq,
    until: Option<Seq>,
    next: Seq,
    lines: Lines,
}

impl Place {
    fn open(
        file: Arc<dyn DiskFile>,
        path: PathBuf,
        header: &Header,
        extent: Extent,
        next: Seq,
        piece_bytes: usize,
    ) -> Result<Self, ReadError> {
        let start = header.encode().len() as u64;
        let lines = Lines::new(Arc::clone(&file), 0, 0, piece_bytes);
        let mut place = Self {
            path,
            first: extent.first,
            until: None,
            next,
            lines,
        };
        let end = place.refresh(extent, piece_bytes)?;
        if next == place.first {
            place.read_header(header)?;
        } else {
            let stretch = Stretch {
                path: &place.path,
                file: &file,
                start,
                end,
            };
            let offset = stretch.find(next)?;
            place.lines = Lines::new(file, offset, end, piece_bytes);
        }
        Ok(place)
    }

    /// Learns how far the segment reaches by now.
    fn refresh(&mut self, extent: Extent, piece_bytes: usize) -> Result<u64, ReadError> {
        self.until = extent.until;
        let end = match extent.until {
            None => extent.active_bytes,
            Some(_) => self
                .lines
                .file()
                .length()
                .map_err(|source| self.io(source))?,
        };
        self.lines.extend(end, piece_bytes);
        Ok(end)
    }

    fn read_header(&mut self, expected: &Header) -> Result<(), ReadError> {
        let line = self.lines.next().map_err(|source| self.io(source))?;
        let found = line.as_ref().map(|line| Header::parse(&line.bytes));
        if found == Some(Ok(expected.clone())) {
            return Ok(());
        }
        let what = "the header is damaged".to_owned();
        Err(Corruption {
            file: self.path.clone(),
            offset: 0,
            seq: None,
            what,
        }
        .into())
    }

    fn read<N>(&mut self) -> Result<Record<N>, ReadError> {
        let offset = self.lines.offset();
        let Some(raw) = self.lines.next().map_err(|source| self.io(source))? else {
            return Err(search::missing(&self.path, offset, self.next).into());
        };
        let line = search::parse(&self.path, &raw, Some(self.next))?;
        let record = Record::new(line.seq, raw.bytes.slice_ref(line.frame));
        self.next = self.next.next();
        Ok(record)
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io {
            path: self.path.clone(),
            source,
        }
    }
}
