//! Where in a segment a record begins.
//!
//! Lines carry their seq, so halving the file finds one without an index: jump to
//! the middle, read to the next line end, look at the number that follows.
//!
//! Invariant: a damaged line on the way is reported, never stepped over.

use std::{path::Path, sync::Arc};

use protocol::seq::Seq;

use crate::{
    disk::DiskFile,
    error::{Corruption, ReadError},
    lines::{Lines, RawLine},
    segment::{Flaw, Line},
};

/// One read while halving: holds a few records of usual size.
const PROBE_BYTES: usize = 4 << 10;

/// A stretch that is faster to read through than to halve.
const STRETCH_BYTES: u64 = 32 << 10;

/// The bytes of one segment that hold records.
#[derive(Debug)]
pub(crate) struct Stretch<'a> {
    pub(crate) path: &'a Path,
    pub(crate) file: &'a Arc<dyn DiskFile>,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Stretch<'_> {
    /// The byte at which the record `seq` begins.
    pub(crate) fn find(&self, seq: Seq) -> Result<u64, ReadError> {
        let mut low = self.start;
        let mut high = self.end;
        while high - low > STRETCH_BYTES {
            let middle = low + (high - low) / 2;
            match self.first_after(middle)? {
                Some((offset, found)) if found <= seq => low = offset,
                // A line may begin at `middle` itself: it stays inside.
                _ => high = middle + 1,
            }
        }
        self.walk(low, seq)
    }

    /// The first record that begins behind the byte `middle`.
    fn first_after(&self, middle: u64) -> Result<Option<(u64, Seq)>, ReadError> {
        let mut lines = self.lines(middle);
        let _rest = self.next(&mut lines)?;
        match self.next(&mut lines)? {
            None => Ok(None),
            Some(raw) => Ok(Some((raw.offset, parse(self.path, &raw, None)?.seq))),
        }
    }

    fn walk(&self, from: u64, seq: Seq) -> Result<u64, ReadError> {
        let mut lines = self.lines(from);
        while let Some(raw) = self.next(&mut lines)? {
            let found = parse(self.path, &raw, None)?.seq;
            if found == seq {
                return Ok(raw.offset);
            }
            if found > seq {
                break;
            }
        }
        Err(missing(self.path, from, seq).into())
    }

    fn lines(&self, from: u64) -> Lines {
        Lines::new(Arc::clone(self.file), from, self.end, PROBE_BYTES)
    }

    fn next(&self, lines: &mut Lines) -> Result<Option<RawLine>, ReadError> {
        lines.next().map_err(|source| ReadError::Io {
            path: self.path.to_owned(),
            source,
        })
    }
}

/// The record in `raw`, which must be `expected` when that is given.
pub(crate) fn parse<'a>(
    path: &Path,
    raw: &'a RawLine,
    expected: Option<Seq>,
) -> Result<Line<'a>, Corruption> {
    let damage = |what| Corruption {
        file: path.to_owned(),
        offset: raw.offset,
        seq: expected,
        what,
    };
    if !raw.ended {
        return Err(damage(Flaw::Unterminated.to_string()));
    }
    let line = Line::parse(&raw.bytes).map_err(|flaw| damage(flaw.to_string()))?;
    if expected.is_some_and(|expected| expected != line.seq) {
        return Err(damage(format!("seq {} is in its place", line.seq)));
    }
    Ok(line)
}

/// The damage of a file in which the durable record `seq` is not found.
pub(crate) fn missing(path: &Path, offset: u64, seq: Seq) -> Corruption {
    let what = "the record is missing".to_owned();
    Corruption {
        file: path.to_owned(),
        offset,
        seq: Some(seq),
        what,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{disk::Disk as _, testing::ForgetfulDisk};

    /// A file of records `1..=count` whose sizes vary, and where each begins.
    fn file(count: u64) -> (Arc<dyn DiskFile>, Vec<u64>) {
        let mut bytes = Vec::new();
        let mut offsets = Vec::new();
        for seq in 1..=count {
            offsets.push(bytes.len() as u64);
            let size = if seq % 50 == 0 {
                40_000
            } else {
                seq as usize * 37 % 900
            };
            Line {
                seq: Seq::new(seq),
                back: 0,
                frame: &vec![b'x'; size],
            }
            .encode(&mut bytes);
        }
        let file = ForgetfulDisk::default().create(Path::new("/file")).unwrap();
        file.write_at(&bytes, 0).unwrap();
        (file, offsets)
    }

    #[test]
    fn every_record_is_found_where_it_begins() {
        let (file, offsets) = file(300);
        let end = file.length().unwrap();
        let stretch = Stretch {
            path: Path::new("/file"),
            file: &file,
            start: 0,
            end,
        };

        for (seq, offset) in (1..).zip(offsets) {
            assert_eq!(stretch.find(Seq::new(seq)).unwrap(), offset, "seq {seq}");
        }
    }

    #[test]
    fn a_record_that_is_not_there_is_damage() {
        let (file, _) = file(300);
        let end = file.length().unwrap();
        let stretch = Stretch {
            path: Path::new("/file"),
            file: &file,
            start: 0,
            end,
        };

        assert!(matches!(
            stretch.find(Seq::new(301)),
            Err(ReadError::Corrupt(_))
        ));
    }

    #[test]
    fn a_damaged_line_on_the_way_is_reported() {
        let (file, offsets) = file(300);
        file.write_at(b"X", offsets[120] + 20).unwrap();
        let end = file.length().unwrap();
        let stretch = Stretch {
            path: Path::new("/file"),
            file: &file,
            start: 0,
            end,
        };

        let Err(ReadError::Corrupt(damage)) = stretch.find(Seq::new(122)) else {
            panic!("damage was stepped over");
        };
        assert_eq!(damage.offset, offsets[120]);
    }
}
