//! What is wrong with a form, and where; and why there is none at all.
//!
//! Invariant: flaws are told beside what could be read, never instead of it, and only the
//! first few are kept.

use std::fmt;

use serde::{Serialize, Serializer};

use super::document::Document;

/// Flaws kept; the others are counted.
const KEPT: usize = 10;

/// Why a document is not the form it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Something else: another form, or not XML. Try another reader.
    #[error("not this form, it begins `{begins}`")]
    NotThisForm {
        /// How it begins, cut and printable.
        begins: String,
    },
    /// The form, without something that it makes no sense without: fetch it again.
    #[error("without its {missing}, readable as far as byte {offset}")]
    Malformed {
        /// Where its markup breaks off, or its length when it does not.
        offset: u64,
        /// The element that is missing.
        missing: &'static str,
    },
}

/// One flaw of a form. The rest of the form is read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// Byte of the document where the flawed element or row begins, or the flaw is noticed.
    pub offset: u64,
    /// The flaw.
    pub what: Wrong,
}

/// What can be wrong with a form. Names are those of XML elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// The value of an element is not of its kind; it is taken as absent.
    Unreadable(&'static str),
    /// A row without this is dropped.
    Missing(&'static str),
    /// Markup that is not XML, or tags that do not match.
    Markup,
    /// The document ends before its closing tag.
    Cut,
    /// Elements are nested deeper than we follow; the rest is dropped.
    TooDeep,
    /// There are more of these than we read; the rest is dropped.
    TooMany(&'static str),
}

/// The flaws of a form: how many, and the first few.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Flaws {
    /// How many there are.
    pub count: u64,
    /// The first ten.
    pub first: Vec<Flaw>,
}

impl Flaws {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes note of a flaw at this position of the text.
    pub(crate) fn add(&mut self, position: usize, what: Wrong) {
        self.count += 1;
        if self.first.len() < KEPT {
            let offset = position as u64;
            self.first.push(Flaw { offset, what });
        }
    }

    /// The same with positions in the text turned into bytes of the document.
    ///
    /// Done once, at the end: it may take a pass over the text for each flaw.
    pub(crate) fn located(mut self, document: &Document<'_>) -> Self {
        for flaw in &mut self.first {
            flaw.offset = document.offset(flaw.offset as usize);
        }
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(element) => write!(f, "{element} cannot be read"),
            Self::Missing(element) => write!(f, "row without {element}"),
            Self::Markup => f.write_str("broken markup"),
            Self::Cut => f.write_str("the document ends before its closing tag"),
            Self::TooDeep => f.write_str("elements nested too deep"),
            Self::TooMany(element) => write!(f, "too many {element}"),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

impl Serialize for Wrong {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
