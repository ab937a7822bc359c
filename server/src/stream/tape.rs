//! The tape: event frames as they go over the wire, one after the other.
//!
//! A [`Tape`] holds the newest frames of one group of sessions, each with its websocket
//! header, so that any number of them can be given to a socket in one write. A place on
//! the tape is an offset that never changes its meaning. Elsewhere: who reads it
//! (`sweep`), whose frames it holds (`lanes`).
//!
//! Invariant: every frame its readers want after the floor is on it, in order.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::seq::Seq;

use crate::websocket::text_frame;

/// Frames in wire form, newest last.
#[derive(Debug)]
pub(super) struct Tape {
    bytes: VecDeque<u8>,
    marks: VecDeque<Mark>,
    /// Offset of the first byte held.
    start: u64,
    /// Frames that were on the tape and are no longer.
    dropped: u64,
    /// Wanted events up to this one may be missing.
    floor: Seq,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    seq: Seq,
    /// Offset behind the frame.
    end: u64,
}

/// A place between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// Bytes before it, since the tape was new.
    pub(super) offset: u64,
    /// Frames before it, since the tape was new.
    pub(super) frames: u64,
}

impl Tape {
    /// An empty tape whose readers have all they want up to `floor`.
    pub(super) fn new(floor: Seq) -> Self {
        Self {
            bytes: VecDeque::new(),
            marks: VecDeque::new(),
            start: 0,
            dropped: 0,
            floor,
        }
    }

    /// Appends the frame of an event.
    pub(super) fn push(&mut self, seq: Seq, frame: Bytes) {
        text_frame(frame, &mut self.bytes);
        let end = self.start + self.bytes.len() as u64;
        self.marks.push_back(Mark { seq, end });
    }

    /// Offset of the oldest byte held.
    #[cfg(test)]
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Behind the newest frame.
    pub(super) fn end(&self) -> Spot {
        Spot {
            offset: self.start + self.bytes.len() as u64,
            frames: self.dropped + self.marks.len() as u64,
        }
    }

    /// Where a reader goes on that has all up to `cursor`; `None` when it lacks a frame
    /// that is no longer held.
    pub(super) fn spot_after(&self, cursor: Seq) -> Option<Spot> {
        if cursor < self.floor {
            return None;
        }
        let place = self.marks.partition_point(|mark| mark.seq <= cursor);
        Some(self.spot(place))
    }

    /// The bytes from an offset to the end, in two pieces.
    pub(super) fn from(&self, offset: u64) -> (&[u8], &[u8]) {
        let skip = usize::try_from(offset - self.start).expect("what is held fits in memory");
        let (first, second) = self.bytes.as_slices();
        match skip.checked_sub(first.len()) {
            None => (&first[skip..], second),
            Some(skip) => (&second[skip..], &[]),
        }
    }

    /// The first place between frames that is not before `offset`, and the bytes up to it.
    pub(super) fn frame_end(&self, offset: u64) -> (Spot, Bytes) {
        if offset == self.start {
            return (self.spot(0), Bytes::new());
        }
        let place = self.marks.partition_point(|mark| mark.end < offset);
        let spot = self.spot(place + 1);
        let length = usize::try_from(spot.offset - offset).expect("a frame fits in memory");
        let (first, second) = self.from(offset);
        let rest = first.iter().chain(second).take(length).copied();
        (spot, rest.collect())
    }

    /// The last event that a reader at a spot needs no more: the one before the next frame,
    /// wanted or not, or the newest frame.
    pub(super) fn seq_before(&self, spot: Spot) -> Seq {
        let place = spot.frames - self.dropped;
        let place = usize::try_from(place).expect("what is held fits in memory");
        match self.marks.get(place) {
            Some(next) => next.seq.prev(),
            None => self.marks.back().map_or(self.floor, |mark| mark.seq),
        }
    }

    /// Forgets the oldest frames until at most `keep` bytes are held, but none behind
    /// `given`, which lies between two frames.
    pub(super) fn trim(&mut self, keep: usize, given: u64) {
        if self.bytes.len() <= keep {
            return;
        }
        let until = self.end().offset - keep as u64;
        let surplus = self.marks.partition_point(|mark| mark.end < until) + 1;
        let gone = surplus.min(self.marks.partition_point(|mark| mark.end <= given));
        if gone == 0 {
            return;
        }
        let last = self.marks.drain(..gone).next_back();
        let last = last.expect("at least one goes");
        let bytes = usize::try_from(last.end - self.start).expect("what is held fits in memory");
        self.bytes.drain(..bytes);
        (self.start, self.floor) = (last.end, last.seq);
        self.dropped += gone as u64;
        if self.bytes.is_empty() {
            // An idle group shall cost little.
            (self.bytes, self.marks) = (VecDeque::new(), VecDeque::new());
        }
    }

    fn spot(&self, place: usize) -> Spot {
        Spot {
            offset: match place.checked_sub(1) {
                Some(before) => self.marks[before].end,
                None => self.start,
            },
            frames: self.dropped + place as u64,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Frames of 2 + 10 bytes on the wire, one for each seq.
    fn tape(seqs: &[u64]) -> Tape {
        let mut tape = Tape::new(Seq::ZERO);
        for seq in seqs {
            tape.push(Seq::new(*seq), Bytes::from(format!("{seq:010}")));
        }
        tape
    }

    fn text(tape: &Tape, offset: u64) -> Vec<u8> {
        let (first, second) = tape.from(offset);
        [first, second].concat()
    }

    #[test]
    fn a_reader_goes_on_behind_its_cursor_even_between_the_frames_held() {
        let tape = tape(&[3, 5, 9]);

        let after = |cursor| tape.spot_after(Seq::new(cursor)).unwrap().frames;
        assert_eq!(
            [0, 2, 3, 4, 5, 8, 9, 100].map(after),
            [0, 0, 1, 1, 2, 2, 3, 3]
        );
        assert_eq!(tape.spot_after(Seq::new(9)), Some(tape.end()));
        assert!(text(&tape, 12).starts_with(b"\x81\x0a0000000005"));
    }

    #[test]
    fn what_was_forgotten_is_not_guessed() {
        let mut tape = tape(&[3, 5, 9]);
        tape.trim(30, u64::MAX);

        assert_eq!(tape.floor, Seq::new(3));
        assert_eq!(tape.spot_after(Seq::new(2)), None);
        assert_eq!(
            tape.spot_after(Seq::new(4)),
            Some(Spot {
                offset: 12,
                frames: 1
            })
        );
        assert_eq!(text(&tape, 12).len(), 24);
    }

    #[test]
    fn an_empty_tape_keeps_its_count_and_its_floor() {
        let mut tape = tape(&[3, 5]);
        tape.trim(0, u64::MAX);

        assert_eq!(
            tape.end(),
            Spot {
                offset: 24,
                frames: 2
            }
        );
        assert_eq!(tape.spot_after(Seq::new(5)), Some(tape.end()));
        tape.push(Seq::new(7), Bytes::from("0000000007"));
        assert_eq!(tape.seq_before(tape.end()), Seq::new(7));
        assert_eq!(tape.end().frames, 3);
    }

    #[test]
    fn a_cut_at_any_byte_is_mended_up_to_the_next_frame() {
        let mut tape = tape(&[1, 2, 3, 4]);
        tape.trim(36, u64::MAX);
        let whole = text(&tape, 12);

        for offset in 12..=48 {
            let (spot, rest) = tape.frame_end(offset);
            assert_eq!(spot.offset % 12, 0, "{offset}");
            assert_eq!(spot.frames, spot.offset / 12, "{offset}");
            let (from, to) = (offset as usize - 12, spot.offset as usize - 12);
            assert_eq!(rest, whole[from..to], "{offset}");
            assert_eq!(tape.seq_before(spot), Seq::new(spot.frames), "{offset}");
        }
    }

    #[test]
    fn a_tape_that_has_wrapped_reads_in_one_piece() {
        let mut tape = tape(&[]);
        for seq in 1..=1000 {
            tape.push(Seq::new(seq), Bytes::from(format!("{seq:010}")));
            tape.trim(100, u64::MAX);
            let spot = tape.spot_after(Seq::new(seq.saturating_sub(3))).unwrap();
            let held = text(&tape, spot.offset);
            assert!(held.ends_with(format!("{seq:010}").as_bytes()));
            assert_eq!(held.len(), 12 * seq.min(3) as usize);
        }
    }
}
