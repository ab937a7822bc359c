//! What the program knows of itself: phase, sources, counts.
//!
//! The updater writes it, after the events it speaks of are durable; heartbeats, the
//! status page and readiness read it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};

use jiff::civil::time;
use protocol::{
    event::EventType,
    filing::Source,
    time::{Date, Timestamp, eastern_day, from_eastern, to_millis},
};
use serde::Serialize;

use crate::known::Tally;

/// Where the program is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub(crate) enum Phase {
    /// Not serving yet.
    Starting,
    /// Serving.
    Running,
    /// No new sessions; the others are being closed.
    Draining,
}

/// How a source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SourceState {
    /// When the last good poll was taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_success: Option<Timestamp>,
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
}

/// What the fetcher has in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FetchState {
    /// Every filing up to this seq is archived or given up.
    pub(crate) watermark: u64,
    /// Filings that wait for their submission.
    pub(crate) backlog: u64,
    /// Downloads that run.
    pub(crate) running: u64,
}

/// What the program knows of itself.
#[derive(Debug)]
pub(crate) struct Status {
    phase: AtomicU8,
    /// When the process started.
    pub(crate) started_at: Timestamp,
    sources: Mutex<BTreeMap<Source, SourceState>>,
    tally: Mutex<Tally>,
    fetch: Mutex<FetchState>,
    /// Milliseconds since 1970, or [`NEVER`]: every session asks at every event.
    complete_through: AtomicI64,
}

/// Some source has not been read once.
const NEVER: i64 = i64::MIN;

/// A source silent for longer while EDGAR is open is not fresh. Source: of all silences
/// in EDGAR's hours one in a thousand is longer than 167 s.
const SILENCE: Duration = Duration::from_secs(180);

impl Status {
    /// The state at the start, with the sources that will be watched.
    pub(crate) fn new(now: Timestamp, sources: BTreeMap<Source, SourceState>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Starting as u8),
            started_at: to_millis(now),
            sources: Mutex::new(sources),
            tally: Mutex::default(),
            fetch: Mutex::default(),
            complete_through: AtomicI64::new(NEVER),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Running,
            _ => Phase::Draining,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// A poll was good and all it listed is durable.
    pub(crate) fn polled(&self, source: Source, now: Timestamp, listed_through: Timestamp) {
        let mut sources = lock(&self.sources);
        let state = sources.entry(source).or_default();
        state.last_success = Some(to_millis(now));
        state.listed_through = state.listed_through.max(Some(listed_through));
        state.error = None;
        state.failures = 0;
        let slowest = sources
            .values()
            .map(|state| state.listed_through)
            .min()
            .flatten();
        let slowest = slowest.map_or(NEVER, Timestamp::as_millisecond);
        self.complete_through.store(slowest, Ordering::Release);
    }

    /// A poll failed: nothing moves. Gives the number of failures since the last good poll.
    pub(crate) fn failed(&self, source: Source, error: String) -> u64 {
        let mut sources = lock(&self.sources);
        let state = sources.entry(source).or_default();
        state.error = Some(error);
        state.failures += 1;
        state.failures
    }

    pub(crate) fn sources(&self) -> BTreeMap<Source, SourceState> {
        lock(&self.sources).clone()
    }

    /// The last good poll of each source that has had one.
    pub(crate) fn last_polls(&self) -> BTreeMap<Source, Timestamp> {
        let good = |(source, state): (&Source, &SourceState)| Some((*source, state.last_success?));
        lock(&self.sources).iter().filter_map(good).collect()
    }

    /// Everything that every source listed up to this time has been emitted; `None` while
    /// a source has not been read once.
    pub(crate) fn complete_through(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.complete_through.load(Ordering::Acquire)).ok()
    }

    /// Sources that should have answered by now and did not.
    pub(crate) fn stale_sources(&self, now: Timestamp) -> Vec<Source> {
        if !edgar::calendar::is_open(now) {
            return Vec::new();
        }
        // The silence of the night does not count.
        let opening = from_eastern(eastern_day(now).to_datetime(time(6, 0, 0, 0)));
        let stale = |state: &SourceState| {
            let since = state
                .last_success
                .unwrap_or(self.started_at)
                .max(opening.unwrap_or(now));
            let patience = SILENCE.max(Duration::from_millis(state.poll_interval_ms) * 4);
            now.duration_since(since).unsigned_abs() > patience
        };
        let sources = lock(&self.sources);
        sources
            .iter()
            .filter(|(_, state)| stale(state))
            .map(|(source, _)| *source)
            .collect()
    }

    pub(crate) fn tally(&self) -> Tally {
        *lock(&self.tally)
    }

    /// What the log held at the start.
    pub(crate) fn set_tally(&self, tally: Tally) {
        *lock(&self.tally) = tally;
    }

    /// An event of that Eastern day is durable.
    pub(crate) fn count(&self, event_type: EventType, day: Date) {
        lock(&self.tally).count(event_type, day);
    }

    pub(crate) fn fetch(&self) -> FetchState {
        *lock(&self.fetch)
    }

    pub(crate) fn set_fetch(&self, state: FetchState) {
        *lock(&self.fetch) = state;
    }
}

/// Every value under these locks is whole at any moment, so a panic elsewhere spoils none.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn status() -> Status {
        let sources = [Source::Atom, Source::Efts].map(|source| (source, SourceState::default()));
        Status::new(at("2026-03-03T20:00:00Z"), sources.into())
    }

    #[test]
    fn completeness_waits_for_the_slowest_source() {
        let status = status();
        let (early, late) = (at("2026-03-03T20:00:01Z"), at("2026-03-03T20:00:30Z"));

        status.polled(Source::Atom, late, late);
        assert_eq!(status.complete_through(), None);

        status.polled(Source::Efts, late, early);
        assert_eq!(status.complete_through(), Some(early));
    }

    #[test]
    fn a_failed_poll_moves_nothing() {
        let status = status();
        let time = at("2026-03-03T20:00:01Z");
        status.polled(Source::Atom, time, time);
        status.polled(Source::Efts, time, time);

        status.failed(Source::Atom, "503".into());

        assert_eq!(status.complete_through(), Some(time));
        assert_eq!(status.sources()[&Source::Atom].failures, 1);
    }

    #[test]
    fn the_silence_of_the_night_does_not_count_in_the_morning() {
        let status = status();
        let night = at("2026-03-04T05:09:00Z");
        status.polled(Source::Atom, night, night);
        status.polled(Source::Efts, night, night);

        assert!(status.stale_sources(at("2026-03-04T11:00:01Z")).is_empty());
        assert_eq!(status.stale_sources(at("2026-03-04T11:04:00Z")).len(), 2);
    }

    #[test]
    fn silence_counts_only_while_edgar_is_open() {
        let status = status();

        assert!(status.stale_sources(at("2026-03-03T20:02:00Z")).is_empty());
        assert_eq!(status.stale_sources(at("2026-03-03T20:04:00Z")).len(), 2);
        assert!(status.stale_sources(at("2026-03-04T04:00:00Z")).is_empty());
        assert!(status.stale_sources(at("2026-03-08T20:00:00Z")).is_empty());
    }
}
