//! Where sec.gov keeps things: paths to ask for, and what a path tells.
//!
//! A builder gives the path and query only. The scheme and host in front come from the
//! configuration, so that a simulator can stand in for sec.gov; [`url`] joins the two.
//! What events tell users is always on sec.gov itself ([`urls`]).
//!
//! Source: sec.gov, "Accessing EDGAR Data".

use std::fmt::Write;

use protocol::{accession::Accession, cik::Cik, filing::Urls, time::Date};

use crate::index::Kind;

/// Scheme and host of everything but the full-text search.
pub const WWW: &str = "https://www.sec.gov";

/// Scheme and host of the full-text search.
pub const EFTS: &str = "https://efts.sec.gov";

/// Most entries of one page of the latest-filings feed.
pub const FEED_PAGE_MAX: u8 = 100;

/// Hits of one page of the full-text search.
pub const EFTS_PAGE: u32 = 100;

/// Offsets from here on are out of reach in the full-text search.
pub const EFTS_WINDOW: u32 = 10_000;

/// A query of the full-text search: the filings of some days, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EftsQuery {
    /// First filing date.
    pub first: Date,
    /// Last filing date, included.
    pub last: Date,
    /// Only primary documents: about one hit for each filing.
    pub primary_only: bool,
    /// Root forms wanted, all if empty; with a leading `-`, forms not wanted.
    /// `8-K` includes `8-K/A`, `8-K/A` does not include `8-K`.
    pub forms: Vec<String>,
    /// Hits to skip; offset and page together stay within [`EFTS_WINDOW`].
    pub offset: u32,
}

impl EftsQuery {
    /// All primary documents of one filing date, from the first hit.
    pub fn day(date: Date) -> Self {
        Self {
            first: date,
            last: date,
            primary_only: true,
            forms: Vec::new(),
            offset: 0,
        }
    }
}

/// `base` (scheme and host, with or without a slash at its end) and `path` as one URL.
pub fn url(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

/// The pages of a filing on sec.gov, as events show them.
pub fn urls(cik: Cik, accession: Accession) -> Urls {
    Urls {
        index: Some(url(WWW, &index_page(cik, accession))),
        submission: Some(url(WWW, &submission(cik, accession))),
    }
}

/// The folder of a filing, with a slash at its end. Any of its filers' CIKs will do.
pub fn folder(cik: Cik, accession: Accession) -> String {
    format!("/Archives/edgar/data/{cik}/{}/", accession.compact())
}

/// The submission.
pub fn submission(cik: Cik, accession: Accession) -> String {
    format!("{}{accession}.txt", folder(cik, accession))
}

/// The submission under the shorter path that index files use; the bytes are the same.
pub fn submission_as_listed(cik: Cik, accession: Accession) -> String {
    format!("/Archives/edgar/data/{cik}/{accession}.txt")
}

/// The index page, there from acceptance on.
pub fn index_page(cik: Cik, accession: Accession) -> String {
    format!("{}{accession}-index.htm", folder(cik, accession))
}

/// The index page of a filing whose filers are not known.
pub fn index_page_without_cik(accession: Accession) -> String {
    let compact = accession.compact();
    format!("/Archives/edgar/data/{compact}/{accession}-index.htm")
}

/// The header of the submission alone.
pub fn header(cik: Cik, accession: Accession) -> String {
    format!("{}{accession}.hdr.sgml", folder(cik, accession))
}

/// The daily index of a date.
pub fn daily_index(kind: Kind, date: Date) -> String {
    let folder = quarter_folder("daily-index", date.year(), quarter_of(date));
    let day = format!("{:04}{:02}{:02}", date.year(), date.month(), date.day());
    format!("{folder}{kind}.{day}.idx")
}

/// The listing of a quarter's daily indexes, as JSON.
pub fn daily_index_listing(year: i16, quarter: u8) -> String {
    format!("{}index.json", quarter_folder("daily-index", year, quarter))
}

/// The index of a whole quarter, 1 to 4.
pub fn quarter_index(kind: Kind, year: i16, quarter: u8) -> String {
    format!("{}{kind}.idx", quarter_folder("full-index", year, quarter))
}

/// The same, compressed: an eighth of the bytes, and a checksum at its end.
pub fn quarter_index_compressed(kind: Kind, year: i16, quarter: u8) -> String {
    format!("{}{kind}.gz", quarter_folder("full-index", year, quarter))
}

/// The calendar quarter of a date, 1 to 4.
pub fn quarter_of(date: Date) -> u8 {
    (date.month() as u8 - 1) / 3 + 1
}

/// A page of the latest-filings feed: `count` entries after the first `start`.
///
/// EDGAR knows the counts 10, 20, 40, 80 and 100. `form` selects by prefix, so that
/// `4` also brings `424B2`; empty for all forms.
pub fn latest_filings(start: u32, count: u8, form: &str) -> String {
    let form = encoded(form);
    format!(
        "/cgi-bin/browse-edgar?action=getcurrent&count={count}&start={start}&type={form}&owner=include&output=atom"
    )
}

/// A page of the full-text search, on the host [`EFTS`].
pub fn efts(query: &EftsQuery) -> String {
    let forms: Vec<String> = query.forms.iter().map(|form| encoded(form)).collect();
    let primary = query.primary_only.then(|| "-0".to_owned());
    let forms: Vec<String> = primary.into_iter().chain(forms).collect();
    format!(
        "/LATEST/search-index?dateRange=custom&startdt={}&enddt={}&forms={}&from={}&size={EFTS_PAGE}",
        query.first,
        query.last,
        forms.join(","),
        query.offset
    )
}

/// The accession that a path or URL of the archive names.
///
/// The last part that is an accession counts: dashed at the beginning of a file name,
/// or 18 digits as a folder.
pub fn accession_in(path: &str) -> Option<Accession> {
    parts(path).rev().find_map(accession_of_part)
}

/// The CIK in a path or URL of the archive: the part after `edgar/data`.
pub fn cik_in(path: &str) -> Option<Cik> {
    let mut parts = parts(path).skip_while(|part| *part != "data");
    parts.nth(1)?.parse().ok()
}

fn quarter_folder(product: &str, year: i16, quarter: u8) -> String {
    format!("/Archives/edgar/{product}/{year:04}/QTR{quarter}/")
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path[..end].split('/')
}

fn accession_of_part(part: &str) -> Option<Accession> {
    const DASHED: usize = 20;
    const COMPACT: usize = 18;
    if part.len() == COMPACT {
        return part.parse().ok();
    }
    let (dashed, rest) = part.split_at_checked(DASHED)?;
    let ended = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_dashed = dashed.as_bytes()[10] == b'-';
    (ended && is_dashed).then(|| dashed.parse().ok())?
}

/// Percent-encodes what has a meaning in a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    encoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const CIK: Cik = Cik::new(1_999_991);

    fn accession() -> Accession {
        "0001999999-26-000042".parse().unwrap()
    }

    #[test]
    fn a_filing_has_these_pages() {
        let folder = "/Archives/edgar/data/1999991/000199999926000042/";
        let page = |name: &str| format!("{folder}0001999999-26-000042{name}");

        assert_eq!(super::folder(CIK, accession()), folder);
        assert_eq!(submission(CIK, accession()), page(".txt"));
        assert_eq!(index_page(CIK, accession()), page("-index.htm"));
        assert_eq!(header(CIK, accession()), page(".hdr.sgml"));
        assert_eq!(
            submission_as_listed(CIK, accession()),
            "/Archives/edgar/data/1999991/0001999999-26-000042.txt"
        );
        assert_eq!(
            index_page_without_cik(accession()),
            "/Archives/edgar/data/000199999926000042/0001999999-26-000042-index.htm"
        );
    }

    #[test]
    fn events_show_urls_of_sec_gov() {
        let urls = urls(CIK, accession());

        assert_eq!(
            urls.submission.unwrap(),
            "https://www.sec.gov/Archives/edgar/data/1999991/000199999926000042/0001999999-26-000042.txt"
        );
    }

    #[test]
    fn a_base_may_end_in_a_slash() {
        assert_eq!(
            url("http://127.0.0.1:8081/", "/x"),
            "http://127.0.0.1:8081/x"
        );
        assert_eq!(url(WWW, "/x"), "https://www.sec.gov/x");
    }

    #[test]
    fn indexes_lie_in_the_folder_of_their_quarter() {
        assert_eq!(
            daily_index(Kind::Master, date(2026, 3, 3)),
            "/Archives/edgar/daily-index/2026/QTR1/master.20260303.idx"
        );
        assert_eq!(
            daily_index(Kind::Crawler, date(2025, 12, 31)),
            "/Archives/edgar/daily-index/2025/QTR4/crawler.20251231.idx"
        );
        assert_eq!(
            quarter_index(Kind::Master, 2025, 4),
            "/Archives/edgar/full-index/2025/QTR4/master.idx"
        );
        assert_eq!(
            daily_index_listing(2026, 1),
            "/Archives/edgar/daily-index/2026/QTR1/index.json"
        );
    }

    #[test]
    fn queries_are_encoded() {
        let mut query = EftsQuery::day(date(2026, 3, 3));
        query.forms = vec!["SCHEDULE 13D/A".to_owned(), "-8-K".to_owned()];
        query.offset = 200;

        assert_eq!(
            efts(&query),
            "/LATEST/search-index?dateRange=custom&startdt=2026-03-03&enddt=2026-03-03&forms=-0,SCHEDULE%2013D%2FA,-8-K&from=200&size=100"
        );
        assert_eq!(
            latest_filings(100, 100, "4&x"),
            "/cgi-bin/browse-edgar?action=getcurrent&count=100&start=100&type=4%26x&owner=include&output=atom"
        );
    }

    #[test]
    fn every_page_of_a_filing_names_it() {
        for path in [
            submission(CIK, accession()),
            submission_as_listed(CIK, accession()),
            index_page(CIK, accession()),
            header(CIK, accession()),
            folder(CIK, accession()),
            format!("{}quay-20260303.htm", folder(CIK, accession())),
            url(WWW, &index_page(CIK, accession())),
            "edgar/data/1999991/0001999999-26-000042.txt?x=/1/2".to_owned(),
        ] {
            assert_eq!(accession_in(&path), Some(accession()), "{path}");
            assert_eq!(cik_in(&path), Some(CIK), "{path}");
        }
    }

    #[test]
    fn a_path_of_something_else_names_nothing() {
        for path in [
            "",
            "/",
            "/Archives/edgar/data/",
            "/Archives/edgar/full-index/2025/QTR4/master.idx",
            "/Archives/edgar/data/é/0001999999-26-0000é2.txt",
            "/cgi-bin/browse-edgar?action=getcurrent",
        ] {
            assert_eq!(accession_in(path), None, "{path}");
            assert_eq!(cik_in(path), None, "{path}");
        }
    }

    #[test]
    fn an_index_page_without_cik_names_no_filer() {
        let path = index_page_without_cik(accession());

        assert_eq!(accession_in(&path), Some(accession()));
        assert_eq!(cik_in(&path), None);
    }

    proptest! {
        #[test]
        fn no_path_panics(path in ".{0,80}", form in ".{0,20}") {
            let _ = (accession_in(&path), cik_in(&path), latest_filings(0, 100, &form));
        }
    }
}
