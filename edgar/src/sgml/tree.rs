//! A header as a tree of keys and values, whatever its style.
//!
//! Two styles occur, mixed in one header: `KEY:<tab>value` lines whose sections are
//! told by indentation, and tags (`<CIK>0001999991`) whose groups have closing tags.
//! The style is decided for each line. Elsewhere: what the keys mean (`header`,
//! `party`), their one spelling (`standard`).
//!
//! Invariant: a tag without a value is a group only if its closing tag occurs, so an
//! empty tag never swallows its neighbours.

use std::{collections::HashSet, mem};

use memchr::{memchr2_iter, memmem};

use super::{
    standard,
    text::{self, tag_line},
};

/// Deepest nesting kept. The deepest known is seven, in the headers of 2000.
const MAX_DEPTH: usize = 32;
/// Most nodes kept. The largest known header, of 399 filers, has some 10,000.
const MAX_NODES: usize = 500_000;
/// Longest value kept, in bytes; the rest is dropped. Known ones have a few
/// hundred, but a line may have a million.
const MAX_VALUE: usize = 64 * 1024;
/// Lines this long are broken by EDGAR's old software and go on in the next line.
const WRAP: usize = 1023;

/// Tags around the whole header; in public files they have a value, which is kept.
const ENVELOPES: [&[u8]; 5] = [
    b"SUBMISSION",
    b"SEC-DOCUMENT",
    b"SEC-HEADER",
    b"IMS-DOCUMENT",
    b"IMS-HEADER",
];

/// One key of a header, with its value or with what it contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The key in its standard spelling, such as `conformed-name`, the same for
    /// `COMPANY CONFORMED NAME:` and `<CONFORMED-NAME>`.
    pub key: String,
    /// The value as written, without blanks around it, cut at 64 KiB; empty for
    /// sections and flags.
    pub value: String,
    /// What a section contains, in order.
    pub children: Vec<Node>,
}

impl Node {
    /// The first child of this key.
    pub fn child(&self, key: &str) -> Option<&Node> {
        self.children.iter().find(|node| node.key == key)
    }

    /// All children of this key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |node| node.key == key)
    }

    /// The value of the first child of this key that has one.
    pub fn text(&self, key: &str) -> Option<&str> {
        let known = |node: &&Node| node.key == key && !node.value.is_empty();
        self.children
            .iter()
            .find(known)
            .map(|node| node.value.as_str())
    }

    /// The values of all children of this key, without empty ones.
    pub fn texts<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.children
            .iter()
            .filter(move |node| node.key == key && !node.value.is_empty())
            .map(|node| node.value.as_str())
    }
}

/// Reads the lines of a header into a nameless root.
pub(super) fn build(header: &[u8]) -> Node {
    let mut builder = Builder::new(header);
    for line in lines(header) {
        builder.take(line);
    }
    builder.finish()
}

fn lines(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr2_iter(b'\n', b'\r', header)
        .chain([header.len()])
        .map(move |end| &header[mem::replace(&mut start, end + 1)..end])
        .filter(|line| !line.trim_ascii().is_empty())
}

/// An open section; the first is the root.
#[derive(Default)]
struct Section {
    node: Node,
    /// Blanks before the key, for sections told by indentation.
    indent: Option<usize>,
}

/// The value that a line without a key continues.
#[derive(Clone, Copy)]
enum Last {
    None,
    /// The value of the open section at this depth.
    Section(usize),
    /// The value of the last child of the open section at this depth.
    Leaf(usize),
}

struct Builder {
    open: Vec<Section>,
    /// Upper-case names of all closing tags in the header.
    closed: HashSet<Vec<u8>>,
    last: Last,
    last_indent: usize,
    /// Whether the line before was broken by its length.
    wrapped: bool,
    nodes: usize,
}

impl Builder {
    fn new(header: &[u8]) -> Self {
        let begins_line = |at: &usize| *at == 0 || matches!(header[at - 1], b'\n' | b'\r');
        let closed = memmem::find_iter(header, b"</")
            .filter(begins_line)
            .filter_map(|at| tag_line(&header[at..]))
            .map(|tag| tag.name.to_ascii_uppercase())
            .collect();
        Self {
            open: vec![Section::default()],
            closed,
            last: Last::None,
            last_indent: 0,
            wrapped: false,
            nodes: 0,
        }
    }

    fn take(&mut self, line: &[u8]) {
        if mem::replace(&mut self.wrapped, line.len() >= WRAP) {
            self.continue_value("", line);
        } else if let Some(tag) = tag_line(line) {
            self.take_tag(&tag);
        } else if let Some(rest) = line.strip_prefix(b"]") {
            // In headers of 2000 the bracket of an SIC code begins the next line.
            self.continue_value("", b"]");
            self.take_key_line(rest, self.last_indent);
        } else {
            self.take_key_line(line, indent(line));
        }
    }

    fn take_tag(&mut self, tag: &text::TagLine<'_>) {
        if tag.closing {
            return self.close(&standard::key(tag.name));
        }
        let value = value_before_closing(tag.rest, tag.name);
        let bare = value.is_empty().then(|| tag.name.to_ascii_uppercase());
        match bare {
            Some(name) if ENVELOPES.contains(&&*name) => {}
            Some(name) if self.closed.contains(&name) => {
                self.leave_indented(0);
                self.open_section(tag.name, None);
            }
            _ => {
                let group = self.innermost_group();
                self.add_leaf(group, tag.name, value);
            }
        }
    }

    fn take_key_line(&mut self, line: &[u8], indent: usize) {
        let Some((key, value)) = key_line(line) else {
            return self.continue_value(" ", line);
        };
        // Headers of Form D have been seen with `ITEM INFORMATION: <ITEMS>06b`.
        let value = match tag_line(value) {
            Some(tag) if !tag.closing => tag.rest.trim_ascii(),
            _ => value,
        };
        self.last_indent = indent;
        self.leave_indented(indent);
        if value.is_empty() {
            self.open_section(key, Some(indent));
        } else {
            self.add_leaf(self.open.len() - 1, key, value);
        }
    }

    fn add_leaf(&mut self, depth: usize, key: &[u8], value: &[u8]) {
        if !self.has_room() {
            return;
        }
        self.open[depth].node.children.push(Node {
            key: standard::key(key),
            value: kept(text::trimmed(value), MAX_VALUE),
            children: Vec::new(),
        });
        self.last = Last::Leaf(depth);
    }

    fn open_section(&mut self, key: &[u8], indent: Option<usize>) {
        if self.open.len() >= MAX_DEPTH {
            return self.add_leaf(MAX_DEPTH - 1, key, b"");
        }
        if !self.has_room() {
            return;
        }
        let key = standard::key(key);
        let node = Node {
            key,
            ..Node::default()
        };
        self.open.push(Section { node, indent });
        self.last = Last::Section(self.open.len() - 1);
    }

    fn has_room(&mut self) -> bool {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.last = Last::None;
        }
        self.nodes <= MAX_NODES
    }

    fn continue_value(&mut self, joint: &str, line: &[u8]) {
        let node = match self.last {
            Last::None => None,
            Last::Section(depth) => Some(&mut self.open[depth].node),
            Last::Leaf(depth) => self.open[depth].node.children.last_mut(),
        };
        let Some(node) = node else { return };
        let room = MAX_VALUE.saturating_sub(node.value.len() + joint.len());
        if room > 0 && !node.value.is_empty() {
            node.value.push_str(joint);
        }
        node.value.push_str(&kept(text::trimmed(line), room));
    }

    /// Closes the innermost open section of this key; a stray closing tag does nothing.
    fn close(&mut self, key: &str) {
        let found = self
            .open
            .iter()
            .skip(1)
            .rposition(|section| section.node.key == key);
        if let Some(depth) = found {
            self.shut(depth + 1);
        }
    }

    /// Closes the sections told by indentation that a key at `indent` ends.
    fn leave_indented(&mut self, indent: usize) {
        while let Some(Section {
            indent: Some(open), ..
        }) = self.open.last()
            && *open >= indent
        {
            self.shut(self.open.len() - 1);
        }
    }

    fn innermost_group(&self) -> usize {
        let group = self
            .open
            .iter()
            .rposition(|section| section.indent.is_none());
        group.unwrap_or(0)
    }

    /// Closes all sections from `depth` on.
    fn shut(&mut self, depth: usize) {
        while self.open.len() > depth.max(1)
            && let Some(section) = self.open.pop()
            && let Some(parent) = self.open.last_mut()
        {
            parent.node.children.push(section.node);
        }
        self.last = Last::None;
    }

    fn finish(mut self) -> Node {
        self.shut(1);
        self.open.pop().map(|root| root.node).unwrap_or_default()
    }
}

/// `text` cut to this many bytes, between characters.
fn kept(mut text: String, room: usize) -> String {
    text.truncate(text.floor_char_boundary(room));
    text
}

fn indent(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

/// Splits `KEY: value`. Keys are in upper case: `Note: see above` continues a value.
fn key_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const MAX_KEY: usize = 80;
    let line = line.trim_ascii();
    let colon = line.iter().take(MAX_KEY).position(|&byte| byte == b':')?;
    let key = line[..colon].trim_ascii_end();
    let plain =
        |b: &u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'&'..=b')' | b','..=b'/' | b' ' | b'_');
    let named = key.first().is_some_and(u8::is_ascii_uppercase) && key.iter().all(plain);
    named.then(|| (key, line[colon + 1..].trim_ascii()))
}

/// The value of `<CIK>123` and of `<CIK>123</CIK>`.
fn value_before_closing<'a>(rest: &'a [u8], name: &[u8]) -> &'a [u8] {
    let rest = rest.trim_ascii();
    let closed = rest.strip_suffix(b">").and_then(|inner| {
        let (inner, last) = inner.split_at_checked(inner.len().checked_sub(name.len())?)?;
        let value = inner.strip_suffix(b"</")?;
        last.eq_ignore_ascii_case(name).then_some(value)
    });
    closed.map_or(rest, <[u8]>::trim_ascii_end)
}
