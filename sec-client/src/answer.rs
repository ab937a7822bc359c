//! What an answer of sec.gov means, from its status and its first bytes.
//!
//! The status alone is not enough: 403 is a block when it comes as a web page and "no such
//! object" when it comes as the store's XML, and error pages have been seen under 200.
//!
//! Elsewhere: what follows from a block page (`block`).
//!
//! Invariant: a web page is never taken for a document that is not one.
//!
//! Source: recorded answers of www.sec.gov, efts.sec.gov and data.sec.gov.

/// Bytes of a body that are enough to recognise it.
pub(crate) const HEAD: usize = 8 * 1_024;

/// Bytes after which a document that does not begin like a web page needs no further look.
pub(crate) const PLAIN_HEAD: usize = 256;

/// Texts of the two known block pages, in lower case.
const BLOCK_TEXTS: [&str; 2] = [
    "request rate threshold exceeded",
    "undeclared automated tool",
];

/// The parts of an answer that decide what it means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) head: &'a [u8],
    /// Whether the caller asked for a web page.
    pub(crate) wants_page: bool,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Document,
    Block,
    Absent,
    Unavailable,
    Unexpected(&'static str),
}

impl Answer<'_> {
    pub(crate) fn meaning(&self) -> Meaning {
        let page = is_page(self.head);
        if self.status == 429 || (page && has_block_text(self.head)) {
            return Meaning::Block;
        }
        match self.status {
            200 if page && !self.wants_page => {
                Meaning::Unexpected("a web page in place of a document")
            }
            200 => Meaning::Document,
            300..=399 => Meaning::Unexpected("a redirect"),
            403 if page || self.is_empty_page() => Meaning::Block,
            403 if is_store_error(self.head) => Meaning::Absent,
            404 => Meaning::Absent,
            500..=599 => Meaning::Unavailable,
            _ => Meaning::Unexpected("neither a document nor a known error"),
        }
    }

    fn is_empty_page(&self) -> bool {
        self.head.is_empty() && self.content_type.starts_with("text/html")
    }
}

/// Whether a body begins like a web page, after an XML declaration or white space.
pub(crate) fn is_page(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = after_declaration(head.trim_ascii_start()).trim_ascii_start();
    starts_with_ignoring_case(head, b"<!doctype") || starts_with_ignoring_case(head, b"<html")
}

/// What follows `<?xml …?>`, or everything where there is none.
fn after_declaration(head: &[u8]) -> &[u8] {
    if !head.starts_with(b"<?xml") {
        return head;
    }
    let end = head.windows(2).position(|pair| pair == b"?>");
    end.map_or(head, |end| &head[end + 2..])
}

/// Whether the body is an error of the object store, as for a key that does not exist.
fn is_store_error(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    text.contains("<Error>")
        && ["NoSuchKey", "AccessDenied"]
            .iter()
            .any(|code| text.contains(&format!("<Code>{code}</Code>")))
}

fn has_block_text(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    BLOCK_TEXTS.iter().any(|known| text.contains(known))
}

fn starts_with_ignoring_case(bytes: &[u8], lower: &[u8]) -> bool {
    bytes
        .get(..lower.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(lower))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const THRESHOLD: &[u8] = b"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">\n<html>\n\
        <title>SEC.gov | Request Rate Threshold Exceeded</title>";
    const UNDECLARED: &[u8] =
        b"\n<html><body>Your Request Originates from an Undeclared Automated Tool</body>";
    const STORE: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    const PAGE: &[u8] = b"<!doctype HTML><title>SEC.gov | File Unavailable</title>";

    fn meaning(status: u16, head: &[u8]) -> Meaning {
        Answer {
            status,
            content_type: "",
            head,
            wants_page: false,
        }
        .meaning()
    }

    #[test]
    fn block_pages_are_recognised_under_any_status() {
        for status in [200, 403, 429, 503] {
            assert_eq!(meaning(status, THRESHOLD), Meaning::Block);
            assert_eq!(meaning(status, UNDECLARED), Meaning::Block);
        }
    }

    #[test]
    fn too_many_requests_is_a_block_whatever_the_body() {
        assert_eq!(meaning(429, b""), Meaning::Block);
        assert_eq!(meaning(429, b"{}"), Meaning::Block);
    }

    #[test]
    fn forbidden_is_a_block_as_a_page_and_absent_as_store_xml() {
        assert_eq!(meaning(403, PAGE), Meaning::Block);
        assert_eq!(meaning(403, STORE), Meaning::Absent);
        assert!(matches!(
            meaning(403, b"{\"message\":\"Forbidden\"}"),
            Meaning::Unexpected(_)
        ));
    }

    #[test]
    fn forbidden_without_a_body_is_a_block_when_it_says_it_is_a_page() {
        let mut answer = Answer {
            status: 403,
            content_type: "text/html",
            head: b"",
            wants_page: false,
        };

        assert_eq!(answer.meaning(), Meaning::Block);
        answer.content_type = "application/json";
        assert!(matches!(answer.meaning(), Meaning::Unexpected(_)));
    }

    #[test]
    fn missing_objects_are_absent_and_server_errors_unavailable() {
        assert_eq!(meaning(404, PAGE), Meaning::Absent);
        assert_eq!(meaning(404, STORE), Meaning::Absent);
        assert_eq!(meaning(503, PAGE), Meaning::Unavailable);
        assert_eq!(meaning(500, b"{}"), Meaning::Unavailable);
    }

    #[test]
    fn a_page_under_200_is_a_document_only_for_those_who_asked_for_one() {
        let mut answer = Answer {
            status: 200,
            content_type: "text/html",
            head: PAGE,
            wants_page: false,
        };

        assert!(matches!(answer.meaning(), Meaning::Unexpected(_)));
        answer.wants_page = true;
        assert_eq!(answer.meaning(), Meaning::Document);
    }

    #[test]
    fn a_page_behind_an_xml_declaration_is_a_page() {
        assert!(is_page(b"<?xml version=\"1.0\"?>\n<!DOCTYPE html><html>"));
        assert!(is_page(b"\xef\xbb\xbf  <HTML>"));
        assert!(!is_page(b"<?xml version=\"1.0\"?><feed>"));
        assert!(!is_page(b"<?xml never closed"));
        assert!(!is_page(b"<SEC-DOCUMENT>0001"));
        assert!(!is_page(b""));
    }

    #[test]
    fn a_feed_that_names_the_block_page_is_no_block() {
        let feed = b"<?xml version=\"1.0\"?><feed>UNDECLARED AUTOMATED TOOL INC</feed>";

        assert_eq!(meaning(200, feed), Meaning::Document);
    }

    #[test]
    fn redirects_and_odd_statuses_are_unexpected() {
        for status in [201, 204, 206, 301, 302, 304, 400, 418] {
            assert!(matches!(meaning(status, b""), Meaning::Unexpected(_)));
        }
    }

    #[test]
    fn recorded_error_pages_mean_what_they_meant() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/edgar-fixtures/http-error"
        );
        if !std::path::Path::new(folder).exists() {
            assert!(std::env::var_os("CI").is_none(), "{folder} is missing");
            eprintln!("did not run: {folder} is missing");
            return;
        }
        let read = |name: &str| std::fs::read(format!("{folder}/{name}")).unwrap();

        let block = read("rate-exceeded.html");
        let absent = read("status403-0-form.gz");
        let past_end = read("getcurrent-2025-12-12T180331-start5100-status503.html");

        assert_eq!(
            meaning(403, &block[..block.len().min(HEAD)]),
            Meaning::Block
        );
        assert_eq!(meaning(403, &absent), Meaning::Absent);
        assert_eq!(meaning(503, &past_end), Meaning::Unavailable);
    }
}
