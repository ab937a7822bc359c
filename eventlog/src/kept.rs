//! Which segments the log keeps, and how far the newest one is durable.
//!
//! The writer changes it, readers look things up in it. Elsewhere: the bytes of a
//! segment (`segment`), taking old segments away (`writer`).
//!
//! Invariant: there is always a segment, and every durable record from the floor to
//! the tip lies in exactly one of them.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use protocol::seq::{Epoch, Seq};

use crate::segment::{self, Header};

/// The segments from the floor to the active one.
#[derive(Debug)]
pub(crate) struct Kept {
    dir: PathBuf,
    epoch: Epoch,
    firsts: VecDeque<Seq>,
    active_bytes: u64,
}

/// One segment as a reader may use it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The seq of its first record.
    pub(crate) first: Seq,
    /// The first seq of the next segment; `None` for the active one.
    pub(crate) until: Option<Seq>,
    /// Durable bytes of the active segment. A sealed one is durable to its end.
    pub(crate) active_bytes: u64,
}

impl Kept {
    pub(crate) fn new(dir: &Path, epoch: Epoch, firsts: VecDeque<Seq>, active_bytes: u64) -> Self {
        assert!(!firsts.is_empty(), "a log has an active segment");
        Self {
            dir: dir.to_owned(),
            epoch,
            firsts,
            active_bytes,
        }
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The first seq still kept.
    pub(crate) fn oldest(&self) -> Seq {
        *self.firsts.front().expect("there is always a segment")
    }

    /// The segment `seq` lies or will lie in; `None` when it is no longer kept.
    pub(crate) fn holding(&self, seq: Seq) -> Option<Extent> {
        let place = self
            .firsts
            .partition_point(|&first| first <= seq)
            .checked_sub(1)?;
        Some(Extent {
            first: self.firsts[place],
            until: self.firsts.get(place + 1).copied(),
            active_bytes: self.active_bytes,
        })
    }

    /// Where the segment that begins with `first` lies.
    pub(crate) fn path(&self, first: Seq) -> PathBuf {
        self.dir.join(segment::file_name(first))
    }

    /// The header of the segment that begins with `first`.
    pub(crate) fn header(&self, first: Seq) -> Header {
        Header {
            epoch: self.epoch.clone(),
            first,
        }
    }

    /// The active segment is durable up to `bytes`.
    pub(crate) fn grow(&mut self, bytes: u64) {
        self.active_bytes = bytes;
    }

    /// The active segment is sealed; a new one of `bytes` begins with `first`.
    pub(crate) fn rotate(&mut self, first: Seq, bytes: u64) {
        self.firsts.push_back(first);
        self.active_bytes = bytes;
    }

    /// The first record of the oldest sealed segment, and that of the segment after it.
    pub(crate) fn oldest_sealed(&self) -> Option<(Seq, Seq)> {
        let until = *self.firsts.get(1)?;
        Some((self.oldest(), until))
    }

    /// Moves the floor behind the oldest sealed segment.
    pub(crate) fn drop_oldest(&mut self) {
        if self.firsts.len() > 1 {
            self.firsts.pop_front();
        }
    }

    /// Takes back [`Self::drop_oldest`]: the segment could not be removed.
    pub(crate) fn keep_oldest(&mut self, first: Seq) {
        self.firsts.push_front(first);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn kept(firsts: &[u64]) -> Kept {
        let firsts = firsts.iter().map(|&first| Seq::new(first)).collect();
        Kept::new(
            Path::new("/log"),
            Epoch::parse("k7q2").unwrap(),
            firsts,
            500,
        )
    }

    #[test]
    fn a_seq_lies_in_the_segment_that_began_before_it() {
        let kept = kept(&[10, 20, 30]);

        let first_of = |seq| kept.holding(Seq::new(seq)).map(|extent| extent.first.get());
        assert_eq!(first_of(9), None);
        assert_eq!(first_of(10), Some(10));
        assert_eq!(first_of(29), Some(20));
        assert_eq!(first_of(1_000), Some(30));
        assert_eq!(
            kept.holding(Seq::new(15)).unwrap().until,
            Some(Seq::new(20))
        );
        assert_eq!(kept.holding(Seq::new(30)).unwrap().until, None);
    }

    #[test]
    fn the_active_segment_is_never_dropped() {
        let mut kept = kept(&[10, 20]);

        kept.drop_oldest();
        kept.drop_oldest();

        assert_eq!(kept.oldest(), Seq::new(20));
        assert_eq!(kept.oldest_sealed(), None);
    }
}
