//! The structured forms within a submission: 13F and ownership.
//!
//! Elsewhere: reading them (`edgar::form13f`, `edgar::ownership`). Invariant: only documents
//! that begin as such a form are kept in memory, and of each no more than [`MAX_FORM`].

use edgar::{
    form13f, ownership,
    sgml::{DocumentEnd, DocumentHead, Sink},
};
use protocol::time::Date;
use serde::Serialize;

/// Bytes of one form that are read: an information table of the most rows that EDGAR takes.
const MAX_FORM: usize = 192 * 1024 * 1024;
/// Bytes by which a form is told.
const BEGINNING: usize = 4096;

/// What the forms of a submission say, with the keys of `parse --json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Forms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) form13f: Option<form13f::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ownership: Option<ownership::Statement>,
    /// Why one could not be read.
    #[serde(skip)]
    pub(super) complaints: Vec<String>,
}

/// The documents that are structured forms.
#[derive(Debug, Default)]
pub(super) struct FormDocuments {
    open: Option<Document>,
    cover: Option<Document>,
    table: Option<Document>,
    statement: Option<Document>,
}

#[derive(Debug)]
struct Document {
    head: DocumentHead,
    kind: Option<Kind>,
    bytes: Vec<u8>,
    too_long: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Cover,
    Table,
    Statement,
}

impl Sink for FormDocuments {
    fn document(&mut self, head: &DocumentHead) {
        self.open = Some(Document {
            head: head.clone(),
            kind: None,
            bytes: Vec::new(),
            too_long: false,
        });
    }

    fn body(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open
            && !open.take(bytes)
        {
            self.open = None;
        }
    }

    fn end_document(&mut self, _end: &DocumentEnd) {
        let Some(mut document) = self.open.take() else {
            return;
        };
        document.decide();
        // Of several the first counts: the others are copies or exhibits.
        let place = match document.kind {
            Some(Kind::Cover) => &mut self.cover,
            Some(Kind::Table) => &mut self.table,
            Some(Kind::Statement) => &mut self.statement,
            None => return,
        };
        place.get_or_insert(document);
    }
}

impl Document {
    /// Keeps the next bytes; whether the document may be a form.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let room = MAX_FORM - self.bytes.len();
        self.too_long |= bytes.len() > room;
        self.bytes.extend(&bytes[..bytes.len().min(room)]);
        if self.kind.is_none() && self.bytes.len() >= BEGINNING {
            self.decide();
            return self.kind.is_some();
        }
        true
    }

    fn decide(&mut self) {
        if self.kind.is_some() {
            return;
        }
        let document_type = &self.head.document_type;
        let beginning = &self.bytes[..self.bytes.len().min(BEGINNING)];
        self.kind = if form13f::is_cover(document_type, beginning) {
            Some(Kind::Cover)
        } else if form13f::is_table(document_type, beginning) {
            Some(Kind::Table)
        } else if ownership::is_statement(document_type, beginning) {
            Some(Kind::Statement)
        } else {
            None
        };
    }

    fn cut(&self) -> Option<String> {
        let complaint = || {
            format!(
                "{}: only its first {MAX_FORM} bytes are read",
                self.head.filename
            )
        };
        self.too_long.then(complaint)
    }
}

impl FormDocuments {
    /// Reads the forms. `filed_on` is the official filing date.
    pub(super) fn read(self, filed_on: Option<Date>) -> Forms {
        let mut forms = Forms::default();
        let kept = [&self.cover, &self.table, &self.statement];
        forms.complaints = kept
            .into_iter()
            .flatten()
            .filter_map(Document::cut)
            .collect();
        if let Some(cover) = &self.cover {
            let table = self.table.as_ref().map(|table| &table.bytes[..]);
            let read = form13f::Report::read(&cover.bytes, table, filed_on);
            forms.form13f = forms.keep(cover, read);
        }
        if let Some(statement) = &self.statement {
            let read = ownership::Statement::read(&statement.bytes);
            forms.ownership = forms.keep(statement, read);
        }
        forms
    }
}

impl Forms {
    fn keep<T, E: std::fmt::Display>(
        &mut self,
        document: &Document,
        read: Result<T, E>,
    ) -> Option<T> {
        let complain = |error| {
            self.complaints
                .push(format!("{}: {error}", document.head.filename))
        };
        read.map_err(complain).ok()
    }
}
