//! An index file read piece by piece: a quarter's has 33 MB and is never held whole.
//!
//! Elsewhere: what stands in a row (`index`), where its columns are (`columns`).
//!
//! Invariant: in whatever pieces a file comes, its rows are the same; no more is held than
//! the lines above the rows and one line.

use protocol::time::Date;

use super::{
    IndexError, Kind, RejectReason, Rejected, Row, columns::Columns, is_dashes, last_data_received,
    read_row,
};
use crate::text::excerpt_of_bytes;

/// Bad lines after which a file is not trusted.
const MAX_REJECTED: usize = 1000;
/// The dashes come within the first dozen lines.
const MAX_HEADER_LINES: usize = 40;
/// A line longer than this is a bad one; the longest seen has 212 bytes.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// What is shown of a file that is no index.
const BEGINS_BYTES: usize = 4096;

/// Reads an index file piece by piece.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// Lines before it.
    lines: usize,
    head: Head,
    columns: Option<Columns>,
    last_data_received: Option<Date>,
    rejected: Vec<Rejected>,
}

/// What an index file says besides its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its kind.
    pub kind: Kind,
    /// The day up to which it is complete; absent in an excerpt without header.
    pub last_data_received: Option<Date>,
    /// Lines that make no sense.
    pub rejected: Vec<Rejected>,
    /// Whether its last line has an end. A file that was cut has mostly none.
    pub ends_with_newline: bool,
}

/// What comes before it is known where the columns are.
#[derive(Debug, Default)]
struct Head {
    begins: Vec<u8>,
    /// Lines that are not blank, with their numbers.
    lines: Vec<(usize, Vec<u8>)>,
}

impl Reader {
    /// A reader of a file of which nothing has come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece and gives the rows that it completes to `take`.
    ///
    /// # Errors
    /// [`IndexError`] when this is no index file or mostly damaged.
    pub fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Row)) -> Result<(), IndexError> {
        self.head.begin(bytes);
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.extend(&rest[..end]);
            rest = &rest[end + 1..];
            self.end_line(take)?;
        }
        self.extend(rest);
        Ok(())
    }

    /// Reads the last line, if it has no end, and tells what the file says besides its rows.
    ///
    /// # Errors
    /// As [`Reader::push`].
    pub fn finish(mut self, take: &mut impl FnMut(Row)) -> Result<Summary, IndexError> {
        let ends_with_newline = self.line.is_empty();
        if !ends_with_newline {
            self.end_line(take)?;
        }
        if self.columns.is_none() {
            self.begin_without_dashes(take)?;
        }
        let columns = self.columns.ok_or_else(|| self.head.no_index())?;
        Ok(Summary {
            kind: columns.kind(),
            last_data_received: self.last_data_received,
            rejected: self.rejected,
            ends_with_newline,
        })
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, take: &mut impl FnMut(Row)) -> Result<(), IndexError> {
        self.lines += 1;
        let mut line = std::mem::take(&mut self.line);
        if !line.trim_ascii_end().is_empty() {
            self.read(self.lines, &line, take)?;
        }
        line.clear();
        self.line = line;
        Ok(())
    }

    fn read(
        &mut self,
        number: usize,
        line: &[u8],
        take: &mut impl FnMut(Row),
    ) -> Result<(), IndexError> {
        let is_whole = line.len() <= MAX_LINE_BYTES;
        let line = line.trim_ascii_end();
        let row = match &self.columns {
            None => return self.read_head(number, line, take),
            Some(columns) if is_whole => read_row(columns, line),
            Some(_) => Err(RejectReason::Columns),
        };
        match row {
            Ok(row) => take(row),
            Err(reason) => self.reject(number, reason)?,
        }
        Ok(())
    }

    fn read_head(
        &mut self,
        number: usize,
        line: &[u8],
        take: &mut impl FnMut(Row),
    ) -> Result<(), IndexError> {
        if is_dashes(line) {
            return self.begin_below_dashes();
        }
        self.head.lines.push((number, line.to_vec()));
        if self.head.lines.len() == MAX_HEADER_LINES {
            self.begin_without_dashes(take)?;
        }
        Ok(())
    }

    fn begin_below_dashes(&mut self) -> Result<(), IndexError> {
        let lines: Vec<&[u8]> = self.head.lines.iter().map(|(_, line)| &line[..]).collect();
        self.columns = Columns::of_heading(&lines);
        self.last_data_received = lines.iter().find_map(|line| last_data_received(line));
        match self.columns {
            Some(_) => Ok(()),
            None => Err(self.head.no_index()),
        }
    }

    /// A file without a header may be an excerpt of master rows.
    fn begin_without_dashes(&mut self, take: &mut impl FnMut(Row)) -> Result<(), IndexError> {
        let first = self.head.lines.first();
        if first.is_none_or(|(_, line)| read_row(&Columns::Bars, line).is_err()) {
            return Err(self.head.no_index());
        }
        self.columns = Some(Columns::Bars);
        for (number, line) in std::mem::take(&mut self.head.lines) {
            self.read(number, &line, take)?;
        }
        Ok(())
    }

    fn reject(&mut self, line: usize, reason: RejectReason) -> Result<(), IndexError> {
        if self.rejected.len() == MAX_REJECTED {
            let limit = MAX_REJECTED;
            return Err(IndexError::TooManyBadRows { limit, line });
        }
        self.rejected.push(Rejected { line, reason });
        Ok(())
    }
}

impl Head {
    fn begin(&mut self, bytes: &[u8]) {
        let room = BEGINS_BYTES - self.begins.len();
        self.begins
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn no_index(&self) -> IndexError {
        IndexError::NotAnIndex {
            begins: excerpt_of_bytes(&self.begins),
        }
    }
}
