//! The monitor of the latest-filings feed: the fastest way to learn of a filing.
//!
//! Every poll is a *walk*: pages from the first on until one is reached whose oldest entries
//! are *old ground*, filings that an earlier walk has covered. Usually that is the first page.
//! The feed is ordered by acceptance, not by publication, so what was held back over night is
//! inserted far below the top: at six in the morning, and after any gap, a walk goes deeper.
//!
//! Elsewhere: joining entries to filings (`join`), what old ground is (`known`), how often
//! (`schedule`), the format (`edgar::atom`).
//!
//! Invariant: a walk is vouched for only if its pages fit together and it reached old ground
//! or the end of the feed.

mod glance;
mod walk;

use std::time::Duration;

use edgar::{atom, paths};
use protocol::accession::Accession;
use protocol::filing::{Filing, Source};
use protocol::time::{Timestamp, to_millis};
use sec_client::{Priority, SecClient, SecError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::glance::Glances;
use self::walk::{Depth, LAST_START, PAGE, Walk, WalkError};
use crate::clock::Clock;
use crate::known::Known;
use crate::schedule;
use crate::sighting::{Gone, Report, Reports, Sighting, describe, send};

/// Seconds since the last good poll after which more may have changed than the top shows.
const GAP_S: i64 = 60;

/// Seconds between deep walks in the early morning; the polls between them read the top.
const SWEEP_S: i64 = 5;

/// Wait before the end of the feed is asked for once more.
const END_AGAIN: Duration = Duration::from_secs(1);

/// Answers 503 in place of expected old ground that are taken for an overloaded server before
/// they are taken for the end of the feed.
const END_DOUBTS: u32 = 10;

/// A page is about 60 kB.
const PAGE_LIMIT_BYTES: usize = 4 << 20;

/// How the latest-filings feed is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtomConfig {
    /// Whether the feed is polled at all. Default true: it is the fastest source.
    pub enabled: bool,
    /// Milliseconds between polls while EDGAR is open. Default 250: half of the default
    /// request budget, for an eighth of a second between listing and sighting on average.
    pub poll_interval_ms: u32,
    /// Milliseconds between polls at night and on weekends. Default 2,000: hardly anything
    /// appears then, but the source should be seen to live.
    pub closed_poll_interval_ms: u32,
}

impl Default for AtomConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            poll_interval_ms: 250,
            closed_poll_interval_ms: 2_000,
        }
    }
}

/// Polls the latest-filings feed.
#[derive(Debug)]
pub struct AtomMonitor {
    config: AtomConfig,
    www_url: String,
    client: SecClient,
    clock: Clock,
    known: Known,
    /// When the last sound walk began.
    last_good: Option<Timestamp>,
    /// When the last walk below the top began, unless it failed.
    last_deep: Option<Timestamp>,
    /// EDGAR's time of the newest first page.
    newest_page: Option<Timestamp>,
    failures: u32,
    /// Whether polls failed or were missed since the last sound walk below the top.
    blind: bool,
    end_doubts: u32,
    glances: Glances,
    /// Entries of the last walk that made no sense.
    rejected: usize,
}

impl AtomMonitor {
    /// A monitor that has not polled yet. `www_url` is scheme and host; `known` are the filings
    /// that need no sighting any more, oldest first.
    pub fn new(
        config: AtomConfig,
        www_url: impl Into<String>,
        client: SecClient,
        known: impl IntoIterator<Item = Accession>,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            www_url: www_url.into(),
            client,
            clock,
            known: Known::new(known),
            last_good: None,
            last_deep: None,
            newest_page: None,
            failures: 0,
            blind: false,
            end_doubts: 0,
            glances: Glances::new(),
            rejected: 0,
        }
    }

    /// Polls until `stop` fires or nobody takes the reports. If the source is not enabled, only
    /// waits.
    ///
    /// The first walk goes through the whole feed: what came while the program was down may be
    /// anywhere in it.
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
            let closed = Duration::from_millis(self.config.closed_poll_interval_ms.into());
            let pause = schedule::pause(self.clock.now(), interval, closed);
            let pause = schedule::after_failures(pause, self.failures).max(retry_in);
            // Counted from the start, for an even pace; what a stall has cost is not made up.
            tokio::time::sleep_until(started + pause).await;
        }
    }

    /// One walk and its report; how long to wait at least before the next.
    async fn poll(&mut self, reports: &Reports) -> Result<Duration, Gone> {
        let now = self.clock.now();
        self.blind |= self.is_gap(now);
        let mut walk = Walk::new(self.depth(now), self.newest_page);
        self.known.begin_walk();
        match self.walk(&mut walk, reports).await {
            Ok(()) => {
                let wait = self.conclude(&walk, now, reports).await?;
                if walk.depth == Depth::Top && schedule::is_busy(now) {
                    self.glance(reports).await?;
                }
                Ok(wait)
            }
            Err(WalkError::Gone) => Err(Gone),
            Err(error) => self.report_failure(&error, reports).await,
        }
    }

    /// Looks at a page below the top when it is time to. It vouches for nothing, so a failure
    /// matters to nobody.
    async fn glance(&mut self, reports: &Reports) -> Result<(), Gone> {
        let Some(start) = self.glances.next() else {
            return Ok(());
        };
        let page = self
            .ask(start)
            .await
            .ok()
            .and_then(|bytes| atom::parse(&bytes).ok());
        let Some(page) = page else {
            // Most likely the feed is shorter than that.
            self.glances.restart();
            return Ok(());
        };
        let seen_at = to_millis(self.clock.now());
        self.sight(glance::unknown(page, seen_at, &self.known), reports)
            .await
    }

    fn is_gap(&self, now: Timestamp) -> bool {
        self.last_good.is_some_and(|at| seconds(at, now) > GAP_S)
    }

    fn depth(&self, now: Timestamp) -> Depth {
        if self.last_good.is_none() {
            return Depth::End;
        }
        let swept = self.last_deep.is_some_and(|at| seconds(at, now) < SWEEP_S);
        if self.is_top_enough(now) || swept {
            Depth::Top
        } else {
            Depth::Deep
        }
    }

    /// Whether nothing can have come in below the top unseen.
    fn is_top_enough(&self, now: Timestamp) -> bool {
        !self.blind && !schedule::is_early_morning(now)
    }

    /// Reads pages and sends what they list until the walk has gone far enough.
    async fn walk(&mut self, walk: &mut Walk, reports: &Reports) -> Result<(), WalkError> {
        let mut rejected = 0;
        for start in (0..=LAST_START).step_by(PAGE.into()) {
            let Some(page) = self.read(start, walk).await? else {
                break;
            };
            rejected += page.rejected.len();
            let seen_at = to_millis(self.clock.now());
            let flow = walk.take(start, page, seen_at, &self.known)?;
            self.sight(walk.joiner.take_complete(), reports).await?;
            if flow.is_break() {
                break;
            }
        }
        self.sight(walk.joiner.take_rest(), reports).await?;
        self.tell_rejected(rejected);
        Ok(())
    }

    /// The page at offset `start`; `None` beyond the end of the feed.
    async fn read(&mut self, start: u32, walk: &Walk) -> Result<Option<atom::Page>, WalkError> {
        let bytes = match self.fetch(start).await {
            Err(error) if start > 0 && error.status() == Some(503) => {
                if self.is_end(walk) {
                    return Ok(None);
                }
                Err(error)
            }
            other => other,
        };
        let bytes = bytes.map_err(|cause| WalkError::Fetch { start, cause })?;
        let page = atom::parse(&bytes).map_err(|cause| WalkError::Format { start, cause })?;
        Ok(Some(page))
    }

    /// The page at offset `start`; a 503 below the top is asked about once more.
    async fn fetch(&self, start: u32) -> Result<sec_client::Bytes, SecError> {
        match self.ask(start).await {
            Err(error) if start > 0 && error.status() == Some(503) => {
                tokio::time::sleep(END_AGAIN).await;
                self.ask(start).await
            }
            answer => answer,
        }
    }

    async fn ask(&self, start: u32) -> Result<sec_client::Bytes, SecError> {
        let path = paths::latest_filings(start, PAGE, "");
        let url = paths::url(&self.www_url, &path);
        self.client
            .get(&url, Priority::Feed, PAGE_LIMIT_BYTES)
            .await
    }

    /// Whether a 503 below the top is the end of the feed: EDGAR answers so beyond its end, but
    /// also when it is overloaded. Where old ground must come first, it is not the end.
    fn is_end(&mut self, walk: &Walk) -> bool {
        if walk.depth == Depth::End || walk.met_old_ground {
            return true;
        }
        self.end_doubts += 1;
        self.end_doubts > END_DOUBTS
    }

    async fn sight(&mut self, filings: Vec<Filing>, reports: &Reports) -> Result<(), Gone> {
        for filing in filings {
            self.known.insert(filing.accession);
            send(reports, Report::Sighted(Sighting { filing })).await?;
        }
        Ok(())
    }

    /// Remembers what a complete walk has shown, and vouches for it if it can be.
    async fn conclude(
        &mut self,
        walk: &Walk,
        began: Timestamp,
        reports: &Reports,
    ) -> Result<Duration, Gone> {
        self.failures = 0;
        if walk.depth != Depth::Top {
            self.last_deep = Some(began);
        }
        if !walk.sound {
            return Ok(Duration::ZERO);
        }
        self.known.settle();
        self.end_doubts = 0;
        // A list that stood still for long may have grown below its top, too.
        let stood_still = self.newest_page.zip(walk.listed);
        self.blind |= stood_still.is_some_and(|(old, new)| seconds(old, new) > GAP_S);
        self.newest_page = walk.listed.max(self.newest_page);
        self.last_good = Some(began);
        self.blind &= walk.depth == Depth::Top;
        let is_proof = walk.depth != Depth::Top || self.is_top_enough(began);
        if is_proof {
            let polled = Report::Polled {
                source: Source::Atom,
                listed_through: walk.listed.unwrap_or(began),
            };
            send(reports, polled).await?;
        }
        Ok(Duration::ZERO)
    }

    async fn report_failure(
        &mut self,
        error: &WalkError,
        reports: &Reports,
    ) -> Result<Duration, Gone> {
        self.failures = self.failures.saturating_add(1);
        self.blind = true;
        self.last_deep = None;
        let failed = Report::Failed {
            source: Source::Atom,
            at: self.clock.now(),
            error: describe(error),
        };
        send(reports, failed).await?;
        match error {
            WalkError::Fetch { cause, .. } => Ok(schedule::retry_in(cause)),
            _ => Ok(Duration::ZERO),
        }
    }

    /// Says once that entries make no sense, as long as their number stays the same.
    fn tell_rejected(&mut self, rejected: usize) {
        if rejected > self.rejected {
            tracing::warn!(rejected, "entries of the feed cannot be understood");
        }
        self.rejected = rejected;
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

#[cfg(test)]
mod tests;
