//! Keeping what is read of a submission in memory, its text where it stands.
//!
//! A document's text is told in many pieces that follow one another in the submission. Here they
//! become one slice of it again. Elsewhere: what the pieces are (`body`).
//!
//! Invariant: a document's bytes are the pieces told, whatever the slice they are found in: a
//! piece is either at the very place that follows the one before, or equal to what is there.

use std::borrow::Cow;

use super::{Content, Damage, DocumentHead, Header, Outcome, Sink, Submission};

/// All that is told of a submission.
#[derive(Debug, Default)]
pub(super) struct Collected<'a> {
    /// The submission, or nothing, so that all pieces are copied.
    whole: &'a [u8],
    pub(super) header: Header,
    documents: Vec<Content<'a>>,
    pub(super) damage: Vec<Damage>,
}

impl<'a> Collected<'a> {
    /// Nothing yet of this submission.
    pub(super) fn of(whole: &'a [u8]) -> Self {
        Self {
            whole,
            ..Self::default()
        }
    }

    /// All of it.
    pub(super) fn submission(self, outcome: Outcome) -> Submission<'a> {
        Submission {
            header: self.header,
            documents: self.documents,
            damage: self.damage,
            outcome,
        }
    }
}

impl Sink for Collected<'_> {
    fn header(&mut self, header: Header) {
        self.header = header;
    }

    fn document(&mut self, head: &DocumentHead) {
        self.documents.push(Content {
            head: head.clone(),
            bytes: Cow::Borrowed(&[]),
        });
    }

    fn body(&mut self, piece: &[u8]) {
        let Some(document) = self.documents.last_mut() else {
            return;
        };
        match &mut document.bytes {
            Cow::Owned(bytes) => bytes.extend_from_slice(piece),
            Cow::Borrowed(before) => match joined(self.whole, before, piece) {
                Some(both) => *before = both,
                None => document.bytes.to_mut().extend_from_slice(piece),
            },
        }
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

/// `before`, a slice of `whole` or empty, and `piece` as one slice of `whole`.
fn joined<'a>(whole: &'a [u8], before: &[u8], piece: &[u8]) -> Option<&'a [u8]> {
    let first = if before.is_empty() { piece } else { before };
    let start = first.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let both = whole.get(start..)?.get(..before.len() + piece.len())?;
    let found = &both[before.len()..];
    // What is held back while a tag is looked for comes as a copy.
    (std::ptr::eq(found, piece) || found == piece).then_some(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_follow_one_another_are_one_slice() {
        let whole = b"one two three";

        let two = joined(whole, &[], &whole[4..7]).expect("it is a part");
        let both = joined(whole, two, b" three");

        assert!(std::ptr::eq(both.expect("equal bytes follow"), &whole[4..]));
    }

    #[test]
    fn what_is_no_part_of_the_whole_is_not_found_in_it() {
        let whole = b"one two three";

        for (before, piece) in [
            (&[][..], &b"one"[..]),
            (&whole[..3], b"two"),
            (&whole[..3], b" two three four"),
            (&whole[4..], b"!"),
        ] {
            assert_eq!(joined(whole, before, piece), None);
        }
    }
}
