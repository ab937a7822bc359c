//! Walking an element: its children, its text, its end.
//!
//! Shared by everything that reads XML here. Elsewhere: the tokens (`scan`).
//!
//! Invariant: nothing is nested deeper than [`MAX_DEPTH`]. In XML an element ends with its
//! own closing tag; in HTML perhaps with that of one around it, and then that is told.

use std::borrow::Cow;

use super::{
    XbrlError,
    namespaces::Scope,
    scan::{Broken, Scanner, Tag, Token, append_unescaped, unescaped},
};

/// Deepest nesting of elements; real documents have up to a hundred.
pub(super) const MAX_DEPTH: usize = 512;

/// A place in a document and the prefixes in force there.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) scanner: Scanner<'a>,
    pub(super) scope: Scope<'a>,
    /// Names of the open elements.
    open: Vec<&'a str>,
    /// The innermost of them closed itself: it ends with the next step, so that the
    /// prefixes it declares are in force until then.
    empty: bool,
    /// Elements may be closed as loosely as in HTML.
    html: bool,
    /// Where an element was last found unclosed.
    unclosed: Option<usize>,
}

/// What comes next within an element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// A child begins; an empty one ends with the next step.
    Child(Tag<'a>),
    /// Text, references unresolved.
    Text(&'a str),
    /// Text as it is.
    CData(&'a str),
    /// An element that was entered ends.
    End,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text),
            scope: Scope::default(),
            open: Vec::new(),
            empty: false,
            html: false,
            unclosed: None,
        }
    }

    /// A cursor for HTML: `<br>` is empty, and an element may end with the one around it.
    pub(super) fn html(text: &'a str) -> Self {
        Self {
            html: true,
            ..Self::new(text)
        }
    }

    /// Where an element was found unclosed since this was asked last.
    pub(super) fn take_unclosed(&mut self) -> Option<usize> {
        self.unclosed.take()
    }

    /// How many elements are open, with the empty one of the last step.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next step; `None` at the end of the document, when every element is closed.
    pub(super) fn step(&mut self) -> Result<Option<Step<'a>>, XbrlError> {
        if self.empty {
            self.empty = false;
            self.leave();
        }
        Ok(Some(match self.scanner.next()? {
            Some(Token::Open(mut tag)) => {
                tag.empty |= self.html && is_void(tag.name);
                self.enter(&tag)?;
                Step::Child(tag)
            }
            Some(Token::Close(name)) => self.close(name)?,
            Some(Token::Text(text)) => Step::Text(text),
            Some(Token::CData(text)) => Step::CData(text),
            None if self.open.is_empty() => return Ok(None),
            None => return Err(self.broken("the document ends within an element")),
        }))
    }

    /// The step after this one, of which there must be one: an element is open.
    pub(super) fn step_within(&mut self) -> Result<Step<'a>, XbrlError> {
        let step = self.step()?;
        step.ok_or_else(|| self.broken("the document ends within an element"))
    }

    /// Passes over the rest of the element that the tag opened.
    pub(super) fn skip(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        if tag.empty {
            return Ok(());
        }
        let outside = self.depth() - 1;
        while self.depth() > outside {
            self.step_within()?;
        }
        Ok(())
    }

    /// The text of the element that the tag opened, of elements within it as well.
    pub(super) fn text(&mut self, tag: &Tag<'a>) -> Result<Cow<'a, str>, XbrlError> {
        if tag.empty {
            return Ok(Cow::Borrowed(""));
        }
        if let Some(content) = self.plain_content(tag) {
            return Ok(unescaped(content));
        }
        let mut text = String::new();
        let outside = self.depth() - 1;
        while self.depth() > outside {
            match self.step_within()? {
                Step::Text(piece) => append_unescaped(piece, &mut text),
                Step::CData(piece) => text.push_str(piece),
                Step::Child(_) | Step::End => {}
            }
        }
        Ok(Cow::Owned(text))
    }

    /// The content of the element that the tag opened, if it is nothing but text.
    pub(super) fn plain_content(&mut self, tag: &Tag<'a>) -> Option<&'a str> {
        let content = self.scanner.plain_content(tag.name)?;
        self.leave();
        Some(content)
    }

    fn broken(&self, what: &'static str) -> XbrlError {
        let at = self.scanner.position();
        Broken { at, what }.into()
    }

    fn enter(&mut self, tag: &Tag<'a>) -> Result<(), XbrlError> {
        if self.open.len() == MAX_DEPTH {
            return Err(XbrlError::TooMuch {
                what: "elements within each other",
                limit: MAX_DEPTH,
            });
        }
        self.scope.enter(tag)?;
        self.open.push(tag.name);
        self.empty = tag.empty;
        Ok(())
    }

    fn leave(&mut self) {
        self.open.pop();
        self.scope.leave();
    }

    fn close(&mut self, name: &str) -> Result<Step<'a>, XbrlError> {
        if self.open.last() == Some(&name) {
            self.leave();
            return Ok(Step::End);
        }
        if !self.html {
            return Err(self.broken("closing tag of an element that is not open"));
        }
        if is_void(name) {
            return Ok(Step::Text(""));
        }
        let same = |open: &&str| open.eq_ignore_ascii_case(name);
        let opened = self.open.iter().rposition(same);
        if opened.is_none_or(|at| at + 1 < self.open.len()) {
            self.unclosed = Some(self.scanner.position());
        }
        let Some(opened) = opened else {
            return Ok(Step::Text(""));
        };
        while self.open.len() > opened {
            self.leave();
        }
        Ok(Step::End)
    }
}

/// Whether an element of HTML never has content.
///
/// Source: WHATWG HTML, "Void elements".
pub(super) fn is_void(name: &str) -> bool {
    const VOID: [&str; 14] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    ];
    VOID.iter().any(|void| void.eq_ignore_ascii_case(name))
}
