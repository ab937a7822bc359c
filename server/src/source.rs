//! How a source fares: what its polls have shown.
//!
//! Elsewhere: what to make of it (`outages`), who is told (`status`).
//!
//! Invariant: all times are of the app's clock, except `listed_through`, which is EDGAR's.

use std::time::Duration;

use protocol::time::{Timestamp, to_millis};
use serde::Serialize;

/// Longest break between two good polls over which a silence is counted on: what came in a
/// longer one is found by the next poll, and the silence begins anew.
const BREAK: Duration = Duration::from_secs(60);

/// After this, what others found tells no more of the present: a night lies between.
const STALE: Duration = Duration::from_secs(3600);

/// How a source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SourceState {
    /// When the last good poll was taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_success: Option<Timestamp>,
    /// When it last listed a filing that it had not listed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_new: Option<Timestamp>,
    /// Everything it listed up to this time has been emitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listed_through: Option<Timestamp>,
    /// Why its polls fail, since the last good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// How many polls have failed since the last good one.
    pub(crate) failures: u64,
    /// Milliseconds between its polls while EDGAR is open.
    pub(crate) poll_interval_ms: u64,
    /// Milliseconds between its polls at night and on weekends.
    pub(crate) closed_poll_interval_ms: u64,
    /// What its silence is judged by.
    #[serde(skip)]
    pub(crate) evidence: Evidence,
}

/// What the silence of a source is judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The last good poll whose list was newer than that of the poll before.
    pub(crate) fresh_at: Option<Timestamp>,
    /// The last good poll that showed something new.
    pub(crate) moved_at: Option<Timestamp>,
    /// From when on its silence counts.
    pub(crate) quiet_since: Option<Timestamp>,
    /// Good polls without anything new since then.
    pub(crate) idle_polls: u32,
    /// Filings that other sources found since it last listed something new.
    pub(crate) found_elsewhere: u32,
    /// When the first of them was found.
    pub(crate) elsewhere_since: Option<Timestamp>,
    /// Whether it has listed something new since the last good poll.
    has_news: bool,
}

impl SourceState {
    /// A poll was good.
    pub(crate) fn polled(&mut self, now: Timestamp, listed_through: Timestamp) {
        let (now, listed_through) = (to_millis(now), to_millis(listed_through));
        let evidence = &mut self.evidence;
        if Some(listed_through) > self.listed_through {
            evidence.fresh_at = Some(now);
        }
        let last = self.last_success;
        let counts_on = last.is_some_and(|last| now.duration_since(last).unsigned_abs() <= BREAK);
        if !counts_on && self.failures > 0 || last.is_none() {
            evidence.begin(now);
        }
        if std::mem::take(&mut evidence.has_news) {
            evidence.moved_at = Some(now);
            evidence.begin(now);
        } else {
            evidence.idle_polls = evidence.idle_polls.saturating_add(1);
        }
        self.last_success = Some(now);
        self.listed_through = self.listed_through.max(Some(listed_through));
        self.error = None;
        self.failures = 0;
    }

    /// A poll failed.
    pub(crate) fn failed(&mut self, error: String) {
        self.error = Some(error);
        self.failures += 1;
    }

    /// It lists a filing that it had not listed before.
    pub(crate) fn sighted(&mut self, now: Timestamp) {
        self.last_new = Some(to_millis(now));
        self.evidence.has_news = true;
        self.evidence.found_elsewhere = 0;
        self.evidence.elsewhere_since = None;
    }

    /// Another source has found a filing that nobody had listed.
    pub(crate) fn overtaken(&mut self, now: Timestamp) {
        let evidence = &mut self.evidence;
        let since = *evidence.elsewhere_since.get_or_insert(now);
        if now.duration_since(since).unsigned_abs() > STALE {
            evidence.elsewhere_since = Some(now);
            evidence.found_elsewhere = 0;
        }
        evidence.found_elsewhere = evidence.found_elsewhere.saturating_add(1);
    }
}

impl Evidence {
    fn begin(&mut self, now: Timestamp) {
        self.quiet_since = Some(now);
        self.idle_polls = 0;
        self.found_elsewhere = 0;
        self.elsewhere_since = None;
    }
}
