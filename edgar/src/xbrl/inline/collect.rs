//! The way through a document: where its facts are and what they refer to.
//!
//! Elsewhere: what their values are (`tell`).
//!
//! Invariant: a record is made for each fact and continuation, in the order of their
//! opening tags; its content is a range of the text.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use super::super::{
    Flaw, Summary, XbrlError,
    contexts::{Added, Contexts, reference},
    element::{Cursor, Step},
    instance::is_nil,
    namespaces::{Scope, Space},
    scan::{Tag, split_name},
    transform::Format,
};

/// Most facts and continuations of a set of inline documents.
pub const MAX_INLINE_FACTS: usize = 1 << 19;
/// Deepest nesting of facts and continuations within each other; notes, policies and
/// tables make up to ten.
pub const MAX_NESTED_FACTS: usize = 64;

/// Everything found in a set of documents.
#[derive(Debug, Default)]
pub(super) struct Collection<'a> {
    pub(super) facts: Vec<Record<'a>>,
    pub(super) continuations: Vec<Continuation<'a>>,
    /// Continuations by name.
    pub(super) names: HashMap<Cow<'a, str>, usize>,
    pub(super) contexts: Contexts<'a>,
    pub(super) summary: Summary,
}

/// A fact.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// The concept with its usual prefix.
    pub(super) taxonomy: &'a str,
    pub(super) concept: &'a str,
    pub(super) attributes: Tag<'a>,
    pub(super) format: Displayed,
    pub(super) nil: bool,
    pub(super) content: Content<'a>,
    /// For the terms of a fraction, the formats they are displayed in.
    pub(super) terms: Vec<(Tag<'a>, Displayed, Content<'a>)>,
}

/// What a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    NonFraction,
    NonNumeric,
    Fraction,
}

/// How a value is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Displayed {
    /// As it is.
    Plain,
    /// In a format.
    In(Format),
    /// In a format nobody knows.
    Unknown,
}

/// A part of a document.
#[derive(Debug, Clone)]
pub(super) struct Content<'a> {
    pub(super) document: usize,
    pub(super) range: Range<usize>,
    /// The prefix of the inline namespace there.
    pub(super) prefix: &'a str,
}

/// Where a value goes on.
#[derive(Debug)]
pub(super) struct Continuation<'a> {
    pub(super) content: Content<'a>,
    pub(super) next: Option<&'a str>,
    /// It belongs to a fact already.
    pub(super) taken: bool,
}

/// An element that is open and will be recorded with its content.
struct Open {
    depth: usize,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Fact(usize),
    Continuation(usize),
    Term(usize, usize),
}

impl<'a> Collection<'a> {
    /// Goes through a document; whether it is a page of HTML at all.
    pub(super) fn add(&mut self, document: usize, text: &'a str) -> Result<bool, XbrlError> {
        let mut walk = Walk {
            found: self,
            cursor: Cursor::html(text),
            document,
            open: Vec::new(),
            page: false,
        };
        walk.run()?;
        Ok(walk.page)
    }
}

struct Walk<'w, 'a> {
    found: &'w mut Collection<'a>,
    cursor: Cursor<'a>,
    document: usize,
    open: Vec<Open>,
    /// The root was that of a page.
    page: bool,
}

impl<'a> Walk<'_, 'a> {
    fn run(&mut self) -> Result<(), XbrlError> {
        loop {
            let before = self.cursor.scanner.position();
            let Some(step) = self.cursor.step()? else {
                return Ok(());
            };
            if let Some(at) = self.cursor.take_unclosed() {
                self.note(Flaw::Unclosed, at);
            }
            match step {
                Step::Child(tag) if self.page => self.child(&tag)?,
                Step::Child(tag) => {
                    self.page = split_name(tag.name).1.eq_ignore_ascii_case("html");
                    if !self.page {
                        return Ok(());
                    }
                }
                Step::End => self.end(before),
                Step::Text(_) | Step::CData(_) => {}
            }
        }
    }

    fn child(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        let (prefix, local) = split_name(tag.name);
        // Nearly every element is one of HTML, without a prefix.
        let Some(binding) = self.cursor.scope.get(prefix) else {
            return Ok(());
        };
        match (binding.space, local) {
            (Space::Inline, "nonFraction") => self.fact(tag, Kind::NonFraction),
            (Space::Inline, "nonNumeric") => self.fact(tag, Kind::NonNumeric),
            (Space::Inline, "fraction") => self.fact(tag, Kind::Fraction),
            (Space::Inline, "numerator" | "denominator") => self.term(tag),
            (Space::Inline, "continuation") => self.continuation(tag),
            (Space::Instance, "context" | "unit") => {
                let added = self.found.contexts.read(&mut self.cursor, tag)?;
                if added == Added::Repeated {
                    self.note(Flaw::RepeatedName, tag.at);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fact(&mut self, tag: &Tag<'a>, kind: Kind) -> Result<(), XbrlError> {
        let mut named = None;
        let mut nil = false;
        let mut other_target = false;
        let scope = &self.cursor.scope;
        for (name, value) in tag.attributes() {
            match name {
                "name" => named = Some(value.trim_ascii()),
                "target" => other_target = true,
                _ => nil |= is_nil(name, value, scope),
            }
        }
        let format = displayed(tag, scope);
        let Some(name) = named.filter(|name| !name.is_empty()) else {
            self.note(Flaw::Nameless, tag.at);
            return Ok(());
        };
        if other_target {
            self.note(Flaw::OtherTarget, tag.at);
            return Ok(());
        }
        if scope.get(split_name(name).0).is_none() {
            let flaws = &mut self.found.summary.flaws;
            flaws.note(Flaw::UnboundPrefix, self.document, tag.at);
        }
        let (taxonomy, concept) = scope.usual(name);
        let content = self.content(tag);
        let fact = self.found.facts.len();
        self.found.facts.push(Record {
            kind,
            taxonomy,
            concept,
            attributes: *tag,
            format,
            nil,
            content,
            terms: Vec::new(),
        });
        self.opened(tag, What::Fact(fact))
    }

    /// A term of the innermost fraction.
    fn term(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        let facts = &self.found.facts;
        let fraction = self.open.iter().rev().find_map(|open| match open.what {
            What::Fact(fact) if facts[fact].kind == Kind::Fraction => Some(fact),
            _ => None,
        });
        let Some(fraction) = fraction.filter(|fact| facts[*fact].terms.len() < 2) else {
            return Ok(());
        };
        let format = displayed(tag, &self.cursor.scope);
        let content = self.content(tag);
        let terms = &mut self.found.facts[fraction].terms;
        terms.push((*tag, format, content));
        let term = terms.len() - 1;
        self.opened(tag, What::Term(fraction, term))
    }

    fn continuation(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        let (mut id, mut next) = (None, None);
        for (name, value) in tag.attributes() {
            match name {
                "id" => id = Some(value),
                "continuedAt" => next = Some(value),
                _ => {}
            }
        }
        let Some(id) = id else {
            return Ok(()); // No fact can go on here.
        };
        let index = self.found.continuations.len();
        let content = self.content(tag);
        self.found.continuations.push(Continuation {
            content,
            next,
            taken: false,
        });
        if *self.found.names.entry(reference(id)).or_insert(index) != index {
            self.note(Flaw::RepeatedName, tag.at);
        }
        self.opened(tag, What::Continuation(index))
    }

    /// The content of an element that begins here; its end is known when it is reached.
    fn content(&self, tag: &Tag<'a>) -> Content<'a> {
        let start = self.cursor.scanner.position();
        Content {
            document: self.document,
            range: start..start,
            prefix: split_name(tag.name).0,
        }
    }

    fn opened(&mut self, tag: &Tag<'a>, what: What) -> Result<(), XbrlError> {
        if self.found.facts.len() + self.found.continuations.len() > MAX_INLINE_FACTS {
            return Err(XbrlError::TooMuch {
                what: "inline facts",
                limit: MAX_INLINE_FACTS,
            });
        }
        if tag.empty {
            return Ok(());
        }
        if self.open.len() == MAX_NESTED_FACTS {
            return Err(XbrlError::TooMuch {
                what: "facts within each other",
                limit: MAX_NESTED_FACTS,
            });
        }
        let depth = self.cursor.depth();
        self.open.push(Open { depth, what });
        Ok(())
    }

    /// Elements have ended before the closing tag at `at`: in loose HTML several at once.
    fn end(&mut self, at: usize) {
        let depth = self.cursor.depth();
        while let Some(open) = self.open.pop_if(|open| open.depth > depth) {
            let content = match open.what {
                What::Fact(fact) => &mut self.found.facts[fact].content,
                What::Continuation(index) => &mut self.found.continuations[index].content,
                What::Term(fact, term) => &mut self.found.facts[fact].terms[term].2,
            };
            content.range.end = at;
        }
    }

    fn note(&mut self, flaw: Flaw, at: usize) {
        self.found.summary.flaws.note(flaw, self.document, at);
    }
}

/// The format that the tag names.
fn displayed(tag: &Tag<'_>, scope: &Scope<'_>) -> Displayed {
    let Some((_, name)) = tag.attributes().find(|(name, _)| *name == "format") else {
        return Displayed::Plain;
    };
    let (prefix, local) = split_name(name.trim_ascii());
    let format = match scope.get(prefix).map(|binding| binding.space) {
        Some(Space::Transforms(registry)) => Format::of(registry, local),
        _ => None,
    };
    format.map_or(Displayed::Unknown, Displayed::In)
}
