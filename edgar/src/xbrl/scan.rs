//! Markup as a row of tokens with their places.
//!
//! XBRL wants of its XML what a general reader does not give at this speed: a text block
//! is tens of thousands of references, told here as one piece, and the content of an
//! element can be kept as a range and read again. Elsewhere: namespaces (`namespaces`),
//! what the elements mean, the bytes as text ([`crate::xml`]).
//!
//! Invariant: each byte is looked at a bounded number of times, nothing is copied but
//! text with references, and what is declared in a document type is never expanded.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3, memmem};
use quick_xml::escape::resolve_html5_entity;

/// Longest name of a reference; a longer one is text.
const MAX_REFERENCE: usize = 40;

/// A piece of markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name …>` or `<name …/>`.
    Open(Tag<'a>),
    /// `</name>`.
    Close(&'a str),
    /// Text with its references as written.
    Text(&'a str),
    /// The inside of a CDATA section.
    CData(&'a str),
}

/// An opening tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The name with its prefix.
    pub(super) name: &'a str,
    /// Everything between name and `>` or `/>`.
    pub(super) attributes: &'a str,
    /// Whether it closes itself.
    pub(super) empty: bool,
    /// Where its `<` is.
    pub(super) at: usize,
}

/// What is not well formed, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// Reads tokens from a place on.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token begins.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next token; `None` at the end. Comments, instructions and types are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Broken> {
        loop {
            let rest = &self.text[self.at..];
            let bytes = rest.as_bytes();
            match bytes.first() {
                None => return Ok(None),
                Some(b'<') => {}
                Some(_) => return Ok(Some(Token::Text(self.take_text(rest)))),
            }
            match bytes.get(1) {
                Some(b'/') => return self.close(rest).map(Some),
                Some(b'?') => self.pass(rest, "<?", "?>", "instruction without end")?,
                Some(b'!') if rest.starts_with("<!--") => {
                    self.pass(rest, "<!--", "-->", "comment without end")?;
                }
                Some(b'!') if rest.starts_with("<![CDATA[") => return self.cdata(rest).map(Some),
                Some(b'!') => self.pass_declaration(rest)?,
                Some(byte) if is_name_start(*byte) => return self.open(rest).map(Some),
                _ => return Err(self.broken("a `<` that opens nothing")),
            }
        }
    }

    /// Text up to `</name>`, when nothing else comes before; the tag is passed over.
    pub(super) fn plain_content(&mut self, name: &str) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let end = memchr(b'<', rest.as_bytes())?;
        let after = rest[end + 1..].strip_prefix('/')?.strip_prefix(name)?;
        let after = after.strip_prefix('>')?;
        self.at = self.text.len() - after.len();
        Some(&rest[..end])
    }

    fn broken(&self, what: &'static str) -> Broken {
        Broken { at: self.at, what }
    }

    fn take_text(&mut self, rest: &'a str) -> &'a str {
        let end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn close(&mut self, rest: &'a str) -> Result<Token<'a>, Broken> {
        let end = memchr(b'>', rest.as_bytes()).ok_or(self.broken("closing tag without end"))?;
        self.at += end + 1;
        Ok(Token::Close(rest[2..end].trim_ascii_end()))
    }

    fn cdata(&mut self, rest: &'a str) -> Result<Token<'a>, Broken> {
        let start = "<![CDATA[".len();
        let inside = &rest[start..];
        let end = memmem::find(inside.as_bytes(), b"]]>");
        let end = end.ok_or(self.broken("CDATA section without end"))?;
        self.at += start + end + 3;
        Ok(Token::CData(&inside[..end]))
    }

    fn open(&mut self, rest: &'a str) -> Result<Token<'a>, Broken> {
        let end = end_of_tag(rest.as_bytes()).ok_or(self.broken("tag without end"))?;
        let (inside, empty) = match rest[1..end].strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (&rest[1..end], false),
        };
        let name_end = inside.bytes().position(|byte| byte.is_ascii_whitespace());
        let (name, attributes) = inside.split_at(name_end.unwrap_or(inside.len()));
        let tag = Tag {
            name,
            attributes,
            empty,
            at: self.at,
        };
        self.at += end + 1;
        Ok(Token::Open(tag))
    }

    /// Passes over what stands between `start`, with which `rest` begins, and `end`.
    fn pass(
        &mut self,
        rest: &str,
        start: &str,
        end: &str,
        what: &'static str,
    ) -> Result<(), Broken> {
        let inside = &rest.as_bytes()[start.len()..];
        let found = memmem::find(inside, end.as_bytes()).ok_or(self.broken(what))?;
        self.at += start.len() + found + end.len();
        Ok(())
    }

    /// Passes over `<!DOCTYPE …>` with what it may declare between brackets.
    fn pass_declaration(&mut self, rest: &str) -> Result<(), Broken> {
        let mut brackets = 0_usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                b'>' if brackets == 0 => {
                    self.at += at + 1;
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(self.broken("declaration without end"))
    }
}

impl<'a> Tag<'a> {
    /// The attributes as name and value, references unresolved.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes(self.attributes)
    }

    /// The attribute of this name, references resolved.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut attributes = self.attributes();
        let (_, value) = attributes.find(|(candidate, _)| *candidate == name)?;
        Some(attribute_value(value))
    }
}

/// The attributes of a tag; loose HTML without quotes or values is understood.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_ascii_start();
        let is_end = |byte: u8| byte == b'=' || byte.is_ascii_whitespace();
        let end = rest.bytes().position(is_end).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if name.is_empty() && rest.is_empty() {
            return None;
        }
        let Some(rest) = rest.trim_ascii_start().strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let rest = rest.trim_ascii_start();
        let (value, rest) = match rest.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => {
                let inside = &rest[1..];
                let end = memchr(*quote, inside.as_bytes()).unwrap_or(inside.len());
                (&inside[..end], inside.get(end + 1..).unwrap_or(""))
            }
            _ => {
                let end = rest.bytes().position(|byte| byte.is_ascii_whitespace());
                rest.split_at(end.unwrap_or(rest.len()))
            }
        };
        self.0 = rest;
        Some((name, value))
    }
}

/// The name without its prefix, and the prefix; empty where there is none.
pub(super) fn split_name(name: &str) -> (&str, &str) {
    match memchr(b':', name.as_bytes()) {
        Some(colon) => (&name[..colon], &name[colon + 1..]),
        None => ("", name),
    }
}

/// The value of an attribute: blanks are spaces, references resolved.
pub(super) fn attribute_value(written: &str) -> Cow<'_, str> {
    let bytes = written.as_bytes();
    if memchr3(b'&', b'\n', b'\t', bytes).is_none() && memchr(b'\r', bytes).is_none() {
        return Cow::Borrowed(written);
    }
    let spaced = written
        .replace("\r\n", " ")
        .replace(['\t', '\n', '\r'], " ");
    Cow::Owned(unescaped(&spaced).into_owned())
}

/// The text with its references resolved and its line ends made one character.
pub(super) fn unescaped(written: &str) -> Cow<'_, str> {
    if memchr2(b'&', b'\r', written.as_bytes()).is_none() {
        return Cow::Borrowed(written);
    }
    let mut text = String::with_capacity(written.len());
    append_unescaped(written, &mut text);
    Cow::Owned(text)
}

/// Appends the text with its references resolved and its line ends made one character.
pub(super) fn append_unescaped(written: &str, text: &mut String) {
    let mut rest = written;
    while let Some(found) = memchr2(b'&', b'\r', rest.as_bytes()) {
        text.push_str(&rest[..found]);
        rest = &rest[found..];
        rest = match rest.strip_prefix('\r') {
            Some(after) => {
                text.push('\n');
                after.strip_prefix('\n').unwrap_or(after)
            }
            None => append_reference(rest, text),
        };
    }
    text.push_str(rest);
}

/// Appends what the reference at the beginning stands for; the rest after it.
fn append_reference<'a>(rest: &'a str, text: &mut String) -> &'a str {
    // The references of XML are by far the most frequent.
    const FREQUENT: [(&str, char); 4] = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&quot;", '"'),
    ];
    for (reference, character) in FREQUENT {
        if let Some(after) = rest.strip_prefix(reference) {
            text.push(character);
            return after;
        }
    }
    let bytes = rest.as_bytes();
    let window = &bytes[..bytes.len().min(MAX_REFERENCE)];
    if let Some(end) = memchr(b';', window) {
        let (name, after) = (&rest[1..end], &rest[end + 1..]);
        if let Some(character) = numbered(name) {
            text.push(character);
            return after;
        }
        if let Some(known) = resolve_html5_entity(name) {
            text.push_str(known);
            return after;
        }
    }
    text.push('&');
    &rest[1..]
}

/// The character of `#160` or `#xA0`.
fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    char::from_u32(number.ok()?).filter(|character| *character != '\0')
}

/// Where the `>` of a tag is: the first outside of quotes.
fn end_of_tag(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr3(b'>', b'"', b'\'', &bytes[at..])?;
        if bytes[at] == b'>' {
            return Some(at);
        }
        at += 2 + memchr(bytes[at], &bytes[at + 1..])?;
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut scanner = Scanner::new(text);
        std::iter::from_fn(|| scanner.next().unwrap()).collect()
    }

    fn names(text: &str) -> Vec<String> {
        let told = tokens(text).into_iter().map(|token| match token {
            Token::Open(tag) if tag.empty => format!("{}/", tag.name),
            Token::Open(tag) => tag.name.to_owned(),
            Token::Close(name) => format!("/{name}"),
            Token::Text(text) | Token::CData(text) => format!("'{text}'"),
        });
        told.collect()
    }

    #[test]
    fn tokens_come_in_order_without_comments_and_declarations() {
        assert_eq!(
            names(
                "<?xml?><!DOCTYPE a [<!ENTITY b '>'>]><!-- <x> --><a>t<b c='>'/><![CDATA[<&]]></a >"
            ),
            ["a", "'t'", "b/", "'<&'", "/a"]
        );
    }

    #[test]
    fn what_does_not_end_is_told_with_its_place() {
        for text in [
            "ab<!-- ",
            "ab<a b='",
            "ab</a",
            "ab<![CDATA[",
            "ab<?x",
            "ab<!x",
            "ab<1",
        ] {
            let mut scanner = Scanner::new(text);
            scanner.next().unwrap();

            assert_eq!(scanner.next().unwrap_err().at, 2, "{text}");
        }
    }

    #[test]
    fn attributes_may_be_quoted_either_way_loose_or_without_value() {
        let attributes = Attributes(" a=\"1 '2\" b:c = 'x' d=y nowrap e=\"\"");

        let expected = [
            ("a", "1 '2"),
            ("b:c", "x"),
            ("d", "y"),
            ("nowrap", ""),
            ("e", ""),
        ];
        assert_eq!(attributes.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn references_are_resolved_and_unknown_ones_stay() {
        assert_eq!(
            unescaped("a&amp;lt;&#38;&#x2014;&nbsp;&nonsense;&;& b\r\nc\rd&#0;"),
            "a&lt;&—\u{a0}&nonsense;&;& b\nc\nd&#0;"
        );
    }

    #[test]
    fn blanks_in_attributes_are_spaces() {
        assert_eq!(attribute_value("a\r\nb\tc &amp;#x"), "a b c &#x");
    }

    #[test]
    fn plain_content_is_taken_only_up_to_its_own_closing_tag() {
        assert_eq!(
            Scanner::new("x&amp;y</a>z").plain_content("a"),
            Some("x&amp;y")
        );
        assert_eq!(Scanner::new("x</ab>").plain_content("a"), None);
        assert_eq!(Scanner::new("x<b/></a>").plain_content("a"), None);
    }
}
