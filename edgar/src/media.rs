//! The media type of a document, told by its first bytes: file names lie.
//!
//! EDGAR says a document's role (`EX-99.1`, `GRAPHIC`) and its file name, and neither
//! says what it is: among `.jpg` files are PNG and GIF. [`of`] knows what occurs in
//! submissions: images, PDF, office files and zips, HTML with and without inline XBRL,
//! XML, and the JSON, CSS and JavaScript that EDGAR adds to financial reports.
//!
//! Invariant: only what leaves no doubt has a type of its own; any other text is
//! `text/plain`, any other bytes are `application/octet-stream`.

/// First bytes of a document that are looked at; more change nothing.
pub const LOOKED_AT: usize = 4096;

/// HTML and XHTML.
const HTML: &str = "text/html";
/// XML of any kind.
const XML: &str = "application/xml";
/// Text of no other kind.
const PLAIN: &str = "text/plain";

/// Beginnings that leave no doubt.
const MAGIC: [(&[u8], &str); 10] = [
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"(\xb5/\xfd", "application/zstd"),
    (b"{\\rtf", "application/rtf"),
    // Word, Excel and PowerPoint before 2007 share one envelope.
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "application/x-ole-storage",
    ),
];

/// What the folder of a file in a zip makes of it.
const ZIPPED: [(&[u8], &str); 3] = [
    (
        b"xl/",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        b"word/",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        b"ppt/",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
];

/// Elements that only HTML begins with, in lower case. `<TABLE>`, `<PAGE>` and `<S>`
/// are not among them: texts before 2001 are marked up with those.
const ELEMENTS: [&[u8]; 23] = [
    b"!doctype html",
    b"html",
    b"head",
    b"body",
    b"title",
    b"meta",
    b"link",
    b"style",
    b"script",
    b"div",
    b"span",
    b"p",
    b"font",
    b"center",
    b"br",
    b"hr",
    b"h1",
    b"h2",
    b"h3",
    b"b",
    b"a",
    b"img",
    b"basefont",
];

/// The media type of a document with this `beginning`, without parameters.
///
/// Pass the first [`LOOKED_AT`] bytes, or all of a shorter document.
///
/// ```
/// use edgar::media;
///
/// assert_eq!(media::of(b"%PDF-1.7\n"), "application/pdf");
/// assert_eq!(media::of(b"<?xml version='1.0'?>\n<html xmlns:ix=\"x\">"), "text/html");
/// assert_eq!(media::of(b"Dear shareholders,"), "text/plain");
/// ```
pub fn of(beginning: &[u8]) -> &'static str {
    let bytes = &beginning[..beginning.len().min(LOOKED_AT)];
    if let Some(media) = archive(bytes).or_else(|| magic(bytes)) {
        return media;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if is_utf16(bytes) {
        PLAIN
    } else if text.contains(&0) {
        "application/octet-stream"
    } else {
        self::text(text.trim_ascii_start())
    }
}

fn magic(bytes: &[u8]) -> Option<&'static str> {
    let found = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, media)) = found {
        return Some(media);
    }
    match bytes {
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        [0x1f, 0x8b, 8, ..] => Some("application/gzip"),
        // A text may begin with these letters too, but not have two reserved zeros.
        [b'B', b'M', _, _, _, _, 0, 0, ..] => Some("image/bmp"),
        _ => None,
    }
}

/// The type of a zip file, by the names in it; `None` for anything else.
fn archive(bytes: &[u8]) -> Option<&'static str> {
    const ENTRY: &[u8] = b"PK\x03\x04";
    /// Bytes of an entry before its name.
    const BEFORE_NAME: usize = 30;
    let empty = bytes.starts_with(b"PK\x05\x06");
    if !empty && !bytes.starts_with(ENTRY) {
        return None;
    }
    let mut names = memchr::memmem::find_iter(bytes, ENTRY)
        .filter_map(|entry| bytes.get(entry + BEFORE_NAME..));
    let office = names.find_map(|name| ZIPPED.iter().find(|(folder, _)| name.starts_with(folder)));
    Some(office.map_or("application/zip", |(_, media)| media))
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

fn text(text: &[u8]) -> &'static str {
    match text {
        [b'<', ..] => markup(text),
        [b'{' | b'[', ..] if is_json(text) => "application/json",
        _ => {
            let code = without_comments(text);
            if is_script(code) {
                "text/javascript"
            } else if is_style(code) {
                "text/css"
            } else {
                PLAIN
            }
        }
    }
}

/// The type of a text that begins with a bracket.
fn markup(text: &[u8]) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with(b"<?xml") {
        // Inline XBRL is HTML behind an XML declaration.
        return if has_html(&lower) { HTML } else { XML };
    }
    let before = lower.len() - without_remarks(&lower).len();
    if begins_html(&lower[before..]) {
        HTML
    } else if begins_xml(&text[before..]) {
        XML
    } else {
        PLAIN
    }
}

/// `text` after the comments of HTML and XML that it begins with.
fn without_remarks(mut text: &[u8]) -> &[u8] {
    while text.starts_with(b"<!--")
        && let Some(end) = memchr::memmem::find(text, b"-->")
    {
        text = text[end + 3..].trim_ascii_start();
    }
    text
}

fn begins_html(lower: &[u8]) -> bool {
    let Some(tag) = lower.strip_prefix(b"<") else {
        return false;
    };
    let begins = |name: &&[u8]| tag.strip_prefix(*name).is_some_and(ends_as_tag);
    ELEMENTS.iter().any(begins)
}

/// Whether the first tag declares a namespace or is named like `<ownershipDocument>`:
/// the tags of old texts are all in one case.
fn begins_xml(text: &[u8]) -> bool {
    let Some(tag) = text.strip_prefix(b"<") else {
        return false;
    };
    let tag = tag.split(|&byte| byte == b'>').next().unwrap_or_default();
    let name = &tag[..tag.len() - after_name(tag).len()];
    let camel =
        name.first().is_some_and(u8::is_ascii_lowercase) && name.iter().any(u8::is_ascii_uppercase);
    camel || memchr::memmem::find(tag, b"xmlns").is_some()
}

fn has_html(lower: &[u8]) -> bool {
    const TAG: &[u8] = b"<html";
    memchr::memmem::find_iter(lower, TAG).any(|at| ends_as_tag(&lower[at + TAG.len()..]))
}

/// Whether a tag's name ends here: `<HtmlFileName>` is no HTML.
fn ends_as_tag(rest: &[u8]) -> bool {
    rest.first()
        .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

/// Whether `text` begins as an object with a key, or a list of such.
fn is_json(text: &[u8]) -> bool {
    let inner = text[1..].trim_ascii_start();
    match (text[0], inner) {
        (b'[', [b'{', ..]) => is_json(inner),
        (b'{', [b'"', key @ ..]) => {
            let end = memchr::memchr(b'"', key);
            end.is_some_and(|end| key[end + 1..].trim_ascii_start().starts_with(b":"))
        }
        _ => false,
    }
}

/// `text` after the comments of CSS and JavaScript that it begins with.
fn without_comments(mut text: &[u8]) -> &[u8] {
    loop {
        let end = match text {
            [b'/', b'*', ..] => memchr::memmem::find(text, b"*/").map(|end| end + 2),
            [b'/', b'/', ..] => memchr::memchr(b'\n', text),
            _ => return text,
        };
        let Some(end) = end else { return text };
        text = text[end..].trim_ascii_start();
    }
}

/// Whether `code` begins with a function or a variable that is given a value.
fn is_script(code: &[u8]) -> bool {
    let functions: [&[u8]; 3] = [b"(function(", b"(function ", b"(()=>"];
    let strict: [&[u8]; 2] = [b"'use strict'", b"\"use strict\""];
    if functions
        .iter()
        .chain(&strict)
        .any(|start| code.starts_with(start))
    {
        return true;
    }
    let words: [(&[u8], &[u8]); 4] = [
        (b"var ", b"=;"),
        (b"let ", b"=;"),
        (b"const ", b"="),
        (b"function ", b"("),
    ];
    words.iter().any(|(word, after)| {
        let name = code.strip_prefix(*word).map(after_name);
        name.and_then(<[u8]>::first)
            .is_some_and(|next| after.contains(next))
    })
}

/// Whether `code` begins with a selector and a block of properties.
fn is_style(code: &[u8]) -> bool {
    let Some(brace) = code.iter().position(|byte| b"{;=".contains(byte)) else {
        return false;
    };
    let inner = code[brace + 1..].trim_ascii_start();
    let property = after_name(inner);
    code[brace] == b'{' && property.len() < inner.len() && property.starts_with(b":")
}

/// What follows a name and blanks.
fn after_name(text: &[u8]) -> &[u8] {
    let name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-$".contains(byte);
    text[text.iter().take_while(name).count()..].trim_ascii_start()
}

#[cfg(test)]
mod tests;
