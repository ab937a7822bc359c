//! Submissions: the SGML text files that carry filings.
//!
//! [`Reader`] takes the bytes of a submission in pieces of any size and tells a
//! [`Sink`] its header, its documents and what is damaged; [`read`] does so for a
//! submission in memory. All envelopes are understood: public files with and without
//! PEM, those of 1994, dissemination files, headers and documents by themselves.
//!
//! Elsewhere: the objects made of a submission, and its XBRL facts. Invariant: no
//! bytes make it panic, and its memory does not grow with the size of documents.
//!
//! ```
//! let submission = edgar::sgml::read(b"<SEC-DOCUMENT>0001999999-26-000042.txt : 20260303
//! <SEC-HEADER>0001999999-26-000042.hdr.sgml : 20260303
//! <ACCEPTANCE-DATETIME>20260303160441
//! ACCESSION NUMBER:\t\t0001999999-26-000042
//! CONFORMED SUBMISSION TYPE:\t8-K
//! ITEM INFORMATION:\t\tResults of Operations and Financial Condition
//! FILED AS OF DATE:\t\t20260303
//! FILER:
//! \tCOMPANY DATA:
//! \t\tCOMPANY CONFORMED NAME:\t\t\tQUAYSIDE ROBOTICS (HOLDINGS) INC
//! \t\tCENTRAL INDEX KEY:\t\t\t0001999991
//! </SEC-HEADER>
//! <DOCUMENT>
//! <TYPE>8-K
//! <SEQUENCE>1
//! <FILENAME>quay-20260303.htm
//! <TEXT>
//! <XBRL>
//! <html></html>
//! </XBRL>
//! </TEXT>
//! </DOCUMENT>
//! </SEC-DOCUMENT>
//! ")?;
//!
//! let header = &submission.header;
//! assert_eq!(header.accession.unwrap().to_string(), "0001999999-26-000042");
//! assert_eq!(header.accepted_at.unwrap().to_string(), "2026-03-03T21:04:41Z");
//! assert_eq!(header.items, ["2.02"]);
//! assert_eq!(header.filers()[0].name, "QUAYSIDE ROBOTICS (HOLDINGS) INC");
//! assert_eq!(&*submission.documents[0].bytes, b"<html></html>");
//! assert!(submission.outcome.complete && submission.damage.is_empty());
//! # Ok::<(), edgar::sgml::NotASubmission>(())
//! ```

mod body;
mod closing;
mod collected;
mod damage;
mod documents;
mod header;
mod items;
mod names;
mod party;
mod reader;
mod series;
mod standard;
mod telling;
mod text;
mod tree;
mod uuencode;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::collected::Collected;

pub use damage::{Damage, Fault};
pub use documents::{DocumentEnd, DocumentHead, Wrapper};
pub use header::Header;
pub use party::{Address, FilingValues, Party};
pub use reader::{Envelope, MAX_DOCUMENTS, MAX_HEADER, NotASubmission, Outcome, Reader};
pub use series::{Class, Merger, MergerSide, Series, SeriesAndClasses};
pub use tree::Node;

/// Takes what a [`Reader`] finds, in the order of the submission.
///
/// The header comes first and once, empty for documents without one. Every document
/// is told, then its decoded bytes in pieces, then its end. A sink that can fail
/// keeps its error and ignores what follows.
pub trait Sink {
    /// The header.
    fn header(&mut self, header: Header) {
        let _ = header;
    }

    /// A document begins.
    fn document(&mut self, head: &DocumentHead) {
        let _ = head;
    }

    /// The next decoded bytes of the document; never empty.
    fn body(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// The document is over.
    fn end_document(&mut self, end: &DocumentEnd) {
        let _ = end;
    }

    /// Something is wrong; at most a thousand faults are told.
    fn damage(&mut self, damage: Damage) {
        let _ = damage;
    }
}

/// Takes nothing.
impl Sink for () {}

/// Two sinks are told the same.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn header(&mut self, header: Header) {
        self.0.header(header.clone());
        self.1.header(header);
    }

    fn document(&mut self, head: &DocumentHead) {
        self.0.document(head);
        self.1.document(head);
    }

    fn body(&mut self, bytes: &[u8]) {
        self.0.body(bytes);
        self.1.body(bytes);
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        self.0.end_document(end);
        self.1.end_document(end);
    }

    fn damage(&mut self, damage: Damage) {
        self.0.damage(damage);
        self.1.damage(damage);
    }
}

/// A sink that may not be wanted.
impl<S: Sink> Sink for Option<S> {
    fn header(&mut self, header: Header) {
        if let Some(sink) = self {
            sink.header(header);
        }
    }

    fn document(&mut self, head: &DocumentHead) {
        if let Some(sink) = self {
            sink.document(head);
        }
    }

    fn body(&mut self, bytes: &[u8]) {
        if let Some(sink) = self {
            sink.body(bytes);
        }
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        if let Some(sink) = self {
            sink.end_document(end);
        }
    }

    fn damage(&mut self, damage: Damage) {
        if let Some(sink) = self {
            sink.damage(damage);
        }
    }
}

/// A submission in memory, as [`read`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission<'a> {
    /// The header, empty for documents without one.
    pub header: Header,
    /// The documents in order.
    pub documents: Vec<Content<'a>>,
    /// What is wrong.
    pub damage: Vec<Damage>,
    /// What encloses it, and whether it is complete.
    pub outcome: Outcome,
}

/// A document with its decoded bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// What it is.
    pub head: DocumentHead,
    /// What it holds: owned where it was decoded or put together from parts, or is only a few
    /// bytes; else borrowed from the submission.
    pub bytes: Cow<'a, [u8]>,
}

/// Reads a submission that is in memory, without copying its text.
///
/// # Errors
/// [`NotASubmission`] when the bytes begin like none.
pub fn read(bytes: &[u8]) -> Result<Submission<'_>, NotASubmission> {
    let mut reader = Reader::new(Collected::of(bytes));
    reader.push(bytes);
    let (collected, outcome) = reader.finish()?;
    Ok(collected.submission(outcome))
}
