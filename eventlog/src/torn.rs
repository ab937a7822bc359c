//! Telling what a power cut has torn from what was damaged later.
//!
//! [`Order`] knows which record must come next; [`Tail`] judges the rest of the last
//! segment once a line is not that record. [`crate::segment`] explains the reasoning
//! and what `back` is for.
//!
//! Elsewhere: walking the segments and cutting (`recover`).
//!
//! Invariant: a line is called torn only when no later group proves that it had been
//! durable, and no single flipped bit explains it.

use std::{fmt, path::Path, sync::Arc};

use protocol::seq::Seq;

use crate::{
    disk::DiskFile,
    error::OpenError,
    lines::{Lines, RawLine},
    recover::{damage, read_full},
    segment::{Flaw, Line},
};

/// One piece of the tail that is read as a whole.
const PIECE_BYTES: usize = 256 << 10;

/// How much of a bad line is searched for a single flipped bit. The search is
/// quadratic; this much takes well under a second.
const FLIP_SEARCH_BYTES: usize = 16 << 10;

/// Which record may come next.
#[derive(Debug)]
pub(crate) struct Order {
    next: Seq,
    /// The `back` of a record that goes on with the last group.
    back: u64,
}

/// Why a line is not the record that comes next.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// Its bytes are bad.
    Flaw(Flaw),
    /// It is a good record that belongs elsewhere.
    Misplaced { seq: Seq },
}

impl Order {
    /// Where a segment begins.
    pub(crate) fn from(first: Seq) -> Self {
        Self {
            next: first,
            back: 0,
        }
    }

    /// The seq that comes next.
    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    /// The line is the record that comes next; after it comes another.
    pub(crate) fn step(&mut self, raw: &RawLine) -> Result<(), Misfit> {
        if !raw.ended {
            return Err(Misfit::Flaw(Flaw::Unterminated));
        }
        let line = Line::parse(&raw.bytes).map_err(Misfit::Flaw)?;
        if !self.fits(&line) {
            return Err(Misfit::Misplaced { seq: line.seq });
        }
        self.next = line.seq.next();
        self.back = line.back + 1;
        Ok(())
    }

    fn fits(&self, line: &Line<'_>) -> bool {
        line.seq == self.next && (line.back == 0 || line.back == self.back)
    }
}

/// The last segment from its first bad line on.
pub(crate) struct Tail<'a> {
    pub(crate) file: &'a Arc<dyn DiskFile>,
    pub(crate) path: &'a Path,
    pub(crate) from: u64,
    pub(crate) end: u64,
}

impl Tail<'_> {
    /// An error unless a power cut explains everything.
    pub(crate) fn judge(&self, order: &Order, misfit: &Misfit) -> Result<(), OpenError> {
        let bad = order.next;
        let damaged = |what| Err(damage(self.path, self.from, Some(bad), what));
        if let &Misfit::Misplaced { seq } = misfit
            && seq <= bad
        {
            return damaged(format!("a good record with seq {seq} is in its place"));
        }
        if let Some(later) = self.record_after(bad)? {
            return damaged(format!(
                "{misfit}, yet seq {later} shows that it had been durable"
            ));
        }
        if self.has_one_flipped_bit(order)? {
            return damaged(format!("{misfit}, and a single flipped bit is the cause"));
        }
        Ok(())
    }

    /// A good record whose group began after `bad`.
    pub(crate) fn record_after(&self, bad: Seq) -> Result<Option<Seq>, OpenError> {
        let mut lines = Lines::new(Arc::clone(self.file), self.from, self.end, PIECE_BYTES);
        while let Some(raw) = lines.next().map_err(OpenError::io(self.path))? {
            match record_in(&raw.bytes) {
                Some(line) if line.group_start() > bad => return Ok(Some(line.seq)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether turning one bit makes the bad line the record that comes next.
    ///
    /// A torn write does not look like that, so even in the last group, where no later
    /// record can be the proof, the usual kind of rot is found.
    fn has_one_flipped_bit(&self, order: &Order) -> Result<bool, OpenError> {
        let length = (self.end - self.from).min(FLIP_SEARCH_BYTES as u64);
        let mut bytes = vec![0; length as usize];
        read_full(&**self.file, &mut bytes, self.from).map_err(OpenError::io(self.path))?;
        // A flip can hide one line end or make one, so the line lies within two.
        let searched = memchr::memchr_iter(b'\n', &bytes)
            .nth(1)
            .map_or(bytes.len(), |end| end + 1);
        let bytes = &mut bytes[..searched];
        for place in 0..searched {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                let end = memchr::memchr(b'\n', bytes);
                let fits = end
                    .and_then(|end| Line::parse(&bytes[..end]).ok())
                    .is_some_and(|line| order.fits(&line));
                bytes[place] ^= 1 << bit;
                if fits {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The good record in a line, or at the end of a line.
///
/// A damaged line end joins a good line to the bad one before it, so every digit is
/// tried as a beginning; but not in a good line, whose frame may quote anything.
fn record_in(line: &[u8]) -> Option<Line<'_>> {
    let digits = line
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit());
    let inside = digits.map(|(place, _)| place);
    std::iter::once(0)
        .chain(inside)
        .find_map(|place| Line::parse(&line[place..]).ok())
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flaw(flaw) => flaw.fmt(f),
            Self::Misplaced { seq } => write!(f, "seq {seq} is in its place"),
        }
    }
}
