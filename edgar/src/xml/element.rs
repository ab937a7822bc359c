//! A small document as a tree of elements.
//!
//! For forms of a few pages; information tables are read row by row instead (`form13f`).
//! Invariant: depth and number of elements are bounded, and what breaks the document off
//! leaves what came before.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    append_text, attribute_value,
    document::{self, Document},
    flaw::{Flaws, Wrong},
    scope::Scope,
};

/// Deepest nesting followed. The deepest form has eight.
const MAX_DEPTH: usize = 64;
/// Most elements kept. The longest recorded form has two thousand.
const MAX_ELEMENTS: usize = 200_000;

/// An element, without those inside it that belong to other namespaces.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Its name without prefix.
    pub(crate) name: String,
    /// Its attribute `id`.
    pub(crate) id: Option<String>,
    /// Its own text, without that of its children.
    text: String,
    pub(crate) children: Vec<Element>,
    /// Where it begins in the text of the document.
    pub(crate) position: usize,
}

impl Element {
    /// Reads a document whose root is `root`, of one of `namespaces` or of none; with no
    /// `namespaces` given, of any. `None` when it is another one.
    pub(crate) fn read(
        document: &Document<'_>,
        root: &str,
        namespaces: &'static [&'static str],
    ) -> Option<(Self, Flaws)> {
        let mut reader = document::reader(&document.text);
        let mut scope = Scope::new(namespaces);
        if !document::enter_root(&mut reader, &mut scope, root) {
            return None;
        }
        let root = Self {
            name: root.to_owned(),
            ..Self::default()
        };
        let mut builder = Builder {
            open: vec![root],
            scope,
            foreign: 0,
            elements: 1,
            flaws: Flaws::default(),
        };
        builder.fill(&mut reader);
        Some(builder.finish())
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Its own text without blanks around it; `None` when nothing is left.
    pub(crate) fn own_text(&self) -> Option<&str> {
        let text = self.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The text of the first child of this name.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.child(name)?.own_text().map(str::to_owned)
    }

    /// The text of the first child of this name, as what `parse` makes of it.
    pub(crate) fn parsed<T>(
        &self,
        name: &'static str,
        flaws: &mut Flaws,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let child = self.child(name)?;
        let value = parse(child.own_text()?);
        if value.is_none() {
            flaws.add(child.position, Wrong::Unreadable(name));
        }
        value
    }
}

struct Builder {
    /// The open elements, the root first.
    open: Vec<Element>,
    scope: Scope,
    /// How many elements are open from another namespace's on; they are not kept.
    foreign: usize,
    elements: usize,
    flaws: Flaws,
}

impl Builder {
    /// Reads to the end of the root, or as far as it goes.
    fn fill(&mut self, reader: &mut Reader<&[u8]>) {
        loop {
            let position = reader.buffer_position() as usize;
            let stopped = match reader.read_event() {
                Ok(Event::Start(tag)) => self.start(&tag, position),
                Ok(Event::End(tag)) => match self.end(tag.local_name().as_ref(), position) {
                    Closed::Root => return,
                    Closed::Other => None,
                },
                Ok(Event::Eof) => Some(Wrong::Cut),
                Ok(event) => {
                    self.text(&event);
                    None
                }
                Err(_) => Some(Wrong::Markup),
            };
            if let Some(wrong) = stopped {
                return self.flaws.add(position, wrong);
            }
        }
    }

    /// Opens an element, or says why reading stops here.
    fn start(&mut self, tag: &BytesStart<'_>, position: usize) -> Option<Wrong> {
        let known = self.scope.enter(tag);
        if self.scope.depth() > MAX_DEPTH {
            return Some(Wrong::TooDeep);
        }
        if !known || self.foreign > 0 {
            self.foreign += 1;
            return None;
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Some(Wrong::TooMany("elements"));
        }
        self.open.push(Element {
            name: tag.local_name().as_ref().to_owned(),
            id: id_of(tag),
            position,
            ..Element::default()
        });
        None
    }

    /// Closes the innermost element of this name and what is still open inside of it.
    fn end(&mut self, name: &str, position: usize) -> Closed {
        if self.foreign > 0 {
            self.foreign -= 1;
            self.scope.leave();
            return Closed::Other;
        }
        let named = |element: &Element| element.name == name;
        let Some(depth) = self.open.iter().rposition(named) else {
            self.flaws.add(position, Wrong::Markup);
            return Closed::Other;
        };
        if depth + 1 < self.open.len() {
            self.flaws.add(position, Wrong::Markup);
        }
        if depth == 0 {
            return Closed::Root;
        }
        while self.open.len() > depth {
            self.close();
        }
        Closed::Other
    }

    fn text(&mut self, event: &Event<'_>) {
        if let (0, Some(element)) = (self.foreign, self.open.last_mut()) {
            append_text(&mut element.text, event);
        }
    }

    /// Closes the innermost element, which is not the root.
    fn close(&mut self) {
        self.scope.leave();
        if let Some(element) = self.open.pop()
            && let Some(parent) = self.open.last_mut()
        {
            parent.children.push(element);
        }
    }

    fn finish(mut self) -> (Element, Flaws) {
        while self.open.len() > 1 {
            self.close();
        }
        (self.open.pop().unwrap_or_default(), self.flaws)
    }
}

/// What an end tag closes.
enum Closed {
    Root,
    Other,
}

fn id_of(tag: &BytesStart<'_>) -> Option<String> {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let id = attributes
        .into_iter()
        .find(|each| each.key.as_ref() == "id")?;
    Some(attribute_value(&id.value).trim().to_owned())
}
