//! The document at hand, and what the reader tells of it.
//!
//! A document is told once its first lines are known, because they say whether it is
//! wrapped or uuencoded. Elsewhere: the frame around it (`reader`).
//!
//! Invariant: a document is told before its content and ended after it, each once.

use super::{
    Sink,
    body::{Body, Decoded, Kind},
    damage::{Damage, Fault},
    documents::{self, DocumentEnd, DocumentHead, HeadLine, HeadLines},
    names::Names,
    text,
};

/// Most faults told.
const MAX_DAMAGE: u32 = 1_000;

/// The sink, and what must be known across documents.
#[derive(Debug)]
pub(super) struct Out<S> {
    pub(super) sink: S,
    /// How many faults were found.
    pub(super) damage: u32,
    /// The last fault: a document and its submission are cut at the same byte.
    last: Option<Damage>,
    names: Names,
}

impl<S: Sink> Out<S> {
    pub(super) fn new(sink: S) -> Self {
        Self {
            sink,
            damage: 0,
            last: None,
            names: Names::default(),
        }
    }

    pub(super) fn damage(&mut self, offset: u64, what: Fault) {
        let damage = Damage { offset, what };
        if self.last.replace(damage) == Some(damage) {
            return;
        }
        self.damage = self.damage.saturating_add(1);
        if self.damage <= MAX_DAMAGE {
            self.sink.damage(damage);
        }
    }
}

/// The document at hand.
#[derive(Debug, Default)]
pub(super) struct OpenDocument {
    ordinal: u32,
    head: HeadLines,
    body: Body,
    size_bytes: u64,
    whole: bool,
}

impl OpenDocument {
    /// The document of this place, counted from 1.
    pub(super) fn new(ordinal: u32) -> Self {
        Self {
            ordinal,
            ..Self::default()
        }
    }

    pub(super) fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Whether it has ended, and as it should.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Takes a line before `<TEXT>`.
    pub(super) fn take_head<'a>(&mut self, line: &'a [u8]) -> HeadLine<'a> {
        self.head.take(line)
    }

    /// Takes content as it is in the submission.
    pub(super) fn push<S: Sink>(&mut self, bytes: &[u8], out: &mut Out<S>) {
        let mut told = Told {
            ordinal: self.ordinal,
            head: &self.head,
            size_bytes: &mut self.size_bytes,
            out,
        };
        self.body.push(bytes, &mut told);
    }

    /// Ends the document at `offset`; `fault` says what was wrong with its tags.
    pub(super) fn finish<S: Sink>(&mut self, offset: u64, fault: Option<Fault>, out: &mut Out<S>) {
        let mut told = Told {
            ordinal: self.ordinal,
            head: &self.head,
            size_bytes: &mut self.size_bytes,
            out,
        };
        let inner = std::mem::take(&mut self.body).finish(&mut told);
        for fault in [inner, fault].into_iter().flatten() {
            out.damage(offset, fault);
        }
        self.whole = fault.is_none();
        out.sink.end_document(&DocumentEnd {
            ordinal: self.ordinal,
            size_bytes: self.size_bytes,
        });
    }
}

/// Passes decoded content on to the sink.
struct Told<'a, S> {
    ordinal: u32,
    head: &'a HeadLines,
    size_bytes: &'a mut u64,
    out: &'a mut Out<S>,
}

impl<S: Sink> Decoded for Told<'_, S> {
    fn open(&mut self, kind: Kind) {
        let head = self.head(kind);
        self.out.sink.document(&head);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            *self.size_bytes += bytes.len() as u64;
            self.out.sink.body(bytes);
        }
    }
}

impl<S> Told<'_, S> {
    fn head(&mut self, kind: Kind) -> DocumentHead {
        let value = documents::value;
        let written = value(self.head.filename.as_ref());
        let sequence = value(self.head.sequence.as_ref());
        let begin_name = kind.begin_name.as_deref().map(text::trimmed);
        // The name in `begin` often lacks its extension, so it comes second.
        let wanted = written.clone().or(begin_name.clone());
        let wanted = wanted.unwrap_or_else(|| invented(sequence.as_deref(), self.ordinal));
        DocumentHead {
            ordinal: self.ordinal,
            sequence,
            document_type: value(self.head.document_type.as_ref()).unwrap_or_default(),
            filename: self.out.names.give(&wanted),
            filename_as_written: written,
            description: value(self.head.description.as_ref()),
            flawed: self.head.flawed,
            wrapper: kind.wrapper,
            uuencoded: begin_name.is_some(),
        }
    }
}

/// The name of a document that has none: its sequence, else its place.
fn invented(sequence: Option<&str>, ordinal: u32) -> String {
    let digits = |text: &&str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    match sequence.filter(digits) {
        Some(sequence) => format!("{sequence}.txt"),
        None => format!("{ordinal}.txt"),
    }
}
