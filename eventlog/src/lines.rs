//! Lines of a segment in order, read in large pieces.
//!
//! [`Lines`] finds line ends and nothing else. Elsewhere: what a line means
//! (`segment`), which line to start at (`search`).
//!
//! Invariant: no byte at or behind `end` is read, and no more memory is used than
//! for the longest line and one piece.

use std::{io, sync::Arc};

use bytes::Bytes;

use crate::{disk::DiskFile, segment::LINE_MAX_BYTES};

/// A line as it lies in the file.
#[derive(Debug)]
pub(crate) struct RawLine {
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// Its bytes without the line end.
    pub(crate) bytes: Bytes,
    /// Whether it had a line end. Without one it is the end of the file, or too long.
    pub(crate) ended: bool,
}

impl RawLine {
    /// Where the line after it begins.
    pub(crate) fn after(&self) -> u64 {
        self.offset + self.bytes.len() as u64 + u64::from(self.ended)
    }
}

/// Goes through a file line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    file: Arc<dyn DiskFile>,
    offset: u64,
    end: u64,
    piece_bytes: usize,
    buffer: Bytes,
}

impl Lines {
    /// The lines from `offset`, where one begins, up to the byte `end`.
    pub(crate) fn new(file: Arc<dyn DiskFile>, offset: u64, end: u64, piece_bytes: usize) -> Self {
        Self {
            file,
            offset,
            end,
            piece_bytes,
            buffer: Bytes::new(),
        }
    }

    /// Where the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads on as far as `end`, in pieces of about `piece_bytes`.
    pub(crate) fn extend(&mut self, end: u64, piece_bytes: usize) {
        self.end = end;
        self.piece_bytes = piece_bytes;
    }

    /// The file the lines are of.
    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// The next line, `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<RawLine>> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[searched..]) {
                return Ok(Some(self.take(searched + found, true)));
            }
            searched = self.buffer.len();
            if searched >= LINE_MAX_BYTES || !self.fill()? {
                return Ok((searched > 0).then(|| self.take(searched, false)));
            }
        }
    }

    fn take(&mut self, length: usize, ended: bool) -> RawLine {
        let line = RawLine {
            offset: self.offset,
            bytes: self.buffer.split_to(length),
            ended,
        };
        if ended {
            let _line_end = self.buffer.split_to(1);
        }
        self.offset = line.after();
        line
    }

    /// Reads another piece behind what is there. False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let held = self.buffer.len();
        let from = self.offset + held as u64;
        let left = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
        // At least as much as is held: copying it along then costs no more than reading.
        let mut grown = vec![0; held + left.min(self.piece_bytes.max(held))];
        let read = self.file.read_at(&mut grown[held..], from)?;
        grown[..held].copy_from_slice(&self.buffer);
        grown.truncate(held + read);
        self.buffer = Bytes::from(grown);
        Ok(read > 0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{disk::Disk as _, testing::ForgetfulDisk};

    fn lines(bytes: &[u8], end: u64, piece_bytes: usize) -> Vec<(u64, Vec<u8>, bool)> {
        let file = ForgetfulDisk::default().create(Path::new("/file")).unwrap();
        file.write_at(bytes, 0).unwrap();
        let mut lines = Lines::new(file, 0, end, piece_bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.offset, line.bytes.to_vec(), line.ended));
        }
        found
    }

    #[test]
    fn lines_are_the_same_for_every_piece_size() {
        let bytes = b"first\n\nthird line\nrest";

        for piece_bytes in 1..=bytes.len() {
            let expected = vec![
                (0, b"first".to_vec(), true),
                (6, b"".to_vec(), true),
                (7, b"third line".to_vec(), true),
                (18, b"rest".to_vec(), false),
            ];
            assert_eq!(lines(bytes, 22, piece_bytes), expected);
        }
    }

    #[test]
    fn nothing_behind_the_end_is_read() {
        assert_eq!(
            lines(b"first\nsecond\n", 6, 100),
            [(0, b"first".to_vec(), true)]
        );
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let zeros = vec![0; 3 * LINE_MAX_BYTES];

        let found = lines(&zeros, zeros.len() as u64, 4096);

        assert_eq!(
            found.iter().map(|(_, bytes, _)| bytes.len()).sum::<usize>(),
            zeros.len()
        );
        assert!(
            found
                .iter()
                .all(|(_, bytes, ended)| bytes.len() <= 2 * LINE_MAX_BYTES && !ended)
        );
    }
}
