//! Text of unknown encoding and the small grammar of tag lines.
//!
//! Submissions declare no encoding. Names are UTF-8 where they are valid UTF-8,
//! else Windows-1252.

use std::borrow::Cow;

/// Characters of the bytes 0x80 to 0x9F in Windows-1252; the five unassigned
/// bytes stand for the control characters of the same number, as browsers read them.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Longest tag name taken for one; the longest known has 38 bytes.
const MAX_NAME: usize = 64;

/// The text of `bytes`: UTF-8 where valid, else Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| windows_1252(byte)).collect()),
    }
}

/// The text of `bytes` without blanks around it.
pub(super) fn trimmed(bytes: &[u8]) -> String {
    decode(bytes.trim_ascii()).into_owned()
}

/// A line `<NAME>rest` or `</NAME>rest`, split.
pub(super) struct TagLine<'a> {
    /// The name as written, without brackets and slash.
    pub(super) name: &'a [u8],
    /// Whether it is a closing tag.
    pub(super) closing: bool,
    /// What follows the tag on its line.
    pub(super) rest: &'a [u8],
}

/// Splits a line that begins with a tag; `None` when it does not.
pub(super) fn tag_line(line: &[u8]) -> Option<TagLine<'_>> {
    let inner = line.strip_prefix(b"<")?;
    let (closing, inner) = match inner.strip_prefix(b"/") {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    let end = inner.iter().take(MAX_NAME + 1).position(|&b| b == b'>')?;
    let name = &inner[..end];
    let named = name.first().is_some_and(u8::is_ascii_alphanumeric);
    let plain = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'_' | b' ' | b'(' | b')' | b'.' | b'&' | b'/')
    };
    (named && name.iter().all(plain)).then(|| TagLine {
        name,
        closing,
        rest: &inner[end + 1..],
    })
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn utf8_wins_where_it_is_valid() {
        assert_eq!(decode("Nestlé".as_bytes()), "Nestlé");
        assert_eq!(decode(b"Nestl\xe9"), "Nestlé");
        assert_eq!(decode(b"\x93Q\x94 \x80"), "“Q” €");
    }

    #[test]
    fn a_tag_line_is_split_at_its_first_bracket() {
        let tag = tag_line(b"<SERIES-NAME>BATS: X > Y").unwrap();
        assert_eq!((tag.name, tag.closing), (&b"SERIES-NAME"[..], false));
        assert_eq!(tag.rest, b"BATS: X > Y");
        assert!(tag_line(b"</TEXT>").unwrap().closing);
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for line in [
            &b"TEXT>"[..],
            b"<TEXT",
            b"<>",
            b"< a>",
            b"<!DOCTYPE html>",
            b"</>",
        ] {
            assert!(tag_line(line).is_none());
        }
    }
}
