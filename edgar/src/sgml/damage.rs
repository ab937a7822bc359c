//! What is wrong with a submission, and where.
//!
//! Elsewhere: who notices (`reader`, `body`, `uuencode`).
//! Invariant: damage is reported beside what could be saved, never instead of it.

use std::fmt;

/// One fault of a submission. The rest of the submission is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Byte of the submission where the fault begins or is noticed.
    pub offset: u64,
    /// The fault.
    pub what: Fault,
}

/// What can be wrong with a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The bytes end before the tag that closes the submission.
    Truncated,
    /// A document ends with `</DOCUMENT>` alone.
    MissingTextEnd,
    /// A document ends with `</TEXT>` alone.
    MissingDocumentEnd,
    /// A document has no `<TEXT>`, hence no content.
    MissingText,
    /// A line stands outside header and documents.
    StrayLine,
    /// The header is longer than we keep; its rest is dropped.
    HeaderTooLong,
    /// A line outside document contents is longer than we keep; its rest is dropped.
    LineTooLong,
    /// The tags before a `<TEXT>` are longer than we keep; their rest is dropped.
    HeadTooLong,
    /// There are more documents than we read.
    TooManyDocuments,
    /// A line between `begin` and `end` is not uuencode; it is decoded as far as it goes.
    UuencodeLine,
    /// Uuencoded content without its `end`.
    UuencodeUnended,
    /// Something follows the `end` of uuencoded content; it is dropped.
    UuencodeTail,
    /// `<XML>`, `<XBRL>` or `<PDF>` is opened and not closed.
    WrapperUnclosed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the submission ends before its closing tag",
            Self::MissingTextEnd => "document without </TEXT>",
            Self::MissingDocumentEnd => "document without </DOCUMENT>",
            Self::MissingText => "document without <TEXT>",
            Self::StrayLine => "line outside header and documents",
            Self::HeaderTooLong => "header too long",
            Self::LineTooLong => "line too long",
            Self::HeadTooLong => "document tags too long",
            Self::TooManyDocuments => "too many documents",
            Self::UuencodeLine => "line is not uuencode",
            Self::UuencodeUnended => "uuencode without end",
            Self::UuencodeTail => "content after the end of uuencode",
            Self::WrapperUnclosed => "wrapper tag is not closed",
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}
