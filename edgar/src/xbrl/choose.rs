//! Which documents of a submission hold its facts.
//!
//! Elsewhere: splitting a submission ([`crate::sgml`]), reading the documents chosen
//! ([`read_instance`](super::read_instance), [`read_inline`](super::read_inline)).
//!
//! Invariant: every document is in at most one report, and no report is told twice, once
//! as EDGAR extracted it and once from its HTML.

/// A document of a submission, as far as the choice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its document type: `10-Q`, `EX-101.INS`, `XML`.
    pub document_type: &'a str,
    /// Its file name.
    pub filename: &'a str,
    /// Whether it begins as a page of inline XBRL, as [`is_inline`] tells.
    pub inline: bool,
}

/// Bytes of a document that [`is_inline`] looks at. The root element of a page with the
/// namespaces of many taxonomies comes within them.
pub const HEAD_BYTES: usize = 16_384;

/// What to read for the facts of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An instance: the index of its document.
    Instance(usize),
    /// A set of inline documents: their indexes, in order.
    Inline(Vec<usize>),
}

/// The reports of a submission.
///
/// EDGAR's extract of inline XBRL (type `XML`, name `*_htm.xml`) and instances
/// (`EX-101.INS`, `EX-100.INS`) are read as they are. The inline documents of a submission
/// make up one set, but for the exhibit of filing fees, which is a report of its own; a
/// set is read only where there is no extract of any of its documents.
///
/// ```
/// use edgar::xbrl::{Candidate, Report, choose};
///
/// let documents = [("10-Q", "quay-20260331.htm"), ("EX-101.SCH", "quay-20260331.xsd"), ("XML", "quay-20260331_htm.xml")];
/// let documents = documents.map(|(document_type, filename)| Candidate {
///     document_type,
///     filename,
///     inline: document_type == "10-Q",
/// });
///
/// assert_eq!(choose(&documents), [Report::Instance(2)]);
/// assert_eq!(choose(&documents[..2]), [Report::Inline(vec![0])]);
/// ```
pub fn choose(documents: &[Candidate<'_>]) -> Vec<Report> {
    let of_kind = |kind: Kind| {
        let indexed = documents.iter().enumerate();
        let fitting = indexed.filter(move |(_, document)| Kind::of(document) == Some(kind));
        fitting.map(|(index, _)| index)
    };
    let instances = of_kind(Kind::Instance).chain(of_kind(Kind::Extract));
    let mut reports: Vec<_> = instances.map(Report::Instance).collect();
    for set in [Kind::Inline, Kind::InlineFees] {
        let members: Vec<usize> = of_kind(set).collect();
        let extracted = members.iter().any(|member| {
            let page = documents[*member].filename;
            of_kind(Kind::Extract).any(|extract| is_extract_of(documents[extract].filename, page))
        });
        let instanced = set == Kind::Inline && of_kind(Kind::Instance).next().is_some();
        if !members.is_empty() && !extracted && !instanced {
            reports.push(Report::Inline(members));
        }
    }
    reports.sort_by_key(|report| match report {
        Report::Instance(index) => *index,
        Report::Inline(members) => members[0],
    });
    reports
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An instance that the filer sent.
    Instance,
    /// An instance that EDGAR made of inline documents.
    Extract,
    /// A page with facts in it.
    Inline,
    /// The exhibit of filing fees with facts in it.
    InlineFees,
}

impl Kind {
    fn of(document: &Candidate<'_>) -> Option<Self> {
        let is_type = |name: &str| document.document_type.eq_ignore_ascii_case(name);
        if is_type("EX-101.INS") || is_type("EX-100.INS") {
            // With inline XBRL some filers send the page itself as the instance.
            return Some(match document.inline {
                true => Self::Inline,
                false => Self::Instance,
            });
        }
        if is_type("XML") {
            return ends_with(document.filename, "_htm.xml").then_some(Self::Extract);
        }
        let page = [".htm", ".html", ".xhtml"]
            .iter()
            .any(|end| ends_with(document.filename, end));
        if !page || !document.inline {
            return None;
        }
        Some(match is_type("EX-FILING FEES") || is_type("EX-107") {
            true => Self::InlineFees,
            false => Self::Inline,
        })
    }
}

/// Whether a document begins by binding the namespace of inline XBRL. [`HEAD_BYTES`] of its
/// decoded content suffice, fewer may hide it.
pub fn is_inline(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let found = |namespace: &[u8]| memchr::memmem::find(head, namespace).is_some();
    found(b"http://www.xbrl.org/2013/inlineXBRL") || found(b"http://www.xbrl.org/2008/inlineXBRL")
}

/// `quay-20260331_htm.xml` is the extract of `quay-20260331.htm`.
fn is_extract_of(extract: &str, page: &str) -> bool {
    let stem = |name: &str| {
        name.rsplit_once('.')
            .map_or(name, |(stem, _)| stem)
            .to_ascii_lowercase()
    };
    stem(extract).strip_suffix("_htm") == Some(&stem(page))
}

fn ends_with(name: &str, end: &str) -> bool {
    let tail = name
        .len()
        .checked_sub(end.len())
        .and_then(|start| name.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = b"<html xmlns:ix='http://www.xbrl.org/2013/inlineXBRL'>";

    fn chosen(documents: &[(&str, &str, &[u8])]) -> Vec<Report> {
        let candidates = documents
            .iter()
            .map(|(document_type, filename, head)| Candidate {
                document_type,
                filename,
                inline: is_inline(head),
            });
        choose(&candidates.collect::<Vec<_>>())
    }

    #[test]
    fn an_extract_is_read_instead_of_its_page() {
        let reports = chosen(&[
            ("8-K", "a.htm", PAGE),
            ("XML", "R1.htm", b"<html>"),
            ("XML", "A_htm.xml", b"<?xml"),
        ]);

        assert_eq!(reports, [Report::Instance(2)]);
    }

    #[test]
    fn pages_without_extract_are_one_set() {
        let reports = chosen(&[
            ("10-K", "a.htm", PAGE),
            ("EX-31", "b.htm", b"<html>"),
            ("EX-13", "c.htm", PAGE),
        ]);

        assert_eq!(reports, [Report::Inline(vec![0, 2])]);
    }

    #[test]
    fn an_extract_of_one_page_stands_for_its_whole_set() {
        let reports = chosen(&[
            ("10-K", "a.htm", PAGE),
            ("EX-13", "c.htm", PAGE),
            ("XML", "a_htm.xml", b"<?xml"),
        ]);

        assert_eq!(reports, [Report::Instance(2)]);
    }

    #[test]
    fn filing_fees_are_a_report_of_their_own() {
        let reports = chosen(&[
            ("S-3", "a.htm", PAGE),
            ("EX-FILING FEES", "fees.htm", PAGE),
            ("XML", "fees_htm.xml", b"<?xml"),
        ]);

        assert_eq!(reports, [Report::Inline(vec![0]), Report::Instance(2)]);
    }

    #[test]
    fn an_instance_that_the_filer_sent_is_read() {
        let reports = chosen(&[
            ("10-K", "a.htm", b"<html>"),
            ("EX-101.INS", "a-20121231.xml", b"<?xml"),
            ("EX-101.SCH", "a-20121231.xsd", b"<?xml"),
        ]);

        assert_eq!(reports, [Report::Instance(1)]);
    }

    #[test]
    fn a_page_without_inline_xbrl_holds_no_report() {
        assert_eq!(chosen(&[("10-K", "a.htm", b"<html>")]), []);
        assert_eq!(chosen(&[("GRAPHIC", "\u{e9}.jpg", PAGE)]), []);
    }
}
