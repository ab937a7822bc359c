//! What is wrong with facts that are told nevertheless, and why others are not.
//!
//! Elsewhere: the readers that find it (`instance`, `inline`). Invariant: nothing is left
//! out without an error or a counted flaw.

use std::fmt;

use super::scan::Broken;

/// Why the facts of a document were not read, or not all of them.
///
/// Facts told before the error stay told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XbrlError {
    /// Something else than an instance, or than a page of XHTML.
    #[error("not {expected}, it begins `{begins}`")]
    NotXbrl {
        /// What was expected.
        expected: &'static str,
        /// How it begins, cut and printable.
        begins: String,
    },
    /// Not well-formed XML: cut short or broken.
    #[error("{what} at byte {offset} of document {document}")]
    Malformed {
        /// Which document of the set, from 0.
        document: usize,
        /// Where, in the bytes as given.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// More of something than any real filing has.
    #[error("more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
}

impl From<Broken> for XbrlError {
    fn from(broken: Broken) -> Self {
        Self::Malformed {
            document: 0,
            offset: broken.at,
            what: broken.what,
        }
    }
}

/// What is wrong with a fact or with what facts refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flaw {
    /// The fact's context is nowhere: it is told without period and dimensions.
    UnknownContext,
    /// The fact's unit is nowhere: it is told without.
    UnknownUnit,
    /// Two contexts or units of one name: the first counts.
    RepeatedName,
    /// A concept without namespace: it is told with the prefix as written.
    UnboundPrefix,
    /// No such format: the value is the text as displayed.
    UnknownFormat,
    /// The text does not fit its format: the value is the text as displayed.
    UnfitText,
    /// Not a number, or a scale that is none: the value is the text as displayed.
    NotANumber,
    /// The value goes on in an element that is nowhere: it ends there.
    MissingContinuation,
    /// The value goes on in an element that belongs to another fact or to itself: it ends there.
    RepeatedContinuation,
    /// The fact is meant for another report than the default one: it is not told.
    OtherTarget,
    /// A fact without concept or context: it is not told.
    Nameless,
    /// An element is not closed where it should be: it ends with the one around it.
    Unclosed,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::UnknownContext,
        Self::UnknownUnit,
        Self::RepeatedName,
        Self::UnboundPrefix,
        Self::UnknownFormat,
        Self::UnfitText,
        Self::NotANumber,
        Self::MissingContinuation,
        Self::RepeatedContinuation,
        Self::OtherTarget,
        Self::Nameless,
        Self::Unclosed,
    ];
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UnknownContext => "fact with an unknown context",
            Self::UnknownUnit => "fact with an unknown unit",
            Self::RepeatedName => "context or unit with a name that is taken",
            Self::UnboundPrefix => "concept with an unbound prefix",
            Self::UnknownFormat => "fact with an unknown format",
            Self::UnfitText => "text that does not fit its format",
            Self::NotANumber => "numeric fact that is not a number",
            Self::MissingContinuation => "continuation that is missing",
            Self::RepeatedContinuation => "continuation that is used twice",
            Self::OtherTarget => "fact for another target",
            Self::Nameless => "fact without concept or context",
            Self::Unclosed => "element that is not closed",
        })
    }
}

/// How often each flaw was met, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flaws([Option<Met>; Flaw::ALL.len()]);

/// A flaw that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// How often.
    pub times: u64,
    /// Which document of the set it was in first, from 0.
    pub document: usize,
    /// Where it was first: the byte of the tag, in the bytes as given.
    pub offset: usize,
}

impl Flaws {
    /// Those that were met.
    pub fn iter(&self) -> impl Iterator<Item = (Flaw, Met)> {
        let all = Flaw::ALL.into_iter().zip(self.0);
        all.filter_map(|(flaw, met)| Some((flaw, met?)))
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// How often this one was met.
    pub fn times(&self, flaw: Flaw) -> u64 {
        self.0[flaw as usize].map_or(0, |met| met.times)
    }

    pub(super) fn note(&mut self, flaw: Flaw, document: usize, offset: usize) {
        let first = Met {
            times: 0,
            document,
            offset,
        };
        self.0[flaw as usize].get_or_insert(first).times += 1;
    }

    /// Places within the text become places within the bytes it was made of.
    pub(super) fn relocate(&mut self, place: impl Fn(usize, usize) -> usize) {
        for met in self.0.iter_mut().flatten() {
            met.offset = place(met.document, met.offset);
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Facts told.
    pub facts: u64,
    /// What is wrong with some.
    pub flaws: Flaws,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_counted_and_the_first_place_kept() {
        let mut flaws = Flaws::default();
        flaws.note(Flaw::NotANumber, 1, 7);
        flaws.note(Flaw::NotANumber, 0, 9);

        let met = Met {
            times: 2,
            document: 1,
            offset: 7,
        };
        assert_eq!(flaws.iter().collect::<Vec<_>>(), [(Flaw::NotANumber, met)]);
    }

    #[test]
    fn every_flaw_has_its_own_place() {
        for (at, flaw) in Flaw::ALL.into_iter().enumerate() {
            assert_eq!(flaw as usize, at);
        }
    }
}
