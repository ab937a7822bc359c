//! The tags of a document: what stands between `<DOCUMENT>` and `<TEXT>`.
//!
//! Elsewhere: the content (`body`), where it ends (`closing`), file names (`names`).

use protocol::filing::Document;

use super::text::{self, tag_line};

/// Bytes of tags kept per document, for there may be many. The longest known description has
/// under 300.
const MAX_HEAD: usize = 4 * 1024;

/// A document, told before its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentHead {
    /// Its place in the submission, from 1, without gaps.
    pub ordinal: u32,
    /// `<SEQUENCE>` as written; may have gaps, absent in damaged files.
    pub sequence: Option<String>,
    /// `<TYPE>`, such as `EX-99.1`; empty when missing.
    pub document_type: String,
    /// A name that is safe for tar and file systems and unique in the submission.
    pub filename: String,
    /// `<FILENAME>` as written; absent before 2001.
    pub filename_as_written: Option<String>,
    /// `<DESCRIPTION>`; one that runs over two lines is joined by a blank.
    pub description: Option<String>,
    /// `<FLAWED>`: EDGAR itself could not process the document.
    pub flawed: bool,
    /// The tag that wrapped the content and is not part of it.
    pub wrapper: Option<Wrapper>,
    /// Whether the content was uuencoded.
    pub uuencoded: bool,
}

/// A document, told after its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentEnd {
    /// As in its [`DocumentHead`].
    pub ordinal: u32,
    /// Bytes of the decoded content.
    pub size_bytes: u64,
}

/// A tag right after `<TEXT>` that says what the content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapper {
    /// `<PDF>`, around uuencode.
    Pdf,
    /// `<XML>`: forms in XML and what EDGAR extracts.
    Xml,
    /// `<XBRL>`: inline main documents and EX-101 files.
    Xbrl,
}

impl Wrapper {
    pub(super) const ALL: [Self; 3] = [Self::Pdf, Self::Xml, Self::Xbrl];

    pub(super) fn opening(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"<PDF>",
            Self::Xml => b"<XML>",
            Self::Xbrl => b"<XBRL>",
        }
    }

    pub(super) fn closing(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"</PDF>",
            Self::Xml => b"</XML>",
            Self::Xbrl => b"</XBRL>",
        }
    }
}

impl DocumentHead {
    /// The document as events and `parse --json` show it.
    pub fn document(&self, size_bytes: u64) -> Document {
        Document {
            ordinal: self.ordinal,
            sequence: self.sequence.clone(),
            document_type: self.document_type.clone(),
            filename: self.filename.clone(),
            description: self.description.clone(),
            size_bytes,
        }
    }
}

/// What a line before `<TEXT>` was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeadLine<'a> {
    /// A tag of the document, or something to ignore.
    Taken,
    /// The first line beyond what is kept.
    TooLong,
    /// `<TEXT>`: the content begins, on this line when there is more on it.
    Text {
        /// What follows the tag.
        rest: &'a [u8],
        /// Whether the tag is in upper case, as EDGAR writes it.
        upper: bool,
    },
    /// `</DOCUMENT>` without content.
    End,
}

/// The tags of a document as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct HeadLines {
    pub(super) document_type: Option<Vec<u8>>,
    pub(super) sequence: Option<Vec<u8>>,
    pub(super) filename: Option<Vec<u8>>,
    pub(super) description: Option<Vec<u8>>,
    pub(super) flawed: bool,
    last: Last,
    bytes: usize,
}

/// The value that a line without a tag continues.
#[derive(Debug, Default, Clone, Copy)]
enum Last {
    #[default]
    None,
    Type,
    Sequence,
    Filename,
    Description,
}

impl HeadLines {
    pub(super) fn take<'a>(&mut self, line: &'a [u8]) -> HeadLine<'a> {
        let Some(tag) = tag_line(line) else {
            return self.continue_value(line);
        };
        let upper = tag.name.iter().all(u8::is_ascii_uppercase);
        let last = match (tag.closing, &*tag.name.to_ascii_uppercase()) {
            (false, b"TEXT") => {
                return HeadLine::Text {
                    rest: tag.rest,
                    upper,
                };
            }
            (true, b"DOCUMENT") => return HeadLine::End,
            (false, b"TYPE") => Last::Type,
            (false, b"SEQUENCE") => Last::Sequence,
            (false, b"FILENAME") => Last::Filename,
            (false, b"DESCRIPTION") => Last::Description,
            (false, b"FLAWED") => {
                self.flawed = true;
                Last::None
            }
            _ => Last::None,
        };
        self.last = last;
        self.append(tag.rest)
    }

    fn continue_value<'a>(&mut self, line: &[u8]) -> HeadLine<'a> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return HeadLine::Taken;
        }
        self.append(line)
    }

    fn append<'a>(&mut self, piece: &[u8]) -> HeadLine<'a> {
        let before = self.bytes;
        self.bytes += piece.len();
        if self.bytes > MAX_HEAD {
            let first = before <= MAX_HEAD;
            return if first {
                HeadLine::TooLong
            } else {
                HeadLine::Taken
            };
        }
        let slot = match self.last {
            Last::None => return HeadLine::Taken,
            Last::Type => &mut self.document_type,
            Last::Sequence => &mut self.sequence,
            Last::Filename => &mut self.filename,
            Last::Description => &mut self.description,
        };
        let value = slot.get_or_insert_default();
        if !value.is_empty() {
            value.push(b' ');
        }
        value.extend_from_slice(piece.trim_ascii());
        HeadLine::Taken
    }
}

/// The text of a tag's value; `None` when it is missing or blank.
pub(super) fn value(bytes: Option<&Vec<u8>>) -> Option<String> {
    bytes
        .map(|bytes| text::trimmed(bytes))
        .filter(|text| !text.is_empty())
}
