//! Bytes of sec.gov as text, whole or as the beginning shown in a report.
//!
//! Elsewhere: the text of submissions (`sgml`).

/// Longest excerpt of foreign bytes in errors and reports, in characters.
const EXCERPT_CHARS: usize = 120;

/// What Windows puts where ISO-8859-1 has control characters 0x80 to 0x9F.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Latin-1, with quotes and dashes where Windows has them, as every browser reads it.
///
/// Source: WHATWG Encoding Standard, label `iso-8859-1`.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| character(*byte)).collect()
}

/// The beginning of `text`, printable and on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let start = text.trim_start().chars().take(EXCERPT_CHARS);
    start.map(printable).collect()
}

/// The beginning of `bytes`, printable and on one line.
pub(crate) fn excerpt_of_bytes(bytes: &[u8]) -> String {
    let start = bytes.trim_ascii_start();
    excerpt(&latin1(&start[..start.len().min(EXCERPT_CHARS)]))
}

fn character(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_latin_1_and_quotes_are_those_of_windows() {
        assert_eq!(
            latin1(b"caf\xe9 \x93x\x94 \x80\x9f\xa0\xff"),
            "café “x” €Ÿ\u{a0}ÿ"
        );
    }

    #[test]
    fn an_excerpt_is_short_and_printable() {
        let excerpt = excerpt_of_bytes(&b"\r\n <html>\x1b[31m\xe9\n".repeat(50));

        assert!(excerpt.starts_with("<html> [31mé"));
        assert_eq!(excerpt.chars().count(), EXCERPT_CHARS);
        assert!(!excerpt.chars().any(char::is_control));
    }
}
