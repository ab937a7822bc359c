//! The content of a fact: its text, or its markup as EDGAR writes it.
//!
//! EDGAR's `*_htm.xml` was the model: tags of inline elements are left out, what is within
//! `ix:exclude` as well; comments too; attributes are sorted by name, declarations of
//! namespaces left out; an element without content has a closing tag of its own unless
//! HTML never gives it one. Until 2023 EDGAR wrote `<td/>` where it now writes `<td></td>`.
//!
//! Elsewhere: which content (`collect`), what becomes of it (`tell`).

use super::super::{
    element::is_void,
    scan::{Scanner, Tag, Token, attribute_value, split_name, unescaped},
};

/// Appends the content; with `markup` its tags too.
///
/// `prefix` is that of the inline namespace.
pub(super) fn append(text: &str, prefix: &str, markup: bool, value: &mut String) {
    let mut writer = Writer {
        prefix,
        markup,
        value,
        pending: false,
        excluded: None,
        attributes: Vec::new(),
    };
    let mut scanner = Scanner::new(text);
    // The same tokens were read on the way through the document: none is broken.
    while let Ok(Some(token)) = scanner.next() {
        match token {
            Token::Open(tag) => writer.open(&tag),
            Token::Close(name) => writer.close(name),
            Token::Text(text) => writer.text(&unescaped(text)),
            Token::CData(text) => writer.text(text),
        }
    }
    writer.finish();
}

struct Writer<'v, 't> {
    prefix: &'v str,
    markup: bool,
    value: &'v mut String,
    /// The last thing written is an opening tag without its `>`.
    pending: bool,
    /// The element that is left out, and how many of its name are open.
    excluded: Option<(&'t str, usize)>,
    /// Space for the attributes of one tag.
    attributes: Vec<(&'t str, &'t str)>,
}

impl<'t> Writer<'_, 't> {
    fn open(&mut self, tag: &Tag<'t>) {
        let empty = tag.empty || is_void(tag.name);
        let inline = self.inline(tag.name);
        if let Some((name, open)) = &mut self.excluded {
            *open += usize::from(!empty && *name == tag.name);
            return;
        }
        if matches!(inline, Some("exclude" | "header")) {
            self.excluded = (!empty).then_some((tag.name, 1));
            return;
        }
        if !self.markup {
            return;
        }
        self.finish();
        if inline.is_some() {
            return;
        }
        self.value.push('<');
        self.value.push_str(tag.name);
        self.attributes(tag);
        match empty {
            true => self.close_empty(tag.name),
            false => self.pending = true,
        }
    }

    fn close(&mut self, name: &str) {
        if is_void(name) {
            return;
        }
        if let Some((excluded, open)) = &mut self.excluded {
            *open -= usize::from(*excluded == name);
            if *open == 0 {
                self.excluded = None;
            }
            return;
        }
        if !self.markup || self.inline(name).is_some() {
            return;
        }
        if self.pending {
            self.pending = false;
            return self.close_empty(name);
        }
        self.value.extend(["</", name, ">"]);
    }

    fn text(&mut self, text: &str) {
        if self.excluded.is_some() || text.is_empty() {
            return;
        }
        if !self.markup {
            return self.value.push_str(text);
        }
        self.finish();
        append_escaped(
            text,
            |character| matches!(character, b'&' | b'<' | b'>'),
            self.value,
        );
    }

    fn finish(&mut self) {
        if self.pending {
            self.pending = false;
            self.value.push('>');
        }
    }

    fn close_empty(&mut self, name: &str) {
        match is_void(name) {
            true => self.value.push_str("/>"),
            false => self.value.extend(["></", name, ">"]),
        }
    }

    fn attributes(&mut self, tag: &Tag<'t>) {
        let declares = |name: &str| name == "xmlns" || name.starts_with("xmlns:");
        let kept = tag.attributes().filter(|(name, _)| !declares(name));
        self.attributes.clear();
        self.attributes.extend(kept);
        // Names with a prefix come last.
        let rank = |(name, _): &(&'t str, _)| (name.contains(':'), *name);
        self.attributes.sort_by_key(rank);
        for (name, value) in &self.attributes {
            self.value.extend([" ", name, "=\""]);
            let special = |byte| matches!(byte, b'&' | b'"');
            append_escaped(&attribute_value(value), special, self.value);
            self.value.push('"');
        }
    }

    /// The local name of an inline element.
    fn inline<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (prefix, local) = split_name(name);
        (prefix == self.prefix).then_some(local)
    }
}

/// Appends text with those characters as references.
fn append_escaped(text: &str, escape: impl Fn(u8) -> bool, value: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&escape) {
        value.push_str(&rest[..at]);
        value.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        });
        rest = &rest[at + 1..];
    }
    value.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, markup: bool) -> String {
        let mut value = String::new();
        append(text, "ix", markup, &mut value);
        value
    }

    #[test]
    fn text_is_without_tags_and_what_is_excluded() {
        let text = "a<b>b&amp;<ix:exclude>c<i>d</i></ix:exclude></b><ix:nonFraction>e</ix:nonFraction>\r\n";

        assert_eq!(of(text, false), "ab&e\n");
    }

    #[test]
    fn markup_is_as_edgar_writes_it() {
        for (text, expected) in [
            (
                "<p style='b' class=\"a &amp; &quot;\">x</p>",
                "<p class=\"a &amp; &quot;\" style=\"b\">x</p>",
            ),
            (
                "<td/><td></td><br><hr></hr>",
                "<td></td><td></td><br/><hr/>",
            ),
            ("<p><!-- c --></p>", "<p></p>"),
            ("a &lt; b&nbsp;&#38;", "a &lt; b\u{a0}&amp;"),
            (
                "<p xmlns:x='y' xml:lang='e' id='i'>z</p>",
                "<p id=\"i\" xml:lang=\"e\">z</p>",
            ),
            (
                "<p><ix:nonNumeric><b>x</b></ix:nonNumeric></p>",
                "<p><b>x</b></p>",
            ),
            (
                "<p>a<ix:exclude><br>b<i>c</i></ix:exclude>d</p>",
                "<p>ad</p>",
            ),
        ] {
            assert_eq!(of(text, true), expected);
        }
    }
}
