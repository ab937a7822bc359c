//! A document as text that remembers where its bytes were, and the reader for it.
//!
//! Elsewhere: decoding (`xml`), names (`scope`), trees (`element`).

use std::borrow::Cow;

use quick_xml::{Reader, events::Event};

use super::{
    decoded,
    flaw::{Flaw, Flaws, FormError, Wrong},
    scope::Scope,
};
use crate::text;

/// Bytes in which a root element is looked for. What stands before it is a declaration.
const BEGINNING: usize = 4096;

/// The text of a document beside its bytes.
pub(crate) struct Document<'a> {
    bytes: &'a [u8],
    /// Its text: positions in it are not bytes of the document, see [`Document::offset`].
    pub(crate) text: Cow<'a, str>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let text = decoded(bytes);
        Self { bytes, text }
    }

    /// The byte of the document at this position of its text.
    pub(crate) fn offset(&self, position: usize) -> u64 {
        let offset = match &self.text {
            Cow::Borrowed(text) => self.bytes.len() - text.len() + position,
            // Each character was one byte; only blanks before the first were dropped.
            Cow::Owned(text) => {
                let before = text
                    .char_indices()
                    .take_while(|(at, _)| *at < position)
                    .count();
                self.bytes.len() - text.chars().count() + before
            }
        };
        offset as u64
    }

    /// That the document makes no sense without `missing`.
    pub(crate) fn malformed(&self, flaws: &Flaws, missing: &'static str) -> FormError {
        let broken = |flaw: &&Flaw| matches!(flaw.what, Wrong::Markup | Wrong::Cut);
        let end = self.text.len();
        let position = flaws.first.iter().find(broken);
        let position = position.map_or(end, |flaw| flaw.offset as usize);
        FormError::Malformed {
            offset: self.offset(position),
            missing,
        }
    }

    /// That the document is something else.
    pub(crate) fn not_this_form(&self) -> FormError {
        FormError::NotThisForm {
            begins: text::excerpt(&self.text),
        }
    }
}

/// A reader that goes on where it can: tags need not match, `&` may stand alone. Empty
/// elements are told as a start and an end.
pub(crate) fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    config.expand_empty_elements = true;
    reader
}

/// Reads as far as the root element, and whether it is `root` of one of `namespaces` or of
/// none. The reader and the scope are then inside of it.
pub(crate) fn enter_root(reader: &mut Reader<&[u8]>, scope: &mut Scope, root: &str) -> bool {
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                let known = scope.enter(&tag);
                return known && tag.local_name().as_ref() == root;
            }
            Ok(Event::Text(text)) if text.trim().is_empty() => {}
            Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => {}
            _ => return false,
        }
    }
}

/// Whether a document that begins like this has this root.
pub(crate) fn has_root(beginning: &[u8], root: &str, namespaces: &'static [&'static str]) -> bool {
    let document = Document::new(&beginning[..beginning.len().min(BEGINNING)]);
    enter_root(
        &mut reader(&document.text),
        &mut Scope::new(namespaces),
        root,
    )
}
