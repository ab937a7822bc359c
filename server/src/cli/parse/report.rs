//! One submission, read in pieces: what `parse --json` and `get --as json` print.
//!
//! Elsewhere: the grammar (`edgar::sgml`). Invariant: of each document no more than its
//! first bytes is kept.

use std::io::{self, Read};

use edgar::{
    media,
    sgml::{Damage, DocumentEnd, DocumentHead, Header, Node, NotASubmission, Reader, Sink},
};
use protocol::{
    accession::Accession,
    filing::Filer,
    time::{Date, Timestamp},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    facts::Facts,
    forms::{FormDocuments, Forms},
};

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// A submission; what is absent is omitted.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Report {
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accession: Option<Accession>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filed_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accepted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) period: Option<Date>,
    pub(super) filers: Vec<Filer>,
    #[serde(skip_serializing_if = "is_empty")]
    pub(super) header: Node,
    pub(super) documents: Vec<DocumentReport>,
    #[serde(flatten)]
    pub(super) forms: Forms,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) facts: Option<Facts>,
    pub(super) damage: Vec<DamageReport>,
}

/// A document, decoded.
#[derive(Debug, Serialize)]
pub(super) struct DocumentReport {
    pub(super) ordinal: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(super) document_type: String,
    pub(super) filename: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) media_type: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Something wrong with a submission.
#[derive(Debug, Serialize)]
pub(super) struct DamageReport {
    pub(super) offset: u64,
    pub(super) what: String,
}

/// What came of reading.
#[derive(Debug)]
pub(in crate::cli) struct Outcome<S> {
    /// The submission as far as it could be read, and the sink that was told it too.
    pub(in crate::cli) told: Result<(Report, S), NotASubmission>,
    /// Why it could not be read to its end.
    pub(in crate::cli) unreadable: Option<io::Error>,
}

/// Reads a submission to its end and tells it to `beside` too. `name` is what the report
/// calls it.
pub(in crate::cli) fn read<S: Sink>(name: &str, source: impl Read, beside: S) -> Outcome<S> {
    let sinks = (Collector::default(), (FormDocuments::default(), beside));
    let (sinks, unreadable) = push(source, sinks);
    let report = |(collector, (forms, beside)): (Collector, (FormDocuments, S))| {
        (collector.report(name, forms), beside)
    };
    Outcome {
        told: sinks.map(report),
        unreadable,
    }
}

/// Tells `sink` what is in a submission, and why it could not be read to its end.
pub(in crate::cli) fn push<S: Sink>(
    mut source: impl Read,
    sink: S,
) -> (Result<S, NotASubmission>, Option<io::Error>) {
    let mut reader = Reader::new(sink);
    let mut piece = vec![0; PIECE];
    let unreadable = loop {
        match source.read(&mut piece) {
            Ok(0) => break None,
            Ok(length) => reader.push(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(error),
        }
    };
    (reader.finish().map(|(sink, _)| sink), unreadable)
}

impl Report {
    /// One line of JSON.
    pub(in crate::cli) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a report has string keys and no failing field")
    }
}

fn is_empty(tree: &Node) -> bool {
    tree.children.is_empty()
}

/// The document at hand.
struct OpenDocument {
    head: DocumentHead,
    beginning: Vec<u8>,
    hash: Sha256,
}

/// What a submission tells.
#[derive(Default)]
struct Collector {
    header: Header,
    open: Option<OpenDocument>,
    documents: Vec<DocumentReport>,
    damage: Vec<DamageReport>,
}

impl Collector {
    fn report(self, name: &str, forms: FormDocuments) -> Report {
        let header = self.header;
        let forms = forms.read(header.filed_on);
        Report {
            file: name.to_owned(),
            accession: header.accession,
            filed_on: header.filed_on,
            accepted_at: header.accepted_at,
            period: header.period,
            filers: header.filers(),
            form: header
                .form
                .map(|form| form.to_string())
                .or(header.form_as_written),
            header: header.tree,
            documents: self.documents,
            forms,
            facts: None,
            damage: self.damage,
        }
    }
}

impl Sink for Collector {
    fn header(&mut self, header: Header) {
        self.header = header;
    }

    fn document(&mut self, head: &DocumentHead) {
        let (head, beginning) = (head.clone(), Vec::new());
        self.open = Some(OpenDocument {
            head,
            beginning,
            hash: Sha256::new(),
        });
    }

    fn body(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open {
            let room = media::LOOKED_AT - open.beginning.len();
            open.beginning
                .extend_from_slice(&bytes[..bytes.len().min(room)]);
            open.hash.update(bytes);
        }
    }

    fn end_document(&mut self, end: &DocumentEnd) {
        if let Some(open) = self.open.take() {
            self.documents.push(open.report(end.size_bytes));
        }
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(DamageReport {
            offset: damage.offset,
            what: damage.what.to_string(),
        });
    }
}

impl OpenDocument {
    fn report(self, bytes: u64) -> DocumentReport {
        let head = self.head;
        DocumentReport {
            ordinal: head.ordinal,
            sequence: head.sequence,
            document_type: head.document_type,
            filename: head.filename,
            description: head.description,
            media_type: media::of(&self.beginning),
            bytes,
            sha256: hex::encode(self.hash.finalize()),
        }
    }
}
