//! What a document is, told by its first bytes: file names lie.

/// First bytes of a document that are looked at.
pub(super) const LOOKED_AT: usize = 4096;

/// Beginnings that leave no doubt.
const MAGIC: [(&[u8], &str); 12] = [
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\x1f\x8b", "application/gzip"),
    (b"(\xb5/\xfd", "application/zstd"),
    (b"{\\rtf", "application/rtf"),
    // Word, Excel and PowerPoint before 2007 share one envelope.
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "application/x-ole-storage",
    ),
];

/// What names in a zip file make of it.
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

/// Elements that only HTML begins with.
const HTML: [&[u8]; 6] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<title",
    b"<div",
];

/// The media type of a document that begins with `head`.
pub(super) fn of(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(LOOKED_AT)];
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let named = ZIPPED.iter().find(|(name, _)| contains(head, name));
        return named.map_or("application/zip", |(_, media)| media);
    }
    // Two letters may begin a text too, so the rest must not look like one.
    let certain = |magic: &[u8]| magic.len() > 2 || head.contains(&0) || magic[0] == 0x1f;
    if let Some((_, media)) = MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic) && certain(magic))
    {
        return media;
    }
    if head.contains(&0) {
        "application/octet-stream"
    } else {
        text(head)
    }
}

fn text(head: &[u8]) -> &'static str {
    let head = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let lower = head.to_ascii_lowercase();
    if HTML
        .iter()
        .any(|tag| lower.starts_with(tag) && ends_as_tag(&lower[tag.len()..]))
    {
        return "text/html";
    }
    let is_xml = lower.starts_with(b"<?xml");
    // Inline XBRL is HTML behind an XML declaration and comments.
    if (is_xml || lower.starts_with(b"<!--")) && has_html(&lower) {
        return "text/html";
    }
    let first_tag = lower.split(|byte| *byte == b'>').next().unwrap_or_default();
    let has_namespace = first_tag.starts_with(b"<") && contains(first_tag, b"xmlns");
    if is_xml || has_namespace {
        "application/xml"
    } else {
        "text/plain"
    }
}

fn has_html(lower: &[u8]) -> bool {
    const TAG: &[u8] = b"<html";
    let mut windows = lower.windows(TAG.len()).enumerate();
    windows.any(|(at, window)| window == TAG && ends_as_tag(&lower[at + TAG.len()..]))
}

/// Whether a tag's name ends here: `<HtmlFileName>` is no HTML.
fn ends_as_tag(rest: &[u8]) -> bool {
    rest.first()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_what_they_begin_with() {
        let cases: [(&[u8], &str); 20] = [
            (b"%PDF-1.7\n", "application/pdf"),
            (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
            (b"GIF89a\x01", "image/gif"),
            (b"\xff\xd8\xff\xe0\0", "image/jpeg"),
            (b"BM\x36\0\0", "image/bmp"),
            (b"BMO FINANCIAL GROUP", "text/plain"),
            (b"\x1f\x8b\x08", "application/gzip"),
            (b"PK\x03\x04..[Content_Types].xml", "application/zip"),
            (
                b"PK\x03\x04\0\0xl/workbook.xml",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (
                b"\n\n<?xml version=\"1.0\"?><ownershipDocument>",
                "application/xml",
            ),
            (b"<edgarSubmission xmlns=\"http://x\">", "application/xml"),
            (
                b"<?xml version='1.0'?><!-- x --><html xmlns:ix=\"x\">",
                "text/html",
            ),
            (
                b"<?xml version='1.0'?><FilingSummary><HtmlFileName>R1.htm",
                "application/xml",
            ),
            (b"\xef\xbb\xbf <!DOCTYPE html>", "text/html"),
            (b"<HTML>\n<HEAD>", "text/html"),
            (b"<!-- made by x -->\n<HTML>", "text/html"),
            (b"<TABLE> <S> <C>\n<CASH> 5 xmlns", "text/plain"),
            (b"<PAGE>\nForm 10-K", "text/plain"),
            (b"", "text/plain"),
            (b"a\0b", "application/octet-stream"),
        ];
        for (head, media) in cases {
            assert_eq!(of(head), media, "{}", String::from_utf8_lossy(head));
        }
    }
}
