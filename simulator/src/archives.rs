//! Files under `/Archives/edgar`: submissions, index pages, index files.
//!
//! Invariant: a submission is served under the CIK of every party and of nobody else.

use axum::http::{StatusCode, header};

use crate::answer::{Answer, PACKED, packed};
use crate::clock::http_date;
use crate::faults::{Fault, Faults};
use crate::index;
use crate::index_page;
use crate::ledger::{Log, PathClass};
use crate::pages;
use crate::random::digest;
use crate::shelf::{Published, Shelf};
use crate::submission::Submission;

/// What a path under `/Archives/` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `data/{cik}/{18 digits}/{accession}.txt` or `data/{cik}/{accession}.txt`.
    Submission { cik: u64, accession: String },
    /// The same with `-index.htm`; the CIK may be left out.
    IndexPage { cik: Option<u64>, accession: String },
    /// `daily-index/2026/QTR1/master.20260303.idx`, `full-index/2026/QTR1/master.gz`.
    IndexFile(index::Name),
    /// Anything else: there is no such key.
    Unknown,
}

impl Wanted {
    /// Reads a path.
    pub(crate) fn of(path: &str) -> Self {
        let Some(path) = path.strip_prefix("/Archives/edgar/") else {
            return Self::Unknown;
        };
        if let Some(name) = index::Name::parse(path) {
            return Self::IndexFile(name);
        }
        path.strip_prefix("data/")
            .and_then(file)
            .unwrap_or(Self::Unknown)
    }

    /// What kind of thing it is.
    pub(crate) fn class(&self) -> PathClass {
        match self {
            Self::Submission { .. } => PathClass::Submission,
            Self::IndexPage { .. } => PathClass::IndexPage,
            Self::IndexFile(name) if name.is_daily() => PathClass::DailyIndex,
            Self::IndexFile(_) => PathClass::QuarterIndex,
            Self::Unknown => PathClass::Other,
        }
    }
}

/// What an answer is made of.
#[derive(Debug)]
pub(crate) struct Archives<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) now: jiff::Timestamp,
    pub(crate) faults: &'a Faults,
    pub(crate) log: &'a Log,
}

impl Archives<'_> {
    /// Answers a request for `wanted`, which stands at `path`.
    pub(crate) fn answer(
        &self,
        wanted: &Wanted,
        path: &str,
        if_none_match: Option<&str>,
    ) -> Answer {
        let answer = match wanted {
            Wanted::Submission { cik, accession } => {
                self.submission(*cik, accession, path, if_none_match)
            }
            Wanted::IndexPage { cik, accession } => self.index_page(*cik, accession),
            Wanted::IndexFile(name) => Some(self.index_file(name, path)),
            Wanted::Unknown => None,
        };
        answer.unwrap_or_else(|| pages::no_such_key(path))
    }

    fn submission(
        &self,
        cik: u64,
        accession: &str,
        path: &str,
        if_none_match: Option<&str>,
    ) -> Option<Answer> {
        let published = self
            .shelf
            .find(accession)
            .filter(|published| is_party(published, cik))?;
        if self.now < published.stages.submission || self.is_gone(&published) {
            return None;
        }
        if self.faults.marks(Fault::NotFoundFirst, accession)
            && self.faults.first(Fault::NotFoundFirst, accession)
        {
            self.log.fault(Fault::NotFoundFirst, path, self.now);
            return None;
        }
        let again = published.stages.again.filter(|again| *again <= self.now);
        if again.is_some() {
            self.shelf.note(Fault::Redisseminate, accession);
        }
        let uploaded = again.unwrap_or(published.stages.submission);
        let tag = entity_tag(&format!("{accession}{again:?}"));
        let known = if_none_match.is_some_and(|tags| tags.contains(&tag));
        let answer = match known {
            true => Answer::new(StatusCode::NOT_MODIFIED, "text/plain", ""),
            false => Answer::submission(Submission::of(&published.filing_at(self.now))),
        };
        let answer = answer.entity_tag(tag);
        Some(answer.header(header::LAST_MODIFIED, &http_date(uploaded)))
    }

    fn index_page(&self, cik: Option<u64>, accession: &str) -> Option<Answer> {
        let published = self.shelf.find(accession)?;
        let is_other = cik.is_some_and(|cik| !is_party(&published, cik));
        if is_other || self.now < published.stages.index || self.is_gone(&published) {
            return None;
        }
        let page = index_page::render(&published.filing);
        let answer = Answer::new(StatusCode::OK, "text/html", page)
            .header(header::CACHE_CONTROL, "no-cache");
        Some(answer.header(
            header::LAST_MODIFIED,
            &http_date(published.filing.accepted_at),
        ))
    }

    /// Whether a filing is removed, which is noted.
    fn is_gone(&self, published: &Published) -> bool {
        let is_gone = published.is_withdrawn(self.now);
        if is_gone {
            self.shelf
                .note(Fault::Withdraw, &published.filing.accession);
        }
        is_gone
    }

    fn index_file(&self, name: &index::Name, path: &str) -> Answer {
        let Some(listing) = name.listing(self.shelf, self.now) else {
            return pages::access_denied();
        };
        let mut text = index::render(name, &listing);
        self.garble(&mut text, name, path);
        self.take_rows(&mut text, name, path);
        let mut body = match name.is_packed {
            true => packed(std::iter::once(text.into())).into(),
            false => text,
        };
        self.truncate(&mut body, path);
        let content_type = if name.is_packed { PACKED } else { "text/plain" };
        Answer::new(StatusCode::OK, content_type, body)
            .header(header::LAST_MODIFIED, &http_date(listing.made_at))
            .entity_tag(entity_tag(&format!("{name:?}{}", listing.made_at)))
    }

    /// Damages an index, if the plan says so.
    fn garble(&self, text: &mut [u8], name: &index::Name, path: &str) {
        if !self.faults.strikes(Fault::IndexGarble) {
            return;
        }
        match self.faults.way(2) {
            0 => index::make_of_another_day(text),
            _ => index::fill_with_rubbish(text),
        }
        tracing::debug!(?name, "an index is garbled");
        self.log.fault(Fault::IndexGarble, path, self.now);
    }

    /// Cuts a day's index behind its header, if the plan says so.
    fn take_rows(&self, text: &mut Vec<u8>, name: &index::Name, path: &str) {
        if !name.is_daily() || !self.faults.strikes(Fault::IndexEmpty) {
            return;
        }
        text.truncate(index::length_of_head(text));
        self.log.fault(Fault::IndexEmpty, path, self.now);
    }

    /// Cuts an index in its last third and never between two rows, if the plan says so.
    fn truncate(&self, body: &mut Vec<u8>, path: &str) {
        if !self.faults.strikes(Fault::IndexTruncate) {
            return;
        }
        let third = body.len() / 3;
        let mut end = body.len() - 1 - self.faults.way(third.max(1));
        while end > 1 && body[end - 1..=end].contains(&b'\n') {
            end -= 1;
        }
        body.truncate(end);
        self.log.fault(Fault::IndexTruncate, path, self.now);
    }
}

fn is_party(published: &Published, cik: u64) -> bool {
    published
        .filing
        .parties
        .iter()
        .any(|party| party.filer.cik == cik)
}

/// An opaque tag in the shape of the archive's: 32 hexadecimal digits.
fn entity_tag(name: &str) -> String {
    let digest = digest(name);
    format!(
        "{digest:016x}{:016x}",
        digest.rotate_left(17) ^ 0x5ec5_ec5e_c5ec_5ec5
    )
}

/// What a path below `data/` asks for.
fn file(path: &str) -> Option<Wanted> {
    let parts: Vec<&str> = path.split('/').collect();
    let (cik, folder, file) = match parts.as_slice() {
        [cik, folder, file] => (Some(cik.parse().ok()?), Some(*folder), *file),
        [folder, file] if folder.len() == 18 => (None, Some(*folder), *file),
        [cik, file] => (Some(cik.parse().ok()?), None, *file),
        _ => return None,
    };
    let page = file
        .strip_suffix("-index.htm")
        .or_else(|| file.strip_suffix("-index.html"));
    let accession = page.or_else(|| file.strip_suffix(".txt"))?.to_owned();
    if folder.is_some_and(|folder| folder != accession.replace('-', "")) {
        return None;
    }
    match (page, cik) {
        (Some(_), cik) => Some(Wanted::IndexPage { cik, accession }),
        (None, Some(cik)) => Some(Wanted::Submission { cik, accession }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESSION: &str = "0001999999-26-000042";

    #[test]
    fn a_submission_has_two_addresses() {
        for path in [
            "/Archives/edgar/data/1999991/000199999926000042/0001999999-26-000042.txt",
            "/Archives/edgar/data/1999991/0001999999-26-000042.txt",
        ] {
            let expected = Wanted::Submission {
                cik: 1_999_991,
                accession: ACCESSION.to_owned(),
            };
            assert_eq!(Wanted::of(path), expected, "{path}");
        }
    }

    #[test]
    fn an_index_page_is_found_without_a_cik() {
        let path = "/Archives/edgar/data/000199999926000042/0001999999-26-000042-index.htm";

        assert_eq!(
            Wanted::of(path),
            Wanted::IndexPage {
                cik: None,
                accession: ACCESSION.to_owned()
            }
        );
    }

    #[test]
    fn strange_paths_ask_for_nothing() {
        for path in [
            "/Archives/",
            "/Archives/edgar/data/x/y.txt",
            "/Archives/edgar/data/1/2/0001999999-26-000042.txt",
            "/Archives/edgar/data/1/2/3/4",
        ] {
            assert_eq!(Wanted::of(path), Wanted::Unknown, "{path}");
        }
    }
}
