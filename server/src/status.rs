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
};

use monitors::schedule;
use protocol::{
    event::EventType,
    filing::Source,
    outage::{Outage, Part},
    time::{Date, Timestamp, to_millis},
};
use serde::Serialize;

use crate::{
    known::Tally,
    outages::Down,
    progress::{Progress, Teller},
    source::SourceState,
};

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

/// What the fetcher has in hand, and how the archive fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FetchState {
    /// Every filing up to this seq is archived or given up.
    pub(crate) watermark: u64,
    /// Filings that wait for their submission.
    pub(crate) backlog: u64,
    /// Downloads that run.
    pub(crate) running: u64,
    /// Whether the archive takes submissions: as far as the log tells, and as was found at the start.
    pub(crate) up: bool,
    /// The last moment it is known to have taken some, while it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) down_since: Option<Timestamp>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Submissions on our disk that are not in the archive.
    pub(crate) parked: Parked,
    /// Why no submissions are downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<Pause>,
}

/// Submissions on our disk that are not in the archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Parked {
    pub(crate) filings: u64,
    pub(crate) bytes: u64,
    /// Where downloads pause.
    pub(crate) max_bytes: u64,
}

/// Why no submissions are downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pause {
    /// As many as may wait for the archive do.
    BacklogFull,
    /// What room the disk has is kept for the log.
    DiskNearlyFull,
}

/// How the nights fare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct NightState {
    /// The newest sealed day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_sealed: Option<Date>,
    /// When the next run is due; absent when none is made by schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_run: Option<Timestamp>,
    /// The run under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running: Option<Progress>,
}

/// A piece of work under way; status shows it until this is dropped.
#[must_use = "status shows it until this is dropped"]
pub(crate) struct Running<'a>(&'a Mutex<Option<Teller>>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *lock(self.0) = None;
    }
}

/// What the program knows of itself.
#[derive(Debug)]
pub(crate) struct Status {
    phase: AtomicU8,
    /// When the process started.
    pub(crate) started_at: Timestamp,
    sources: Mutex<BTreeMap<Source, SourceState>>,
    outages: Mutex<Outages>,
    tally: Mutex<Tally>,
    fetch: Mutex<FetchState>,
    night: Mutex<NightState>,
    night_running: Mutex<Option<Teller>>,
    backfill_running: Mutex<Option<Teller>>,
    /// Milliseconds since 1970, or [`NEVER`]: every session asks at every event.
    complete_through: AtomicI64,
}

/// Which parts are down, as the log tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outages {
    /// The outages that are not over.
    pub(crate) down: Down,
    /// When a part last came up.
    pub(crate) up_since: BTreeMap<Part, Timestamp>,
}

impl Outages {
    pub(crate) fn is_down(&self, part: Part) -> bool {
        self.down.of(part).is_some()
    }
}

/// Some source has not been read once.
const NEVER: i64 = i64::MIN;

impl Status {
    /// The state at the start, with the sources that will be watched.
    pub(crate) fn new(now: Timestamp, sources: BTreeMap<Source, SourceState>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Starting as u8),
            started_at: to_millis(now),
            sources: Mutex::new(sources),
            outages: Mutex::default(),
            tally: Mutex::default(),
            fetch: Mutex::new(FetchState {
                up: true,
                ..FetchState::default()
            }),
            night: Mutex::default(),
            night_running: Mutex::default(),
            backfill_running: Mutex::default(),
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
        state.polled(now, listed_through);
        self.vouch(&sources, &lock(&self.outages));
    }

    /// A poll failed: nothing moves. Gives the number of failures since the last good poll.
    pub(crate) fn failed(&self, source: Source, error: String) -> u64 {
        let mut sources = lock(&self.sources);
        let state = sources.entry(source).or_default();
        state.failed(error);
        state.failures
    }

    /// A source lists a filing, which may be new to us too.
    pub(crate) fn sighted(&self, source: Source, now: Timestamp, is_new: bool) {
        let mut sources = lock(&self.sources);
        // Only those that are watched look at the same moment as the others.
        let Some(state) = sources.get_mut(&source) else {
            return;
        };
        state.sighted(now);
        let others = sources.iter_mut().filter(|(other, _)| **other != source);
        for (_, other) in others.filter(|_| is_new) {
            other.overtaken(now);
        }
    }

    /// The log tells that an outage begins or is over.
    pub(crate) fn outage(&self, event_type: EventType, outage: &Outage) {
        let sources = lock(&self.sources);
        let mut outages = lock(&self.outages);
        outages.down.take(event_type, outage);
        if let Some(until) = outage.until {
            outages.up_since.insert(outage.part, until);
        }
        self.vouch(&sources, &outages);
    }

    /// The log told at the start what is down.
    pub(crate) fn set_down(&self, down: Down) {
        lock(&self.outages).down = down;
    }

    /// Sets how far every source vouches: no further than it was known to work.
    fn vouch(&self, sources: &BTreeMap<Source, SourceState>, outages: &Outages) {
        let vouches = |(source, state): (&Source, &SourceState)| {
            let outage = Part::watching(*source).and_then(|part| outages.down.of(part));
            let worked = outage.map_or(Timestamp::MAX, |outage| outage.since);
            Some(state.listed_through?.min(worked))
        };
        let slowest = sources.iter().map(vouches).min().flatten();
        let slowest = slowest.map_or(NEVER, Timestamp::as_millisecond);
        self.complete_through.store(slowest, Ordering::Release);
    }

    /// What is down and what was.
    pub(crate) fn outages(&self) -> Outages {
        lock(&self.outages).clone()
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

    /// Sources that are down while EDGAR publishes: at night nothing is missed.
    pub(crate) fn stale_sources(&self, now: Timestamp) -> Vec<Source> {
        if !schedule::is_busy(now) {
            return Vec::new();
        }
        let sources: Vec<Source> = lock(&self.sources).keys().copied().collect();
        let outages = lock(&self.outages);
        let is_down =
            |source: &Source| Part::watching(*source).is_some_and(|part| outages.is_down(part));
        sources.into_iter().filter(is_down).collect()
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
        lock(&self.fetch).clone()
    }

    /// How the nights fare.
    pub(crate) fn night(&self) -> NightState {
        let running = lock(&self.night_running).as_ref().map(Teller::now);
        NightState {
            running,
            ..lock(&self.night).clone()
        }
    }

    /// What is sealed, and when the next run is due.
    pub(crate) fn set_night(&self, last_sealed: Option<Date>, next_run: Option<Timestamp>) {
        *lock(&self.night) = NightState {
            last_sealed,
            next_run,
            running: None,
        };
    }

    /// A run of the night is under way.
    pub(crate) fn night_runs(&self, teller: Teller) -> Running<'_> {
        *lock(&self.night_running) = Some(teller);
        Running(&self.night_running)
    }

    /// The backfill under way.
    pub(crate) fn backfill(&self) -> Option<Progress> {
        lock(&self.backfill_running).as_ref().map(Teller::now)
    }

    /// A backfill is under way.
    pub(crate) fn backfill_runs(&self, teller: Teller) -> Running<'_> {
        *lock(&self.backfill_running) = Some(teller);
        Running(&self.backfill_running)
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
    fn times_are_told_to_the_millisecond() {
        let status = status();
        let fine = at("2026-03-03T20:00:01.123456789Z");

        status.polled(Source::Efts, fine, fine);

        let told = serde_json::to_value(&status.sources()[&Source::Efts]).unwrap();
        assert_eq!(told["listed_through"], "2026-03-03T20:00:01.123Z");
        assert_eq!(told["last_success"], "2026-03-03T20:00:01.123Z");
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

    fn outage(source: Source, since: Timestamp) -> Outage {
        Outage {
            part: Part::watching(source).unwrap(),
            since,
            until: None,
            error: None,
        }
    }

    #[test]
    fn a_source_that_is_down_vouches_for_nothing_after_it_last_worked() {
        let status = status();
        let (early, late) = (at("2026-03-03T20:00:01Z"), at("2026-03-03T20:03:00Z"));
        for source in [Source::Atom, Source::Efts] {
            status.polled(source, late, late);
        }

        status.outage(EventType::SourceDown, &outage(Source::Atom, early));
        status.polled(Source::Atom, late, at("2026-03-03T20:03:01Z"));
        assert_eq!(status.complete_through(), Some(early));

        status.outage(EventType::SourceUp, &outage(Source::Atom, early));
        assert_eq!(status.complete_through(), Some(late));
    }

    #[test]
    fn the_archive_holds_back_neither_readiness_nor_what_is_complete() {
        let status = status();
        let now = at("2026-03-03T20:03:00Z");
        for source in [Source::Atom, Source::Efts] {
            status.polled(source, now, now);
        }

        let archive = Outage {
            part: Part::Archive,
            ..outage(Source::Atom, at("2026-03-03T20:00:00Z"))
        };
        status.outage(EventType::SourceDown, &archive);

        assert_eq!(status.complete_through(), Some(now));
        assert!(status.stale_sources(now).is_empty());
    }

    #[test]
    fn a_source_that_is_down_is_stale_while_edgar_publishes() {
        let status = status();
        let since = at("2026-03-03T20:00:00Z");
        status.outage(EventType::SourceDown, &outage(Source::Efts, since));

        for (time, stale) in [
            ("2026-03-03T20:03:00Z", true),
            ("2026-03-04T03:14:00Z", true),
            ("2026-03-04T03:15:00Z", false),
            ("2026-03-08T20:00:00Z", false),
        ] {
            assert_eq!(!status.stale_sources(at(time)).is_empty(), stale, "{time}");
        }
    }

    #[test]
    fn only_what_nobody_had_listed_tells_against_the_other_source() {
        let status = status();
        let now = at("2026-03-03T20:00:00Z");

        status.sighted(Source::Atom, now, true);
        status.sighted(Source::Atom, now, false);
        status.sighted(Source::DailyIndex, now, true);

        let found = |source| status.sources()[&source].evidence.found_elsewhere;
        assert_eq!((found(Source::Atom), found(Source::Efts)), (0, 1));
    }
}
