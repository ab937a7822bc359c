//! Files of numbers and bytes with a checksum at the end.
//!
//! Elsewhere: what stands in them (`snapshot`), how a number is written (`block`).
//! Invariant: at most a piece is in memory, whatever the file says.

use std::io;

use eventlog::disk::DiskFile;

use super::{
    block::{push_number, take_number},
    snapshot::Refusal,
};

/// Bytes read or written at a time.
const PIECE: usize = 1 << 20;

/// A file being written.
pub(super) struct Writing<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    piece: Vec<u8>,
    crc: u32,
}

impl<'a> Writing<'a> {
    pub(super) fn new(file: &'a dyn DiskFile) -> Self {
        Self {
            file,
            offset: 0,
            piece: Vec::with_capacity(2 * PIECE),
            crc: 0,
        }
    }

    pub(super) fn number(&mut self, number: u64) -> io::Result<()> {
        push_number(&mut self.piece, number);
        self.write_full()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.piece.extend_from_slice(bytes);
        self.write_full()
    }

    fn write_full(&mut self) -> io::Result<()> {
        if self.piece.len() < PIECE {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, &self.piece);
        self.file.write_at(&self.piece, self.offset)?;
        self.offset += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }

    /// Ends the file with its checksum; gives its length.
    pub(super) fn end(mut self) -> io::Result<u64> {
        self.write()?;
        self.piece.extend_from_slice(&self.crc.to_le_bytes());
        self.write()?;
        Ok(self.offset)
    }
}

/// A file being read.
pub(super) struct Reading<'a> {
    file: &'a dyn DiskFile,
    /// Where the next piece begins.
    offset: u64,
    /// Where the checksum begins.
    end: u64,
    piece: Vec<u8>,
    /// How much of the piece is taken.
    taken: usize,
    crc: u32,
}

impl<'a> Reading<'a> {
    pub(super) fn begin(file: &'a dyn DiskFile) -> Result<Self, Refusal> {
        let end = file.length()?.checked_sub(4).ok_or(Refusal::Damaged)?;
        Ok(Self {
            file,
            offset: 0,
            end,
            piece: Vec::new(),
            taken: 0,
            crc: 0,
        })
    }

    /// The first line, without its end.
    pub(super) fn line(&mut self, most: usize) -> Result<Vec<u8>, Refusal> {
        self.fill(most)?;
        let rest = &self.piece[self.taken..];
        let end = rest.iter().take(most).position(|byte| *byte == b'\n');
        let line = rest[..end.ok_or(Refusal::Damaged)?].to_vec();
        self.taken += line.len() + 1;
        Ok(line)
    }

    pub(super) fn number(&mut self) -> Result<u64, Refusal> {
        self.fill(10)?;
        let mut rest = &self.piece[self.taken..];
        let number = take_number(&mut rest).ok_or(Refusal::Damaged)?;
        self.taken = self.piece.len() - rest.len();
        Ok(number)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&[u8], Refusal> {
        self.fill(length)?;
        let from = self.taken;
        self.taken += length;
        self.piece.get(from..self.taken).ok_or(Refusal::Damaged)
    }

    /// Reads on until `wanted` bytes are there, or all.
    fn fill(&mut self, wanted: usize) -> Result<(), Refusal> {
        while self.piece.len() - self.taken < wanted && self.offset < self.end {
            self.piece.drain(..self.taken);
            self.taken = 0;
            let held = self.piece.len();
            let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
            self.piece.resize(held + left.min(PIECE), 0);
            let read = self.file.read_at(&mut self.piece[held..], self.offset)?;
            if read == 0 {
                return Err(Refusal::Damaged);
            }
            self.piece.truncate(held + read);
            self.crc = crc32c::crc32c_append(self.crc, &self.piece[held..]);
            self.offset += read as u64;
        }
        Ok(())
    }

    /// All is taken, and the checksum is that of what was read.
    pub(super) fn end(self) -> Result<(), Refusal> {
        let mut crc = [0; 4];
        let read = self.file.read_at(&mut crc, self.end)?;
        let whole = self.offset == self.end && self.taken == self.piece.len() && read == 4;
        match whole && u32::from_le_bytes(crc) == self.crc {
            true => Ok(()),
            false => Err(Refusal::Damaged),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{path::Path, sync::Arc};

    use eventlog::{disk::Disk, testing::ForgetfulDisk};

    use super::*;

    /// Numbers of every length, each before bytes that fill most of a piece.
    fn contents() -> impl Iterator<Item = (u64, Vec<u8>)> {
        (0..10).map(|n| (n << (7 * n), vec![n as u8; 700_000]))
    }

    fn written() -> Arc<dyn DiskFile> {
        let file = ForgetfulDisk::default().create(Path::new("/file")).unwrap();
        let mut writing = Writing::new(&*file);
        writing.push(b"a line\n").unwrap();
        for (number, bytes) in contents() {
            writing.number(number).unwrap();
            writing.push(&bytes).unwrap();
            assert!(writing.piece.len() < PIECE, "it waits for the disk");
        }
        assert_eq!(writing.end().unwrap(), file.length().unwrap());
        file
    }

    fn is_damaged<T>(result: Result<T, Refusal>) -> bool {
        matches!(result, Err(Refusal::Damaged))
    }

    #[test]
    fn what_takes_many_pieces_reads_back_with_little_in_memory() {
        let file = written();
        let mut reading = Reading::begin(&*file).unwrap();

        assert_eq!(reading.line(7).unwrap(), b"a line");
        for (number, bytes) in contents() {
            assert_eq!(reading.number().unwrap(), number);
            assert!(reading.bytes(bytes.len()).unwrap() == bytes, "{number}");
            assert!(reading.piece.len() < 2 * PIECE + 10);
        }

        reading.end().unwrap();
    }

    #[test]
    fn what_is_not_read_to_its_end_is_not_whole() {
        let file = written();
        let mut reading = Reading::begin(&*file).unwrap();
        assert!(is_damaged(reading.line(6)), "its end is the seventh byte");
        reading.line(7).unwrap();

        assert!(is_damaged(reading.end()));
    }

    #[test]
    fn what_is_left_over_is_not_whole_though_all_of_it_was_read() {
        let file = ForgetfulDisk::default().create(Path::new("/file")).unwrap();
        let mut writing = Writing::new(&*file);
        writing.push(b"a line\nand more").unwrap();
        writing.end().unwrap();
        let mut reading = Reading::begin(&*file).unwrap();
        reading.line(7).unwrap();

        assert!(is_damaged(reading.end()));
    }

    #[test]
    fn more_than_there_is_cannot_be_read() {
        let file = ForgetfulDisk::default().create(Path::new("/file")).unwrap();
        Writing::new(&*file).end().unwrap();
        let mut reading = Reading::begin(&*file).unwrap();

        assert!(is_damaged(reading.number()));
        reading.end().unwrap();
        assert!(is_damaged(Reading::begin(&*file).unwrap().bytes(1)));
        assert!(is_damaged(Reading::begin(&*file).unwrap().line(9)));
    }
}
