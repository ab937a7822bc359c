//! The format of the log's files: lines a person can read and a machine can check.
//!
//! A segment is one file. Its first line is the header, every other line a record:
//!
//! ```text
//! eventlog 1 k7q2 4711 0a727626
//! 4711 0 5a1c93e0 {"type":"filing.seen",…}
//! 4712 1 91f00b7d {"type":"filing.seen",…}
//! 4713 0 c2d6a51f {"type":"filing.archived",…}
//! ```
//!
//! The header holds the format version, the epoch and the first seq. A record holds
//! its seq, its `back`, and its frame. The eight hex digits are a CRC-32C of all the
//! rest of their line. The file is named after its first seq, twenty digits wide, so
//! that names sort as numbers do.
//!
//! # Why `back`
//!
//! Records are written in *groups*: one write, one fsync. `back` says how many
//! records of the same group come before this one. It is there to tell the two
//! kinds of damage apart:
//!
//! - A power cut can spoil only the group that was being written, and nothing was
//!   written after it. No subscriber saw any of it, so it may be cut off.
//! - A flipped bit can spoil any record, also one that subscribers have seen. It
//!   must never be cut off, or its seq would get a second meaning.
//!
//! A group is written only after the fsync of the one before. So a good record `t`
//! *behind* a bad record `s` is the proof when `t - back > s`: its group began after
//! `s`, so `s` had been synced, so no power cut did this. Without `back`, a page that
//! the disk wrote out of order within the last group (its first record lost, a later
//! one intact) would look the same as a flipped bit in an old record.
//!
//! In the last group itself no later record can be the proof. There a single flipped
//! bit is recognised because turning it back makes the checksum good, which no torn
//! write does by chance. Heavier damage to the very last group looks like a torn one.
//!
//! Elsewhere: deciding what to do about damage (`recover`, `torn`).
//!
//! Invariant: a frame has no line end, so lines can be found without parsing.

use std::io::Write as _;

use protocol::seq::{Epoch, Seq};

/// The longest frame in bytes, 1 MiB: what one subscriber's message may hold.
pub const FRAME_MAX_BYTES: usize = 1 << 20;

/// The longest record in bytes with its line end: two numbers, checksum, four separators.
pub const LINE_MAX_BYTES: usize = FRAME_MAX_BYTES + 20 + 20 + 8 + 4;

/// The longest header in bytes with its line end.
pub const HEADER_MAX_BYTES: usize = 64;

const MAGIC: &str = "eventlog";
const VERSION: &str = "1";
const NAME_DIGITS: usize = 20;

/// Why a line is not what the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Fields are missing or not of their form.
    #[error("the line has no readable fields")]
    Shape,
    /// The fields are there, the checksum is of something else.
    #[error("the checksum does not match")]
    Checksum,
    /// The file goes on without a line end, or ends before one.
    #[error("the line has no end")]
    Unterminated,
    /// A good header of a format this program does not know.
    #[error("the file has another format version")]
    Version,
}

/// The first line of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The life of the log the segment belongs to.
    pub epoch: Epoch,
    /// The seq of its first record.
    pub first: Seq,
}

impl Header {
    /// The line with its line end.
    pub fn encode(&self) -> Vec<u8> {
        let text = format!("{MAGIC} {VERSION} {} {}", self.epoch, self.first);
        let crc = crc32c::crc32c(text.as_bytes());
        format!("{text} {crc:08x}\n").into_bytes()
    }

    /// Reads a header from its line without the line end.
    ///
    /// # Errors
    /// The [`Flaw`] of the line; [`Flaw::Version`] only when its checksum is good.
    pub fn parse(line: &[u8]) -> Result<Self, Flaw> {
        let text = std::str::from_utf8(line).map_err(|_| Flaw::Shape)?;
        let (text, crc) = text.rsplit_once(' ').ok_or(Flaw::Shape)?;
        let crc = parse_crc(crc.as_bytes()).ok_or(Flaw::Shape)?;
        if crc32c::crc32c(text.as_bytes()) != crc {
            return Err(Flaw::Checksum);
        }
        Self::parse_fields(text)
    }

    fn parse_fields(text: &str) -> Result<Self, Flaw> {
        let mut fields = text.split(' ');
        if fields.next() != Some(MAGIC) {
            return Err(Flaw::Shape);
        }
        if fields.next() != Some(VERSION) {
            return Err(Flaw::Version);
        }
        let epoch = fields.next().and_then(|text| Epoch::parse(text).ok());
        let first = fields.next().and_then(|text| text.parse().ok());
        let first = first.filter(|first| is_number(*first));
        match (epoch, first, fields.next()) {
            (Some(epoch), Some(first), None) => Ok(Self { epoch, first }),
            _ => Err(Flaw::Shape),
        }
    }
}

/// One record, borrowed from its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number.
    pub seq: Seq,
    /// How many records of its group come before it.
    pub back: u64,
    /// What the caller appended.
    pub frame: &'a [u8],
}

impl<'a> Line<'a> {
    /// Appends the line with its line end to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        write!(out, "{} {} ", self.seq, self.back).expect("a Vec takes every write");
        let crc = crc32c::crc32c_append(crc32c::crc32c(&out[start..]), self.frame);
        write!(out, "{crc:08x} ").expect("a Vec takes every write");
        out.extend_from_slice(self.frame);
        out.push(b'\n');
    }

    /// Reads a record from its line without the line end.
    ///
    /// # Errors
    /// The [`Flaw`] of the line.
    pub fn parse(line: &'a [u8]) -> Result<Self, Flaw> {
        let (seq, seq_len) = parse_number(line).ok_or(Flaw::Shape)?;
        let (back, back_len) = parse_number(&line[seq_len..]).ok_or(Flaw::Shape)?;
        let (numbers, rest) = line.split_at(seq_len + back_len);
        let (crc, frame) = rest.split_at_checked(9).ok_or(Flaw::Shape)?;
        if crc[8] != b' ' {
            return Err(Flaw::Shape);
        }
        let crc = parse_crc(&crc[..8]).ok_or(Flaw::Shape)?;
        if crc32c::crc32c_append(crc32c::crc32c(numbers), frame) != crc {
            return Err(Flaw::Checksum);
        }
        let seq = Seq::new(seq);
        if !is_number(seq) {
            return Err(Flaw::Shape);
        }
        Ok(Self { seq, back, frame })
    }

    /// The seq of the first record of this record's group.
    pub fn group_start(&self) -> Seq {
        Seq::new(self.seq.get().saturating_sub(self.back))
    }
}

/// The name of the segment whose first record is `first`.
pub fn file_name(first: Seq) -> String {
    format!("{:0NAME_DIGITS$}.log", first.get())
}

/// The first seq of the segment called `name`; `None` when it is no segment.
pub fn parse_file_name(name: &str) -> Option<Seq> {
    let digits = name.strip_suffix(".log")?;
    if digits.len() != NAME_DIGITS {
        return None;
    }
    digits.parse().ok()
}

/// Whether a record can have it: numbers count from 1, and each has a next one.
fn is_number(seq: Seq) -> bool {
    (1..u64::MAX).contains(&seq.get())
}

/// A decimal number up to a space, and the bytes it takes with that space.
fn parse_number(text: &[u8]) -> Option<(u64, usize)> {
    let mut number: u64 = 0;
    for (place, &byte) in text.iter().enumerate() {
        if byte == b' ' && place > 0 {
            return Some((number, place + 1));
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(byte - b'0'))?;
    }
    None
}

/// Eight lower-case hex digits. Upper case is a flipped bit: nobody writes it.
fn parse_crc(text: &[u8]) -> Option<u32> {
    if text.len() != 8 {
        return None;
    }
    let mut crc = 0;
    for &byte in text {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        crc = crc << 4 | u32::from(digit);
    }
    Some(crc)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(seq: u64, back: u64, frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Line {
            seq: Seq::new(seq),
            back,
            frame,
        }
        .encode(&mut out);
        out
    }

    #[test]
    fn a_record_is_one_readable_line() {
        let line = line(4711, 2, br#"{"type":"x"}"#);

        assert_eq!(line, b"4711 2 f6c7522a {\"type\":\"x\"}\n");
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_a_flaw() {
        let good = line(4711, 2, br#"{"type":"filing.seen"}"#);

        for bit in 0..(good.len() - 1) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Line::parse(&bad[..bad.len() - 1]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_a_flaw() {
        let header = Header {
            epoch: Epoch::parse("k7q2").unwrap(),
            first: Seq::new(4711),
        };
        let good = header.encode();
        assert_eq!(Header::parse(&good[..good.len() - 1]), Ok(header));

        for bit in 0..(good.len() - 1) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bad[..bad.len() - 1]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let text = "eventlog 2 k7q2 1 something new";
        let line = format!("{text} {:08x}", crc32c::crc32c(text.as_bytes()));

        assert_eq!(Header::parse(line.as_bytes()), Err(Flaw::Version));
    }

    #[test]
    fn a_file_name_sorts_as_its_number_and_reads_back() {
        assert_eq!(file_name(Seq::new(4711)), "00000000000000004711.log");
        assert_eq!(
            parse_file_name("00000000000000004711.log"),
            Some(Seq::new(4711))
        );
        for name in [
            "4711.log",
            "lock",
            "00000000000000004711.tmp",
            "+0000000000000004711.log",
        ] {
            assert_eq!(parse_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_that_no_record_has_are_a_flaw() {
        for seq in [0, u64::MAX] {
            let record = line(seq, 0, b"{}");
            let header = Header {
                epoch: Epoch::parse("k7q2").unwrap(),
                first: Seq::new(seq),
            }
            .encode();

            let record = Line::parse(&record[..record.len() - 1]);
            let header = Header::parse(&header[..header.len() - 1]);
            assert_eq!(
                (record, header),
                (Err(Flaw::Shape), Err(Flaw::Shape)),
                "{seq}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_record_reads_back(seq in 1..u64::MAX, back: u64, frame in "[^\n]{0,200}") {
            let bytes = line(seq, back, frame.as_bytes());

            let read = Line::parse(&bytes[..bytes.len() - 1]).unwrap();

            prop_assert_eq!((read.seq.get(), read.back, read.frame), (seq, back, frame.as_bytes()));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = Line::parse(&bytes);
            let _ = Header::parse(&bytes);
        }
    }
}
