//! The Atom feed of the latest filings, `browse-edgar?action=getcurrent`.
//!
//! One entry per filer and role, sorted by acceptance, in ISO-8859-1. Entries are
//! rendered once per filing. Elsewhere: when a filing is listed (`shelf`).
//!
//! Invariant: pages of one walk without new filings neither skip nor repeat an entry.
//! Source: recorded answers of sec.gov.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use bytes::Bytes;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::clock::{eastern, later};
use crate::faults::{Fault, Faults};
use crate::ledger::Log;
use crate::pages;
use crate::query::Query;
use crate::shelf::{Filings, Published};
use crate::text::{escape, latin1};
use crate::world::{Filing, Party, Primary};

/// Page sizes EDGAR knows; it takes [`DEFAULT_COUNT`] for any other.
const COUNTS: [usize; 5] = [10, 20, 40, 80, 100];
const DEFAULT_COUNT: usize = 40;
/// How far before a page boundary the entries of a filing are looked for to tear apart.
const REACH: usize = 6;

/// What a page is made of.
#[derive(Debug)]
pub(crate) struct Feed<'a> {
    pub(crate) filings: &'a Filings,
    pub(crate) now: Timestamp,
    /// What was listed until then is shown; `now`, unless the feed stands still.
    pub(crate) as_of: Timestamp,
    pub(crate) retention: Duration,
    pub(crate) faults: &'a Faults,
    pub(crate) log: &'a Log,
}

/// One entry of one filing.
#[derive(Debug, Clone)]
struct Line<'a> {
    published: &'a Arc<Published>,
    entry: usize,
}

impl Feed<'_> {
    /// Answers a request for the feed.
    pub(crate) fn answer(&self, query: &Query) -> Answer {
        if query.get("action") != Some("getcurrent") {
            return Answer::new(
                StatusCode::OK,
                "text/html",
                "<html><head><title>EDGAR Search</title></head></html>",
            );
        }
        let start = query.number("start").unwrap_or(0);
        let count = query
            .number("count")
            .filter(|count| COUNTS.contains(count))
            .unwrap_or(DEFAULT_COUNT);
        let Some(lines) = self.page(query, start, count) else {
            return pages::unavailable();
        };
        if !matches!(query.get("output"), Some("atom" | "rss")) {
            return Answer::new(StatusCode::OK, "text/html", self.html(&lines))
                .header(header::CACHE_CONTROL, "no-cache");
        }
        let mut body = self.head();
        for line in &lines {
            body.extend_from_slice(entry(line));
        }
        body.extend_from_slice(b"</feed>\n");
        self.spoil(&mut body);
        Answer::new(StatusCode::OK, "application/atom+xml", body)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::SERVER, "Apache")
    }

    /// The entries from `start` on, or nothing when the feed ends before.
    fn page(&self, query: &Query, start: usize, count: usize) -> Option<Vec<Line<'_>>> {
        let first = start.saturating_sub(REACH + 1); // One more, to see whether an entry stands alone.
        let end = start.saturating_add(count);
        let mut seen = 0;
        let mut lines = Vec::new();
        for line in self.lines(query) {
            if seen >= first {
                lines.push(line);
            }
            seen += 1;
            if seen > end {
                break;
            }
        }
        if start > 0 && seen <= start {
            return None;
        }
        for boundary in [start, end] {
            self.tear(&mut lines, boundary - first);
        }
        let skipped = start - first;
        Some(lines.into_iter().skip(skipped).take(count).collect())
    }

    /// All entries that match, newest acceptance first.
    fn lines(&self, query: &Query) -> impl Iterator<Item = Line<'_>> {
        let oldest = later(self.now, -self.retention.as_secs_f64());
        let form = query.get("type").unwrap_or_default().to_uppercase();
        let owner = query.get("owner").unwrap_or("include").to_owned();
        self.filings
            .iter()
            .rev()
            .take_while(move |published| published.filing.accepted_at >= oldest)
            .filter(|published| {
                published
                    .stages
                    .listed
                    .is_some_and(|listed| listed <= self.as_of)
            })
            .filter(|published| !published.is_withdrawn(self.now))
            .filter(move |published| wanted(&published.filing, &form, &owner))
            .flat_map(|published| self.entries_of(published))
    }

    fn entries_of<'a>(&self, published: &'a Arc<Published>) -> Vec<Line<'a>> {
        let count = published.filing.parties.len();
        let accession = &published.filing.accession;
        let mut lines: Vec<Line> = (0..count).map(|entry| Line { published, entry }).collect();
        if self.faults.share(Fault::Duplicate) > 0.0
            && self.faults.marks(Fault::Duplicate, accession)
        {
            lines.extend_from_within(..);
            self.note_once(Fault::Duplicate, accession);
        }
        lines
    }

    /// Moves the last entry of a filing before `boundary` to just behind it.
    fn tear(&self, lines: &mut [Line<'_>], boundary: usize) {
        if boundary == 0 || boundary >= lines.len() || self.faults.share(Fault::Straddle) == 0.0 {
            return;
        }
        let same = |a: usize, b: usize| Arc::ptr_eq(lines[a].published, lines[b].published);
        if same(boundary - 1, boundary) {
            self.note_once(Fault::Straddle, &lines[boundary].published.filing.accession);
            return;
        }
        let whole = |at: &usize| *at > 0 && same(*at - 1, *at) && !same(*at, *at + 1);
        let candidate = (boundary.saturating_sub(REACH)..boundary).rev().find(whole);
        let Some(at) = candidate else { return };
        let accession = lines[at].published.filing.accession.clone();
        if self.faults.marks(Fault::Straddle, &accession) {
            lines[at..=boundary].rotate_left(1);
            self.note_once(Fault::Straddle, &accession);
        }
    }

    fn note_once(&self, fault: Fault, accession: &str) {
        if self.faults.first(fault, accession) {
            self.log.fault(fault, accession, self.now);
        }
    }

    fn head(&self) -> Vec<u8> {
        let now = eastern(self.now);
        let title = now.strftime("%a, %d %b %Y %H:%M:%S %Z");
        let updated = now.strftime("%Y-%m-%dT%H:%M:%S%:z");
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>Latest Filings - {title}</title>\n\
             <link rel=\"alternate\" href=\"/cgi-bin/browse-edgar?action=getcurrent\"/>\n<link rel=\"self\" href=\"/cgi-bin/browse-edgar?action=getcurrent\"/>\n\
             <id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>\n\
             <author><name>Webmaster</name><email>webmaster@sec.gov</email></author>\n<updated>{updated}</updated>\n"
        )
        .into_bytes()
    }

    fn html(&self, lines: &[Line<'_>]) -> Vec<u8> {
        let mut page = String::from(
            "<html><head><title>Latest Filings Received</title></head><body><table>\n",
        );
        for Line { published, entry } in lines {
            let (filing, party) = (&published.filing, &published.filing.parties[*entry]);
            page.push_str(&format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                filing.rule.form,
                title_name(party),
                filing.accession
            ));
        }
        page.push_str("</table></body></html>\n");
        latin1(&page)
    }

    /// Makes the document one that no XML parser takes, if the plan says so.
    fn spoil(&self, body: &mut Vec<u8>) {
        if !self.faults.strikes(Fault::MalformedAtom) {
            return;
        }
        let half = body.len() / 2;
        match self.faults.way(3) {
            0 => body.truncate(half),
            1 => drop(body.splice(half..half, *b"<entry")),
            _ => drop(body.splice(body.len() - 8.., *b"</fed>\n")),
        }
        self.log
            .fault(Fault::MalformedAtom, "/cgi-bin/browse-edgar", self.now);
    }
}

/// `type` is a prefix: `4` also finds 424B2.
fn wanted(filing: &Filing, form: &str, owner: &str) -> bool {
    let ownership = matches!(filing.rule.root(), "3" | "4" | "5");
    let by_owner = match owner {
        "exclude" => !ownership,
        "only" => ownership,
        _ => true,
    };
    by_owner && filing.rule.form.starts_with(form)
}

fn entry<'a>(line: &Line<'a>) -> &'a Bytes {
    let published: &'a Published = line.published;
    let entries = published.entries.get_or_init(|| {
        let filing = &published.filing;
        filing
            .parties
            .iter()
            .map(|party| latin1(&render(filing, party)).into())
            .collect()
    });
    &entries[line.entry]
}

fn render(filing: &Filing, party: &Party) -> String {
    let (form, accession, cik) = (filing.rule.form, &filing.accession, party.filer.cik);
    let updated = eastern(filing.accepted_at)
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string();
    format!(
        "<entry>\n<title>{form} - {} ({cik:010}) ({})</title>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"https://www.sec.gov/Archives/edgar/data/{cik}/{}/{accession}-index.htm\"/>\n\
         <summary type=\"html\">\n{}</summary>\n<updated>{updated}</updated>\n\
         <category scheme=\"https://www.sec.gov/\" label=\"form type\" term=\"{form}\"/>\n\
         <id>urn:tag:sec.gov,2008:accession-number={accession}</id>\n</entry>\n",
        title_name(party),
        party.role.atom(),
        filing.digits(),
        summary(filing),
    )
}

fn title_name(party: &Party) -> String {
    escape(&party.filer.name)
}

/// Markup inside the summary is escaped; paper filings begin with their film number.
fn summary(filing: &Filing) -> String {
    let film = match filing.rule.primary {
        Primary::Paper => format!(
            "&lt;b&gt;Film#:&lt;/b&gt; {:02}{} ",
            filing.filed_on.year() % 100,
            filing.parties[0].film_number
        ),
        _ => String::new(),
    };
    let (filed, accession) = (filing.filed_on, &filing.accession);
    let size = size(filing.submission_bytes);
    let mut summary = format!(
        "{film} &lt;b&gt;Filed:&lt;/b&gt; {filed} &lt;b&gt;AccNo:&lt;/b&gt; {accession} &lt;b&gt;Size:&lt;/b&gt; {size}\n"
    );
    for item in &filing.items {
        summary.push_str(&format!(
            "&lt;br&gt;Item {}: {}\n",
            item.code,
            escape(item.title)
        ));
    }
    summary
}

/// `674 KB`, `24 MB`; below a kilobyte the bare number of bytes.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => bytes.to_string(),
        1024..1_048_576 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_as_in_the_feed() {
        assert_eq!(size(948), "948");
        assert_eq!(size(690_176), "674 KB");
        assert_eq!(size(25_165_824), "24 MB");
    }
}
