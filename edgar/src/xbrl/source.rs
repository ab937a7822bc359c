//! A document as text, with the way back from places in the text to its bytes.
//!
//! Elsewhere: how bytes become text ([`crate::xml`]).

use std::borrow::Cow;

use super::XbrlError;
use crate::{text::excerpt, xml};

/// The text of a document.
pub(super) struct Source<'a> {
    pub(super) text: Cow<'a, str>,
    /// Bytes before the text: byte order mark and blanks.
    skipped: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(document: &'a [u8]) -> Self {
        let text = xml::decoded(document);
        let kept = match &text {
            Cow::Borrowed(text) => text.len(),
            // Windows-1252: one byte was one character.
            Cow::Owned(text) => text.chars().count(),
        };
        Self {
            skipped: document.len() - kept,
            text,
        }
    }

    /// The byte at a place of the text.
    pub(super) fn byte(&self, at: usize) -> usize {
        self.skipped
            + match &self.text {
                Cow::Borrowed(_) => at,
                Cow::Owned(text) => text.get(..at).map_or(at, |before| before.chars().count()),
            }
    }

    /// The error with its place in the bytes.
    pub(super) fn located(&self, error: XbrlError, document: usize) -> XbrlError {
        match error {
            XbrlError::Malformed { offset, what, .. } => XbrlError::Malformed {
                document,
                offset: self.byte(offset),
                what,
            },
            other => other,
        }
    }

    /// This is not what it should be.
    pub(super) fn not_xbrl(&self, expected: &'static str) -> XbrlError {
        XbrlError::NotXbrl {
            expected,
            begins: excerpt(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_bytes() {
        assert_eq!(Source::new(b"\xef\xbb\xbf\n <a/>").byte(1), 6);
        assert_eq!(Source::new(b"\n\xe9\xe9<a/>").byte(4), 3);
    }
}
