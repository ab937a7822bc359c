//! Whether the archive takes what it is given.
//!
//! One failure is a doubt: nothing more is given to it but one parcel after a while. A
//! second one makes it an outage, which is told in the log; the first parcel that it takes
//! ends that. What the log tells is remembered over a restart.
//!
//! Elsewhere: what waits meanwhile (`parking`). Invariant: an outage is told once, and so is
//! its end.

use std::time::{Duration, Instant};

use protocol::{
    event::Body,
    outage::{Outage, Part},
    time::{Timestamp, to_millis},
};
use sec_client::retry::transient_delay;

/// Parcels given to the archive at a time: some twenty a second go to a bucket that takes
/// 50 ms for each object, several times what EDGAR gives us.
pub(super) const PUTS_MAX: usize = 8;

/// Failures in a row that make an outage.
const OUTAGE: u32 = 2;

/// Longest wait between two parcels that are tried in an outage.
const TRY_MAX: Duration = Duration::from_secs(30);

/// How the archive fares.
#[derive(Debug)]
pub(super) struct Condition {
    /// The last moment it is known to have worked, or our start.
    worked_at: Timestamp,
    worked: Option<Instant>,
    /// Failures since.
    failures: u32,
    error: Option<String>,
    /// How often it was tried in vain, and when it is tried next.
    tries: u32,
    try_at: Instant,
    /// The outage that the log tells and that is not over.
    told: Option<Outage>,
    chance: u64,
}

impl Condition {
    /// Good until it is known better; with an error it has failed once, at the start. `told` is
    /// the outage that the log tells and that is not over.
    pub(super) fn new(now: Timestamp, error: Option<String>, told: Option<Outage>) -> Self {
        Self {
            worked_at: now,
            worked: None,
            failures: u32::from(error.is_some()),
            error,
            tries: 0,
            try_at: Instant::now(),
            told,
            chance: rand::random(),
        }
    }

    /// What an event of the log tells of it.
    pub(super) fn read(&mut self, body: &Body) {
        match body {
            Body::SourceDown(outage) if outage.part == Part::Archive => {
                self.told = Some(outage.clone())
            }
            Body::SourceUp(outage) if outage.part == Part::Archive => self.told = None,
            _ => {}
        }
    }

    /// Whether it takes what it is given, as far as we know.
    pub(super) fn is_up(&self) -> bool {
        self.failures == 0 && self.told.is_none()
    }

    /// Whether it is to be called up: what has worked is until the log tells of an outage.
    pub(super) fn seems_up(&self) -> bool {
        self.told.is_none() && (self.failures == 0 || self.worked.is_some())
    }

    /// The outage there is.
    pub(super) fn outage(&self) -> Option<&Outage> {
        self.told.as_ref()
    }

    /// What went wrong last, while it is not up.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// When it last took something in this life of ours.
    pub(super) fn worked(&self) -> Option<Instant> {
        self.worked
    }

    /// How many more parcels it may be given.
    pub(super) fn room(&self, given: usize, now: Instant) -> usize {
        let most = if self.is_up() {
            PUTS_MAX
        } else {
            usize::from(self.try_at <= now)
        };
        most.saturating_sub(given)
    }

    /// When it may be tried again; `None` while it is up.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        (!self.is_up()).then_some(self.try_at)
    }

    /// It took a parcel. Gives the outage that this ends.
    pub(super) fn succeeded(&mut self, at: Timestamp, now: Instant) -> Option<Outage> {
        self.worked_at = at;
        self.worked = Some(now);
        self.failures = 0;
        self.tries = 0;
        self.error = None;
        let over = self.told.take()?;
        Some(Outage {
            until: Some(to_millis(at)),
            ..over
        })
    }

    /// It did not take a parcel. Gives the outage that this begins.
    pub(super) fn failed(&mut self, error: String, now: Instant) -> Option<Outage> {
        self.failures += 1;
        // Those that were given to it at the same time are one try.
        if self.try_at <= now {
            let wait = transient_delay(self.tries, self.chance).min(TRY_MAX);
            self.tries += 1;
            self.try_at = now + wait;
        }
        self.error = Some(error.clone());
        if self.failures < OUTAGE || self.told.is_some() {
            return None;
        }
        let outage = Outage {
            part: Part::Archive,
            since: to_millis(self.worked_at),
            until: None,
            error: Some(error),
        };
        self.told = Some(outage.clone());
        Some(outage)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(minute: u32) -> Timestamp {
        format!("2026-03-03T21:{minute:02}:00Z").parse().unwrap()
    }

    fn failed(condition: &mut Condition, now: Instant) -> Option<Outage> {
        condition.failed("HTTP 503".to_owned(), now)
    }

    #[test]
    fn an_outage_is_told_once_with_its_span_and_so_is_its_end() {
        let now = Instant::now();
        let mut condition = Condition::new(at(0), None, None);
        condition.succeeded(at(1), now);

        let doubt = failed(&mut condition, now);
        let down = failed(&mut condition, now).unwrap();
        let again = failed(&mut condition, now);
        let up = condition.succeeded(at(9), now).unwrap();

        assert_eq!((doubt, again), (None, None));
        assert_eq!((down.since, down.until), (at(1), None));
        assert_eq!((up.since, up.until), (at(1), Some(at(9))));
        assert_eq!(condition.succeeded(at(10), now), None);
    }

    #[test]
    fn one_failure_that_is_followed_by_success_is_no_outage() {
        let now = Instant::now();
        let mut condition = Condition::new(at(0), None, None);

        let told = [
            failed(&mut condition, now),
            condition.succeeded(at(1), now),
            failed(&mut condition, now),
        ];

        assert_eq!(told, [None, None, None]);
    }

    #[test]
    fn in_doubt_one_parcel_is_tried_and_each_wait_is_longer_up_to_a_bound() {
        let mut now = Instant::now() + Duration::from_secs(1);
        let mut condition = Condition::new(at(0), None, None);
        assert_eq!(condition.room(2, now), PUTS_MAX - 2);

        let mut waits = Vec::new();
        for _ in 0..12 {
            failed(&mut condition, now);
            failed(&mut condition, now);
            assert_eq!(condition.room(0, now), 0);
            waits.push(condition.wakes_at().unwrap() - now);
            now = condition.wakes_at().unwrap();
            assert_eq!((condition.room(0, now), condition.room(1, now)), (1, 0));
        }

        assert!(waits[0] <= Duration::from_secs(1), "{waits:?}");
        assert!(waits[3] > waits[0], "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= TRY_MAX), "{waits:?}");
    }

    #[test]
    fn what_went_wrong_and_when_it_worked_is_told_while_it_matters() {
        let now = Instant::now();
        let mut condition = Condition::new(at(0), None, None);
        assert_eq!((condition.worked(), condition.error()), (None, None));
        assert_eq!(condition.wakes_at(), None);

        failed(&mut condition, now);
        assert_eq!(condition.error(), Some("HTTP 503"));
        assert!(condition.outage().is_none() && !condition.is_up());
        failed(&mut condition, now);
        assert_eq!(condition.outage().map(|outage| outage.since), Some(at(0)));
        condition.succeeded(at(1), now);

        assert_eq!((condition.worked(), condition.error()), (Some(now), None));
        assert!(condition.outage().is_none() && condition.is_up());
    }

    #[test]
    fn outages_of_sources_are_none_of_the_archive() {
        let mut condition = Condition::new(at(0), None, None);
        let of = |part| Outage {
            part,
            since: at(0),
            until: None,
            error: None,
        };

        condition.read(&Body::SourceDown(of(Part::Atom)));
        assert!(condition.is_up());
        condition.read(&Body::SourceDown(of(Part::Archive)));
        condition.read(&Body::SourceUp(of(Part::Atom)));
        assert!(!condition.is_up());
        condition.read(&Body::SourceUp(of(Part::Archive)));

        assert!(condition.is_up());
    }

    #[test]
    fn what_was_not_reached_at_the_start_is_down_from_the_first_moment() {
        let now = Instant::now();
        let mut condition = Condition::new(at(0), Some("connection refused".to_owned()), None);
        assert!(!condition.seems_up() && condition.outage().is_none());

        let down = failed(&mut condition, now).unwrap();
        assert_eq!((down.since, condition.seems_up()), (at(0), false));
        let up = condition.succeeded(at(1), now).unwrap();

        assert_eq!((up.since, up.until), (at(0), Some(at(1))));
        assert!(condition.seems_up());
        failed(&mut condition, now);
        assert!(condition.seems_up(), "one failure is a doubt");
    }

    #[test]
    fn failures_of_parcels_given_at_the_same_time_are_one_try() {
        let now = Instant::now() + Duration::from_secs(1);
        let mut condition = Condition::new(at(0), None, None);
        failed(&mut condition, now);
        let until = condition.wakes_at().unwrap();

        failed(&mut condition, now);
        failed(&mut condition, until - Duration::from_nanos(1));
        assert_eq!(condition.wakes_at(), Some(until));
        failed(&mut condition, until);

        assert!(condition.wakes_at().unwrap() > until);
    }

    #[test]
    fn an_outage_that_the_log_tells_is_over_when_the_next_parcel_is_taken() {
        let now = Instant::now();
        let mut before = Condition::new(at(0), None, None);
        failed(&mut before, now);
        let down = failed(&mut before, now).unwrap();
        let mut condition = Condition::new(at(5), None, None);

        condition.read(&Body::SourceDown(down));
        assert!(!condition.is_up());
        let up = condition.succeeded(at(6), now).unwrap();

        assert_eq!((up.since, up.until), (at(0), Some(at(6))));
        assert!(condition.is_up());
    }
}
