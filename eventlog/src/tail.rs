//! The newest records in memory, for readers that are near the tip.
//!
//! [`Record`] is what every reader gets. [`Ring`] keeps the newest of them, bounded
//! by bytes. Elsewhere: when a record may enter (`writer`), older records
//! (`reader`).
//!
//! Invariant: the ring holds records without gaps up to the tip, or none.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock, RwLock},
};

use bytes::Bytes;
use protocol::seq::Seq;

use crate::{disk::Disk, kept::Kept};

/// Why a lock of [`Shared`] can be taken without asking.
pub(crate) const UNPOISONED: &str = "nobody panics while holding this lock";

/// One durable event: its number, its bytes, and what a reader has made of them.
#[derive(Debug)]
pub struct Record<N> {
    /// Its number.
    pub seq: Seq,
    /// Its bytes as appended. Read from disk they are a slice of the piece that was read,
    /// at most 512 KiB beyond the batch: who keeps a frame for long should copy it.
    pub frame: Bytes,
    note: OnceLock<N>,
}

impl<N> Record<N> {
    pub(crate) fn new(seq: Seq, frame: Bytes) -> Self {
        Self {
            seq,
            frame,
            note: OnceLock::new(),
        }
    }

    /// What `work` finds out about the frame. The first caller does the work, all
    /// others that hold this record share what it found.
    pub fn note(&self, work: impl FnOnce(&Bytes) -> N) -> &N {
        self.note.get_or_init(|| work(&self.frame))
    }
}

/// How much one read may return.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_records: usize,
    pub(crate) max_bytes: usize,
}

/// Records on their way to a reader. Memory and disk fill it by the same rule.
#[derive(Debug)]
pub(crate) struct Batch<N> {
    limits: Limits,
    bytes: usize,
    pub(crate) records: Vec<Arc<Record<N>>>,
}

impl<N> Batch<N> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: 0,
            records: Vec::new(),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= self.limits.max_records || self.bytes >= self.limits.max_bytes
    }

    pub(crate) fn push(&mut self, record: Arc<Record<N>>) {
        self.bytes += record.frame.len();
        self.records.push(record);
    }
}

/// What the writer and all readers share.
#[derive(Debug)]
pub(crate) struct Shared<N> {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) kept: RwLock<Kept>,
    pub(crate) ring: RwLock<Ring<N>>,
}

/// The newest records.
#[derive(Debug)]
pub(crate) struct Ring<N> {
    records: VecDeque<Arc<Record<N>>>,
    bytes: usize,
    max_bytes: usize,
}

impl<N> Ring<N> {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            records: VecDeque::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Takes the next record and forgets the oldest ones over the bound.
    pub(crate) fn push(&mut self, record: Record<N>) {
        self.bytes += Self::weight(&record);
        self.records.push_back(Arc::new(record));
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= Self::weight(&oldest);
        }
    }

    /// The records after `after` up to `tip`; `None` when the ring does not reach back so far.
    pub(crate) fn read(&self, after: Seq, tip: Seq, limits: Limits) -> Option<Batch<N>> {
        let first = self.records.front()?.seq;
        let skip = after.next().get().checked_sub(first.get())?;
        let mut batch = Batch::new(limits);
        for record in self.records.range(self.place(skip)..) {
            if record.seq > tip || batch.is_full() {
                break;
            }
            batch.push(Arc::clone(record));
        }
        Some(batch)
    }

    fn place(&self, skip: u64) -> usize {
        usize::try_from(skip).map_or(self.records.len(), |skip| skip.min(self.records.len()))
    }

    fn weight(record: &Record<N>) -> usize {
        record.frame.len() + size_of::<Record<N>>()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ALL: Limits = Limits {
        max_records: usize::MAX,
        max_bytes: usize::MAX,
    };

    fn ring(count: u64, max_bytes: usize) -> Ring<usize> {
        let mut ring = Ring::new(max_bytes);
        for seq in 1..=count {
            ring.push(Record::new(Seq::new(seq), Bytes::from(vec![b'x'; 100])));
        }
        ring
    }

    fn seqs(batch: Option<Batch<usize>>) -> Option<Vec<u64>> {
        Some(
            batch?
                .records
                .iter()
                .map(|record| record.seq.get())
                .collect(),
        )
    }

    #[test]
    fn a_note_is_worked_out_once() {
        let record = Record::new(Seq::new(1), Bytes::from("frame"));

        assert_eq!(*record.note(|frame| frame.len()), 5);
        assert_eq!(*record.note(|_| unreachable!("the work is done")), 5);
    }

    #[test]
    fn the_ring_forgets_the_oldest_over_its_bound() {
        let weight = 100 + size_of::<Record<usize>>();
        let ring = ring(10, 3 * weight);

        assert_eq!(
            seqs(ring.read(Seq::new(7), Seq::new(10), ALL)),
            Some(vec![8, 9, 10])
        );
        assert_eq!(seqs(ring.read(Seq::new(6), Seq::new(10), ALL)), None);
    }

    #[test]
    fn a_read_ends_at_the_tip_and_at_its_limits() {
        let ring = ring(10, usize::MAX);
        let read = |after, tip, max_records, max_bytes| {
            let limits = Limits {
                max_records,
                max_bytes,
            };
            seqs(ring.read(Seq::new(after), Seq::new(tip), limits)).unwrap()
        };

        assert_eq!(read(2, 5, 100, 100_000), [3, 4, 5]);
        assert_eq!(read(2, 10, 2, 100_000), [3, 4]);
        assert_eq!(read(2, 10, 100, 101), [3, 4]);
        assert_eq!(read(10, 10, 100, 100_000), [0; 0]);
        assert_eq!(read(99, 10, 100, 100_000), [0; 0]);
    }
}
