//! The monitor of the full-text search index: slower than the feed, but it shows filings that
//! the feed has missed.
//!
//! A poll covers the Eastern day: its total tells whether anything was added, and only then all
//! pages are read. The index shows no more than 10,000 documents of a query; a day with more is
//! read form by form.
//!
//! Elsewhere: reading all pages of one query (`crawl`), dividing a day (`split`), the format
//! (`edgar::efts`), how often (`schedule`).
//!
//! Invariant: a day counts as covered only if as many documents were read as the total says.

mod crawl;
mod split;

use std::collections::BTreeMap;
use std::time::Duration;

use edgar::efts::{self, Answer, Hit};
use edgar::paths::{EFTS_WINDOW, EftsQuery};
use protocol::accession::Accession;
use protocol::filing::Source;
use protocol::time::{Date, Timestamp, to_millis};
use sec_client::SecClient;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::crawl::{Crawl, SearchError, Searcher};
use self::split::Split;
use crate::clock::Clock;
use crate::known::Known;
use crate::schedule;
use crate::sighting::{Gone, Report, Reports, Sighting, describe, send};

/// How the full-text search index is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EftsConfig {
    /// Whether the index is polled at all. Default true: it shows what the feed misses.
    pub enabled: bool,
    /// Milliseconds between polls. Default 30,000: a poll that finds something reads the whole
    /// day, 31 pages on an ordinary one, and the feed must not wait for that too often.
    pub poll_interval_ms: u32,
}

impl Default for EftsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            poll_interval_ms: 30_000,
        }
    }
}

/// At least between polls at night and on weekends: the index has nothing new then.
const NIGHT: Duration = Duration::from_secs(10);

/// Polls the full-text search index.
#[derive(Debug)]
pub struct EftsMonitor {
    config: EftsConfig,
    searcher: Searcher,
    clock: Clock,
    known: Known,
    /// Documents of each day when it was last covered.
    covered: BTreeMap<Date, u64>,
    failures: u32,
    /// Hits of the last poll that made no sense.
    rejected: u64,
}

impl EftsMonitor {
    /// A monitor that has not polled yet. `efts_url` is scheme and host; `known` are the filings
    /// that need no sighting any more, oldest first.
    pub fn new(
        config: EftsConfig,
        efts_url: impl Into<String>,
        client: SecClient,
        known: impl IntoIterator<Item = Accession>,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            searcher: Searcher::new(efts_url.into(), client),
            clock,
            known: Known::new(known),
            covered: BTreeMap::new(),
            failures: 0,
            rejected: 0,
        }
    }

    /// Polls until `stop` fires or nobody takes the reports. If the source is not enabled, only
    /// waits.
    pub async fn run(mut self, reports: Reports, stop: CancellationToken) {
        if !self.config.enabled {
            return stop.cancelled().await;
        }
        stop.run_until_cancelled(self.poll_on(&reports)).await;
    }

    async fn poll_on(&mut self, reports: &Reports) {
        loop {
            let started = Instant::now();
            let Ok(retry_in) = self.poll(reports).await else {
                return;
            };
            let interval = Duration::from_millis(self.config.poll_interval_ms.into());
            let pause = schedule::pause(self.clock.now(), interval, NIGHT);
            let pause = schedule::after_failures(pause, self.failures).max(retry_in);
            tokio::time::sleep_until(started + pause).await;
        }
    }

    /// One poll and its report; how long to wait at least before the next.
    async fn poll(&mut self, reports: &Reports) -> Result<Duration, Gone> {
        let began = self.clock.now();
        match self.cover_all(began, reports).await {
            Ok(documents) => {
                self.failures = 0;
                if documents > 0 {
                    let polled = Report::Polled {
                        source: Source::Efts,
                        listed_through: began,
                    };
                    send(reports, polled).await?;
                }
                Ok(Duration::ZERO)
            }
            Err(SearchError::Gone) => Err(Gone),
            Err(error) => self.report_failure(&error, reports).await,
        }
    }

    /// Covers the days that may have changed; how many documents they have.
    async fn cover_all(&mut self, now: Timestamp, reports: &Reports) -> Result<u64, SearchError> {
        let days = schedule::search_days(now);
        self.covered.retain(|day, _| days.contains(day));
        let mut documents = 0;
        for day in days {
            documents += self.cover(day, reports).await?;
        }
        Ok(documents)
    }

    /// Reads a day if it has changed; how many documents it has.
    async fn cover(&mut self, day: Date, reports: &Reports) -> Result<u64, SearchError> {
        let query = EftsQuery::day(day);
        let first = self.searcher.ask(&query).await?;
        let total = first.true_total();
        if self.covered.get(&day) == Some(&total) {
            return Ok(total);
        }
        let is_settled = if is_saturated(&first) {
            self.read_by_form(day, first, reports).await?
        } else {
            self.read(query, first, reports).await?
        };
        if is_settled {
            self.covered.insert(day, total);
        }
        Ok(total)
    }

    /// Reads a day of too many documents form by form, then what is left.
    async fn read_by_form(
        &mut self,
        day: Date,
        first: Answer,
        reports: &Reports,
    ) -> Result<bool, SearchError> {
        let mut split = Split::default();
        let mut rest = first;
        let mut is_settled = true;
        while is_saturated(&rest) {
            for forms in split.groups(&rest)? {
                is_settled &= self.read_forms(day, forms, reports).await?;
            }
            rest = self.searcher.ask(&of_forms(day, split.remainder())).await?;
        }
        let query = of_forms(day, split.remainder());
        Ok(is_settled & self.read(query, rest, reports).await?)
    }

    async fn read_forms(
        &mut self,
        day: Date,
        forms: Vec<String>,
        reports: &Reports,
    ) -> Result<bool, SearchError> {
        let query = of_forms(day, forms);
        let first = self.searcher.ask(&query).await?;
        if is_saturated(&first) {
            return Err(SearchError::TooMany {
                forms: query.forms.join(","),
            });
        }
        self.read(query, first, reports).await
    }

    /// Reads all pages of a query, of which `first` is the first, and sends what they list;
    /// whether the total stood still meanwhile.
    async fn read(
        &mut self,
        query: EftsQuery,
        first: Answer,
        reports: &Reports,
    ) -> Result<bool, SearchError> {
        let mut crawl = Crawl::new(query, first.total.value);
        let mut page = Some(first);
        while let Some(answer) = page {
            self.sight(crawl.take(answer), reports).await?;
            page = match crawl.next()? {
                Some(query) => Some(self.searcher.ask(&query).await?),
                None => None,
            };
        }
        self.tell_rejected(crawl.rejected());
        Ok(crawl.stood_still())
    }

    /// Sends the filings of a page. The hits of a filing all tell the same of it.
    async fn sight(&mut self, hits: Vec<Hit>, reports: &Reports) -> Result<(), Gone> {
        let seen_at = to_millis(self.clock.now());
        for filing in efts::join(hits, seen_at) {
            if self.known.insert(filing.accession) {
                send(reports, Report::Sighted(Sighting { filing })).await?;
            }
        }
        Ok(())
    }

    async fn report_failure(
        &mut self,
        error: &SearchError,
        reports: &Reports,
    ) -> Result<Duration, Gone> {
        self.failures = self.failures.saturating_add(1);
        let failed = Report::Failed {
            source: Source::Efts,
            at: self.clock.now(),
            error: describe(error),
        };
        send(reports, failed).await?;
        match error {
            SearchError::Fetch(cause) => Ok(schedule::retry_in(cause)),
            _ => Ok(Duration::ZERO),
        }
    }

    /// Says once that hits make no sense, as long as their number does not grow.
    fn tell_rejected(&mut self, rejected: u64) {
        if rejected > self.rejected {
            tracing::warn!(rejected, "hits of the search index cannot be understood");
        }
        self.rejected = rejected;
    }
}

fn of_forms(day: Date, forms: Vec<String>) -> EftsQuery {
    EftsQuery {
        forms,
        ..EftsQuery::day(day)
    }
}

/// Whether there are documents that no page of this query shows.
fn is_saturated(answer: &Answer) -> bool {
    answer.total.saturated || answer.total.value >= u64::from(EFTS_WINDOW)
}

#[cfg(test)]
mod tests;
