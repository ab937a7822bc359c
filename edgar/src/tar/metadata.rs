//! `metadata.json`, the first member of a tar object.
//!
//! Elsewhere: the header's keys and shapes (`sgml::standard`).
//! Invariant: written as Python's `json.dumps` writes what it reads here, because datamule's
//! client tells the place of the first document by the length of that.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::Member;
use crate::sgml::{Header, Node};

/// A document, with datamule's names.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    #[serde(rename = "type")]
    document_type: &'a str,
    /// Never absent: datamule's client asks for it.
    sequence: String,
    filename: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    secsgml_size_bytes: u64,
    secsgml_start_byte: String,
    secsgml_end_byte: String,
}

impl<'a> Row<'a> {
    /// A document whose place is not known.
    pub(super) fn of(member: &'a Member) -> Self {
        let head = &member.head;
        Self {
            document_type: &head.document_type,
            sequence: (head.sequence.clone()).unwrap_or_else(|| head.ordinal.to_string()),
            filename: &head.filename,
            description: head.description.as_deref(),
            secsgml_size_bytes: member.stored_bytes,
            secsgml_start_byte: digits(0),
            secsgml_end_byte: digits(0),
        }
    }

    /// Its place becomes known.
    pub(super) fn place(&mut self, start: u64, end: u64) {
        self.secsgml_start_byte = digits(start);
        self.secsgml_end_byte = digits(end);
    }
}

fn digits(offset: u64) -> String {
    format!("{offset:010}")
}

/// The bytes of `metadata.json`.
pub(super) fn json(header: &Header, documents: &[Row<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Metadata<'a> {
        #[serde(flatten)]
        header: &'a Node,
        documents: &'a [Row<'a>],
    }
    let mut header = header.tree.clone();
    // A header has no such key; one that has must not hide the documents.
    header.children.retain(|node| node.key != "documents");
    let header = &header;
    let mut bytes = Vec::new();
    Metadata { header, documents }
        .serialize(&mut Serializer::with_formatter(&mut bytes, PythonStyle))
        .expect("texts, numbers and flags can be written to memory");
    bytes
}

/// JSON as Python writes it: blanks after commas and colons, ASCII alone.
struct PythonStyle;

impl Formatter for PythonStyle {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for character in text.chars() {
            if (' '..='~').contains(&character) {
                out.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => out.write_all(b"\\\""),
            CharEscape::ReverseSolidus => out.write_all(b"\\\\"),
            CharEscape::Solidus => out.write_all(b"/"),
            CharEscape::Backspace => out.write_all(b"\\b"),
            CharEscape::FormFeed => out.write_all(b"\\f"),
            CharEscape::LineFeed => out.write_all(b"\\n"),
            CharEscape::CarriageReturn => out.write_all(b"\\r"),
            CharEscape::Tab => out.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(out, "\\u{byte:04x}"),
        }
    }
}

fn separate<W: ?Sized + io::Write>(out: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { out.write_all(b", ") }
}
