//! Files under `/Archives/edgar`: submissions, index pages, daily indexes.
//!
//! Invariant: a submission is served under the CIK of every party and of nobody else.

use axum::http::{StatusCode, header};

use crate::answer::Answer;
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
    /// `daily-index/2026/QTR1/master.20260303.idx`.
    DailyIndex(index::Name),
    /// Anything else: there is no such key.
    Unknown,
}

impl Wanted {
    /// Reads a path.
    pub(crate) fn of(path: &str) -> Self {
        let Some(path) = path.strip_prefix("/Archives/edgar/") else {
            return Self::Unknown;
        };
        if let Some(rest) = path.strip_prefix("daily-index/") {
            return index::Name::parse(rest).map_or(Self::Unknown, Self::DailyIndex);
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
            Self::DailyIndex(_) => PathClass::DailyIndex,
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
            Wanted::DailyIndex(name) => Some(self.daily_index(name)),
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
        if self.now < published.stages.submission {
            return None;
        }
        if self.faults.marks(Fault::NotFoundFirst, accession)
            && self.faults.first(Fault::NotFoundFirst, accession)
        {
            self.log.fault(Fault::NotFoundFirst, path, self.now);
            return None;
        }
        let tag = entity_tag(accession);
        let known = if_none_match.is_some_and(|tags| tags.contains(&tag));
        let answer = match known {
            true => Answer::new(StatusCode::NOT_MODIFIED, "text/plain", ""),
            false => Answer::submission(Submission::of(&published.filing)),
        };
        Some(answer.entity_tag(tag).header(
            header::LAST_MODIFIED,
            &http_date(published.stages.submission),
        ))
    }

    fn index_page(&self, cik: Option<u64>, accession: &str) -> Option<Answer> {
        let published = self.shelf.find(accession)?;
        if cik.is_some_and(|cik| !is_party(&published, cik)) || self.now < published.stages.index {
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

    fn daily_index(&self, name: &index::Name) -> Answer {
        let Some(cutoff) = self.shelf.index_cutoff(name.day) else {
            return pages::access_denied();
        };
        match index::render(name, &self.shelf.all(), cutoff) {
            Some(text) => Answer::new(StatusCode::OK, "text/plain", text)
                .header(header::LAST_MODIFIED, &http_date(cutoff))
                .entity_tag(entity_tag(&format!("{name:?}{cutoff}"))),
            None => pages::access_denied(),
        }
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
