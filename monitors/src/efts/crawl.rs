//! Reading all pages of one query of the search index.
//!
//! Elsewhere: which queries cover a day (`split`), sending what was found (`efts`).
//!
//! Invariant: a crawl that ends well has met as many different documents as the total said
//! when its last pass began. What a growing day adds behind our back is read by the next poll.

use std::collections::HashSet;
use std::time::Duration;

use edgar::efts::{self, Answer, Hit};
use edgar::error::EftsError;
use edgar::paths::{self, EFTS_WINDOW, EftsQuery};
use protocol::accession::Accession;
use sec_client::{Priority, SecClient, SecError};

use crate::sighting::Gone;

/// Further attempts after an error that may pass.
///
/// Source: one request in seven was answered with 500, and all succeeded when repeated.
const RETRIES: u32 = 3;

/// Wait before the first further attempt; doubled with each.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// Times all pages are read before documents that nobody shows are given up: the index
/// orders the documents of a day as it likes, and a growing day shifts them between pages.
const PASSES: u32 = 3;

/// An answer is about 200 kB.
const ANSWER_LIMIT_BYTES: usize = 16 << 20;

/// Why a day could not be covered.
#[derive(Debug, thiserror::Error)]
pub(super) enum SearchError {
    #[error("cannot read the search index")]
    Fetch(#[source] SecError),
    #[error("cannot understand the search index")]
    Format(#[source] EftsError),
    #[error("the search index shows {met} of {total} documents")]
    Incomplete { met: u64, total: u64 },
    #[error("too many documents for one query: {forms}")]
    TooMany { forms: String },
    #[error("the search index does not say which forms the day has")]
    NoForms,
    #[error("nobody takes the sightings")]
    Gone,
}

impl From<Gone> for SearchError {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Asks the search index.
#[derive(Debug)]
pub(super) struct Searcher {
    efts_url: String,
    client: SecClient,
}

impl Searcher {
    pub(super) fn new(efts_url: String, client: SecClient) -> Self {
        Self { efts_url, client }
    }

    /// One answer; errors that may pass are met with patience.
    pub(super) async fn ask(&self, query: &EftsQuery) -> Result<Answer, SearchError> {
        let url = paths::url(&self.efts_url, &paths::efts(query));
        let mut attempt = 0;
        loop {
            let answer = self
                .client
                .get(&url, Priority::Efts, ANSWER_LIMIT_BYTES)
                .await;
            match answer {
                Ok(bytes) => return efts::parse(&bytes).map_err(SearchError::Format),
                Err(error) if attempt < RETRIES && may_pass(&error) => {
                    tokio::time::sleep(RETRY_DELAY * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(SearchError::Fetch(error)),
            }
        }
    }
}

/// The pages of one query read so far.
#[derive(Debug)]
pub(super) struct Crawl {
    /// The next page.
    query: EftsQuery,
    first_total: u64,
    /// The total when this pass began.
    pass_total: u64,
    total: u64,
    /// Documents met in all passes.
    met: HashSet<(Accession, Option<String>)>,
    pass: u32,
    /// Whether this pass has met a document that earlier ones have not.
    has_news: bool,
    /// Hits of this pass that made no sense.
    rejected: u64,
    /// Whether the last page was empty though more was promised.
    is_cut: bool,
}

impl Crawl {
    /// A crawl whose first answer gave `total`.
    pub(super) fn new(query: EftsQuery, total: u64) -> Self {
        Self {
            query,
            first_total: total,
            pass_total: total,
            total,
            met: HashSet::new(),
            pass: 1,
            has_news: false,
            rejected: 0,
            is_cut: false,
        }
    }

    /// Takes the answer to the query last given; its hits that are new to the crawl.
    pub(super) fn take(&mut self, answer: Answer) -> Vec<Hit> {
        let count = answer.hits.len() + answer.rejected.len();
        self.total = answer.total.value;
        self.is_cut = count == 0 && self.has_more();
        self.query.offset += u32::try_from(count).unwrap_or(EFTS_WINDOW);
        self.rejected += answer.rejected.len() as u64;
        let mut hits = answer.hits;
        hits.retain(|hit| self.met.insert((hit.accession, hit.filename.clone())));
        self.has_news |= !hits.is_empty();
        hits
    }

    /// The query to ask next; `None` when all documents have been met, or when reading all
    /// pages once more has shown no other.
    ///
    /// # Errors
    /// [`SearchError::Incomplete`] when documents that were promised do not come,
    /// [`SearchError::TooMany`] when the day has outgrown the query.
    pub(super) fn next(&mut self) -> Result<Option<EftsQuery>, SearchError> {
        if self.total >= EFTS_WINDOW.into() {
            let forms = self.query.forms.join(",");
            return Err(SearchError::TooMany { forms });
        }
        if self.has_more() && !self.is_cut {
            return Ok(Some(self.query.clone()));
        }
        let met = self.met.len() as u64 + self.rejected;
        if !self.is_cut && (met >= self.pass_total || (self.pass > 1 && !self.has_news)) {
            return Ok(None);
        }
        if self.is_cut || self.pass == PASSES {
            let total = self.pass_total;
            return Err(SearchError::Incomplete { met, total });
        }
        self.begin_pass();
        Ok(Some(self.query.clone()))
    }

    /// Whether the total stood still while the pages were read.
    pub(super) fn stood_still(&self) -> bool {
        self.total == self.first_total
    }

    /// Hits of the last pass that made no sense.
    pub(super) fn rejected(&self) -> u64 {
        self.rejected
    }

    fn has_more(&self) -> bool {
        u64::from(self.query.offset) < self.total
    }

    fn begin_pass(&mut self) {
        self.pass += 1;
        self.pass_total = self.total;
        self.query.offset = 0;
        self.has_news = false;
        self.rejected = 0;
    }
}

/// Whether asking again within the poll makes sense; a block is for the next poll to find over.
fn may_pass(error: &SecError) -> bool {
    error.is_transient() && !matches!(error, SecError::Blocked { .. })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use edgar::efts::Total;
    use protocol::cik::Cik;

    /// A page with the documents of these serials.
    fn page(total: u64, serials: &[u32]) -> Answer {
        let hit = |serial: &u32| Hit {
            accession: Accession::new(Cik::new(1), 26, *serial).unwrap(),
            form: "8-K".parse().unwrap(),
            filers: Vec::new(),
            filed_on: None,
            items: Vec::new(),
            file_type: None,
            sequence: None,
            filename: None,
            period: None,
        };
        Answer {
            total: Total {
                value: total,
                saturated: false,
            },
            hits: serials.iter().map(hit).collect(),
            rejected: Vec::new(),
            form_buckets: Vec::new(),
            other_forms: 0,
        }
    }

    /// Takes pages until the crawl ends; offsets asked for and the end.
    fn crawl(pages: &[Answer]) -> (Vec<u32>, Result<(), String>) {
        let query = EftsQuery::day("2026-03-03".parse().unwrap());
        let mut crawl = Crawl::new(query, pages[0].total.value);
        let mut offsets = Vec::new();
        for page in pages {
            crawl.take(page.clone());
            match crawl.next() {
                Ok(Some(query)) => offsets.push(query.offset),
                Ok(None) => return (offsets, Ok(())),
                Err(error) => return (offsets, Err(error.to_string())),
            }
        }
        panic!("the crawl asks for more than {} pages", pages.len());
    }

    #[test]
    fn pages_are_read_until_all_documents_are_met() {
        let (offsets, end) = crawl(&[page(5, &[1, 2]), page(5, &[3, 4]), page(5, &[5])]);

        assert_eq!(offsets, [2, 4]);
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn a_day_that_shifts_under_the_crawl_is_read_again() {
        let (offsets, end) = crawl(&[
            page(3, &[1, 2]),
            page(3, &[2]),
            page(3, &[3, 1]),
            page(3, &[2]),
        ]);

        assert_eq!(offsets, [2, 0, 2]);
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn a_document_that_is_listed_twice_does_not_keep_the_crawl_going() {
        let (offsets, end) = crawl(&[page(2, &[1, 1]), page(2, &[1, 1])]);

        assert_eq!(offsets, [0]);
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn an_empty_page_in_place_of_promised_documents_is_an_error() {
        let (_, end) = crawl(&[page(300, &[1, 2]), page(300, &[])]);

        assert_eq!(
            end.unwrap_err(),
            "the search index shows 2 of 300 documents"
        );
    }

    #[test]
    fn an_empty_day_ends_at_once() {
        let (offsets, end) = crawl(&[page(0, &[])]);

        assert!(offsets.is_empty());
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn a_day_that_outgrows_its_query_is_an_error() {
        let (_, end) = crawl(&[page(9_999, &[1, 2]), page(10_000, &[3, 4])]);

        assert!(end.is_err());
    }
}
