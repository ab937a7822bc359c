//! XML as EDGAR carries it: its bytes as text, its text without markup.
//!
//! The reader is quick-xml's; here is what all of our formats want of it beside. Elsewhere:
//! what the elements mean (`xbrl`, `form13f`, `ownership`), the text of submissions (`sgml`).
//!
//! Invariant: entities are never expanded beyond one character or, in HTML, two; a document
//! type declares nothing.

pub(crate) mod document;
pub(crate) mod element;
pub(crate) mod flaw;
#[cfg(test)]
pub(crate) mod recorded;
pub(crate) mod scope;
pub(crate) mod values;

use std::borrow::Cow;

use quick_xml::{
    escape::resolve_html5_entity,
    events::{BytesRef, Event},
};

use crate::text;

/// The text of an XML document: UTF-8 where valid, else Windows-1252; without byte order mark
/// and blanks before its declaration.
///
/// What the declaration says is not asked: filers declare ASCII and write either.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(text::latin1(bytes)),
    }
}

/// Appends the text that an event stands for: text, CDATA, a reference; nothing for others.
pub(crate) fn append_text(text: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content()),
        Event::CData(piece) => text.push_str(&piece.xml10_content()),
        Event::GeneralRef(reference) => append_reference(text, reference),
        _ => {}
    }
}

/// What `&name;` or `&#n;` stands for; as written when it stands for nothing.
fn append_reference(text: &mut String, reference: &BytesRef<'_>) {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return text.push(character);
    }
    let name = reference.xml10_content();
    match resolve_html5_entity(&name) {
        Some(known) => text.push_str(known),
        None => text.extend(["&", &name, ";"]),
    }
}

/// The value of an attribute, its references resolved; as written when one is malformed.
pub(crate) fn attribute_value(written: &str) -> Cow<'_, str> {
    let resolve = |name: &str| resolve_html5_entity(name);
    quick_xml::escape::unescape_with(written, resolve).unwrap_or(Cow::Borrowed(written))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use quick_xml::Reader;

    use super::*;

    fn text_of(document: &str) -> String {
        let (mut text, mut reader) = (String::new(), Reader::from_str(document));
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return text,
                event => append_text(&mut text, &event),
            }
        }
    }

    #[test]
    fn references_are_resolved_and_unknown_ones_stay() {
        assert_eq!(
            text_of("<a>A&amp;B &#38; &#x2014; &nbsp;&nonsense;<![CDATA[<&amp;>]]></a>"),
            "A&B & — \u{a0}&nonsense;<&amp;>"
        );
    }

    #[test]
    fn a_document_may_begin_with_blanks_and_be_windows_1252() {
        assert_eq!(decoded(b"\xef\xbb\xbf\n<?xml?>"), "<?xml?>");
        assert_eq!(decoded(b"\n\n<a>Nestl\xe9</a>"), "<a>Nestlé</a>");
    }

    #[test]
    fn a_malformed_reference_leaves_an_attribute_as_written() {
        assert_eq!(attribute_value("A &amp; B"), "A & B");
        assert_eq!(attribute_value("A & B;"), "A & B;");
    }
}
