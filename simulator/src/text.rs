//! Characters on their way out: ISO-8859-1 bytes and the escapes EDGAR uses.

/// The bytes of `text` in ISO-8859-1; what does not fit becomes `?`.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
        .collect()
}

/// `text` with the four escapes the Atom feed and the index pages use.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// `text` for XML and HTML documents: escaped, and ASCII by numeric references.
pub(crate) fn ascii_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in escape(text).chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            escaped.push_str(&format!("&#{};", u32::from(letter)));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_are_one_byte() {
        assert_eq!(latin1("Société"), b"Soci\xe9t\xe9");
    }

    #[test]
    fn the_feed_escapes_four_characters() {
        assert_eq!(escape("O'Dell & <Sons>"), "O&#39;Dell &amp; &lt;Sons&gt;");
        assert_eq!(ascii_xml("Peñasco"), "Pe&#241;asco");
    }
}
