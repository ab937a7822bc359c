//! Which day is to be reconciled when.
//!
//! All of it is Eastern wall time and EDGAR's calendar, by the clock that the caller
//! brings: a run of 22:30 is at 22:30 in summer and in winter. Pure: what was done is in
//! [`Past`], what is to be done follows from it, so a run that was missed is due until it
//! was made, and is made at the next start.
//!
//! Invariant: a day is due only after its index is expected, oldest days first.

use std::collections::{BTreeMap, BTreeSet};

use edgar::calendar::{is_business_day, next_business_day, previous_business_day};
use jiff::{
    SignedDuration, ToSpan,
    civil::{Time, Weekday, time},
};
use protocol::time::{Date, Timestamp, eastern_day, from_eastern};

/// When EDGAR has written the index of a day, in Eastern time.
///
/// Source: modification times of daily indexes, 22:06 to 22:09.
pub(crate) const INDEX_OUT: Time = time(22, 7, 0, 0);

/// When EDGAR has rebuilt the quarters, on Saturday.
///
/// Source: modification times of quarterly indexes, about 01:00 to 03:00.
const QUARTER_OUT: Time = time(3, 0, 0, 0);

/// Days before the newest whose indexes are read again.
///
/// Source: of all filings 0.2 % surface five days late or more; the quarter has those.
pub(crate) const AGAIN_DAYS: usize = 5;

/// Days before the newest for which a run that was missed is still made, while later ones
/// succeed: about a month.
const MADE_UP_DAYS: usize = 20;

/// The first and the longest wait after a run that did not succeed.
const RETRY: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(5), SignedDuration::from_hours(1));

/// One piece of the nightly work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// Prove this day complete and seal it.
    Day(Date),
    /// Write what follows from seals and is not written yet.
    Files,
    /// Read the indexes of the days before this one again.
    Again(Date),
    /// Read the quarter as it was rebuilt on this Saturday.
    Quarter(Date),
}

/// What was done.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// The day of the log's first event: before it nothing was watched.
    pub(crate) since: Date,
    /// The sealed days.
    pub(crate) sealed: BTreeSet<Date>,
    /// Business days on which EDGAR was closed all the same.
    pub(crate) closed: BTreeSet<Date>,
    /// Whether seals may be without their files.
    pub(crate) files: bool,
    /// The newest day before which indexes were read again.
    pub(crate) again: Option<Date>,
    /// The newest Saturday whose quarter was read.
    pub(crate) quarter: Option<Date>,
    /// What did not succeed.
    pub(crate) failed: BTreeMap<Job, Failed>,
}

/// Runs of a job without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    /// How many in a row.
    pub(crate) times: u32,
    /// When to try again.
    pub(crate) retry_at: Timestamp,
}

impl Past {
    /// The job to be done now, with runs at `at`.
    pub(crate) fn next(&self, now: Timestamp, at: Time) -> Option<Job> {
        let may_try = |job: &Job| self.failed.get(job).is_none_or(|f| f.retry_at <= now);
        self.due(now, at).into_iter().find(may_try)
    }

    /// When the next job is to be done.
    pub(crate) fn next_run(&self, now: Timestamp, at: Time) -> Timestamp {
        let tonight = next_run_of_day(now, at);
        let retry = |job| self.failed.get(&job).map_or(now, |failed| failed.retry_at);
        let jobs = self.due(now, at).into_iter().map(retry);
        jobs.fold(tonight, Timestamp::min).max(now)
    }

    /// A job did not succeed; how often by now.
    pub(crate) fn fail(&mut self, job: Job, now: Timestamp) -> u32 {
        let times = self.times(job) + 1;
        let (first, longest) = RETRY;
        let wait = first.saturating_mul(1 << (times - 1).min(8)).min(longest);
        let retry_at = now.saturating_add(wait).unwrap_or(now);
        self.failed.insert(job, Failed { times, retry_at });
        times
    }

    /// How often a job was tried without success since it last had any.
    pub(crate) fn times(&self, job: Job) -> u32 {
        self.failed.get(&job).map_or(0, |failed| failed.times)
    }

    /// A job is done.
    pub(crate) fn finish(&mut self, job: Job) {
        self.failed.remove(&job);
        match job {
            Job::Day(day) => {
                self.sealed.insert(day);
            }
            Job::Files => self.files = false,
            Job::Again(day) => self.again = self.again.max(Some(day)),
            Job::Quarter(saturday) => self.quarter = self.quarter.max(Some(saturday)),
        }
    }

    /// EDGAR has published nothing on that day.
    pub(crate) fn close(&mut self, day: Date) {
        self.failed.remove(&Job::Day(day));
        self.closed.insert(day);
    }

    /// The sealed days before `newest` whose indexes are to be read again: the last five, and
    /// as many before the days since the last time that was done.
    pub(crate) fn to_read_again(&self, newest: Date) -> Vec<Date> {
        let reached = self.again.map_or(self.since, next_business_day);
        let first = days_before(reached.min(newest), AGAIN_DAYS);
        let first = first.max(days_before(newest, MADE_UP_DAYS)).min(newest);
        self.sealed.range(first..newest).copied().collect()
    }

    /// Everything that is due, in order.
    fn due(&self, now: Timestamp, at: Time) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.open_days(newest_due(now, at)).map(Job::Day).collect();
        jobs.extend(Some(Job::Files).filter(|_| self.files));
        let newest = self.sealed.last().copied();
        jobs.extend(newest.filter(|_| self.again < newest).map(Job::Again));
        let saturday = Some(newest_saturday(now));
        let is_ours = newest.is_some() && saturday >= Some(self.since);
        jobs.extend(
            saturday
                .filter(|_| is_ours && self.quarter < saturday)
                .map(Job::Quarter),
        );
        jobs
    }

    /// Business days up to `newest` that are not sealed, oldest first: all since the last
    /// sealed one, and those of the days before that may still be had.
    fn open_days(&self, newest: Date) -> impl Iterator<Item = Date> {
        let begin = match self.sealed.last() {
            Some(last) => next_business_day(*last).min(days_before(newest, MADE_UP_DAYS)),
            None => self.since,
        };
        let days = begin.max(self.since).series(1.day());
        days.take_while(move |day| *day <= newest)
            .filter(|day| is_business_day(*day))
            .filter(|day| !self.sealed.contains(day) && !self.closed.contains(day))
    }
}

/// The newest business day whose run is due.
pub(crate) fn newest_due(now: Timestamp, at: Time) -> Date {
    let today = eastern_day(now);
    if is_business_day(today) && now >= instant(today, at) {
        today
    } else {
        previous_business_day(today)
    }
}

/// The business day `count` business days before `day`.
pub(crate) fn days_before(day: Date, count: usize) -> Date {
    (0..count).fold(day, |day, _| previous_business_day(day))
}

/// When an index of `day` can be expected.
pub(crate) fn index_out(day: Date) -> Timestamp {
    instant(day, INDEX_OUT)
}

fn next_run_of_day(now: Timestamp, at: Time) -> Timestamp {
    let today = eastern_day(now);
    if is_business_day(today) && now < instant(today, at) {
        instant(today, at)
    } else {
        instant(next_business_day(today), at)
    }
}

/// The newest Saturday on which the quarters are rebuilt by now.
fn newest_saturday(now: Timestamp) -> Date {
    let today = eastern_day(now);
    let is_out = |day: &Date| now >= instant(*day, QUARTER_OUT);
    let mut days = today.series(-1.day());
    days.find(|day| day.weekday() == Weekday::Saturday && is_out(day))
        .unwrap_or(today)
}

fn instant(day: Date, wall: Time) -> Timestamp {
    from_eastern(day.to_datetime(wall)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    const AT: Time = time(22, 30, 0, 0);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A log that began on `since`, with these days sealed and all else of them done.
    fn past(since: Date, sealed: &[Date]) -> Past {
        Past {
            since,
            sealed: sealed.iter().copied().collect(),
            closed: BTreeSet::new(),
            files: false,
            again: sealed.last().copied(),
            quarter: Some(date(9000, 1, 1)),
            failed: BTreeMap::new(),
        }
    }

    /// What is done one after the other when everything succeeds at once.
    fn jobs(mut past: Past, now: &str) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some(job) = past.next(at(now), AT) {
            past.finish(job);
            jobs.push(job);
        }
        jobs
    }

    #[test]
    fn a_day_is_due_at_half_past_ten_in_the_evening_of_new_york_in_winter_and_summer() {
        for (before, then, day) in [
            (
                "2026-03-04T03:29:59Z",
                "2026-03-04T03:30:00Z",
                date(2026, 3, 3),
            ),
            (
                "2026-07-02T02:29:59Z",
                "2026-07-02T02:30:00Z",
                date(2026, 7, 1),
            ),
            // The Monday after the spring change, the Friday before and the Monday after the
            // autumn change.
            (
                "2026-03-10T02:29:59Z",
                "2026-03-10T02:30:00Z",
                date(2026, 3, 9),
            ),
            (
                "2026-10-31T02:29:59Z",
                "2026-10-31T02:30:00Z",
                date(2026, 10, 30),
            ),
            (
                "2026-11-03T03:29:59Z",
                "2026-11-03T03:30:00Z",
                date(2026, 11, 2),
            ),
            // The day after Thanksgiving, on which the exchanges close early.
            (
                "2026-11-28T03:29:59Z",
                "2026-11-28T03:30:00Z",
                date(2026, 11, 27),
            ),
        ] {
            let past = past(day, &[]);
            assert_eq!(jobs(past.clone(), before), [], "{before}");
            assert_eq!(jobs(past, then), [Job::Day(day), Job::Again(day)], "{then}");
        }
    }

    #[test]
    fn nothing_is_due_for_weekends_holidays_and_closures_by_order() {
        for (since, now) in [
            (date(2026, 3, 7), "2026-03-09T20:00:00Z"),
            (date(2026, 7, 3), "2026-07-06T12:00:00Z"),
            (date(2026, 11, 26), "2026-11-27T04:00:00Z"),
            (date(2025, 12, 24), "2025-12-27T12:00:00Z"),
        ] {
            assert_eq!(jobs(past(since, &[]), now), [], "{now}");
        }
    }

    #[test]
    fn runs_that_were_missed_are_made_at_the_next_start_oldest_first() {
        let past = past(date(2026, 2, 24), &[date(2026, 2, 24), date(2026, 2, 25)]);

        let jobs = jobs(past, "2026-03-04T12:00:00Z");

        let days = [(2, 26), (2, 27), (3, 2), (3, 3)].map(|(m, d)| Job::Day(date(2026, m, d)));
        assert_eq!(jobs[..4], days);
        assert_eq!(
            jobs[4..],
            [Job::Again(date(2026, 3, 3))],
            "once for all of them"
        );
    }

    #[test]
    fn a_log_without_a_sealed_day_is_caught_up_from_its_first_event() {
        let jobs = jobs(past(date(2026, 2, 28), &[]), "2026-03-04T12:00:00Z");

        let days = [2, 3].map(|day| Job::Day(date(2026, 3, day)));
        assert_eq!(
            jobs,
            [days.as_slice(), &[Job::Again(date(2026, 3, 3))]].concat()
        );
    }

    #[test]
    fn a_day_that_was_left_out_is_tried_again_while_it_is_among_the_last_twenty() {
        let past = past(date(2026, 1, 2), &[date(2026, 3, 11), date(2026, 3, 12)]);

        let jobs = jobs(past, "2026-03-13T12:00:00Z");

        assert_eq!(jobs.first(), Some(&Job::Day(date(2026, 2, 11))));
        assert!(jobs.contains(&Job::Day(date(2026, 3, 10))));
    }

    #[test]
    fn indexes_are_read_again_on_five_days_and_made_up_for_when_runs_were_missed() {
        let march = |days: std::ops::RangeInclusive<i8>| {
            let days = days.map(|day| date(2026, 3, day));
            days.filter(|day| is_business_day(*day)).collect::<Vec<_>>()
        };
        let mut past = past(date(2026, 3, 2), &march(2..=20));
        let newest = date(2026, 3, 20);

        for (again, first) in [
            (Some(date(2026, 3, 20)), 13),
            (Some(date(2026, 3, 19)), 13),
            // Of Tuesday the days before Wednesday are wanted, from the Wednesday before on.
            (Some(date(2026, 3, 10)), 4),
            (None, 2),
        ] {
            past.again = again;
            assert_eq!(past.to_read_again(newest), march(first..=19), "{again:?}");
        }
    }

    #[test]
    fn a_job_that_fails_waits_longer_each_time_and_keeps_no_other_from_being_done() {
        let mut past = past(date(2026, 3, 2), &[]);
        let now = at("2026-03-04T04:00:00Z");
        let (first, second) = (Job::Day(date(2026, 3, 2)), Job::Day(date(2026, 3, 3)));

        past.fail(first, now);

        assert_eq!(past.next(now, AT), Some(second));
        past.finish(second);
        past.finish(Job::Again(date(2026, 3, 3)));
        assert_eq!(past.next(now, AT), None);
        assert_eq!(past.next_run(now, AT), at("2026-03-04T04:05:00Z"));
        assert_eq!(past.next(at("2026-03-04T04:05:00Z"), AT), Some(first));
        for _ in 0..20 {
            past.fail(first, now);
        }
        assert_eq!(past.next_run(now, AT), at("2026-03-04T05:00:00Z"));
    }

    #[test]
    fn the_quarter_is_read_once_after_saturday_three_in_the_morning() {
        let day = date(2026, 3, 6);
        let past = Past {
            quarter: Some(date(2026, 2, 28)),
            ..past(day, &[day])
        };

        assert_eq!(past.next(at("2026-03-07T07:59:59Z"), AT), None);
        let job = past.next(at("2026-03-07T08:00:00Z"), AT);
        assert_eq!(job, Some(Job::Quarter(date(2026, 3, 7))));
        assert_eq!(
            past.next(at("2026-03-09T12:00:00Z"), AT),
            job,
            "or at the next start"
        );
        let mut done = past.clone();
        done.finish(Job::Quarter(date(2026, 3, 7)));
        assert_eq!(done.next(at("2026-03-07T09:00:00Z"), AT), None, "once");
        let fresh = Past {
            since: date(2026, 3, 9),
            sealed: [date(2026, 3, 9)].into(),
            again: Some(date(2026, 3, 9)),
            ..past
        };
        assert_eq!(
            fresh.next(at("2026-03-10T12:00:00Z"), AT),
            None,
            "not before ours"
        );
    }

    #[test]
    fn the_next_run_is_tonights_or_that_of_the_next_business_day() {
        let past = past(date(2026, 3, 3), &[date(2026, 3, 3)]);
        for (now, run) in [
            ("2026-03-04T12:00:00Z", "2026-03-05T03:30:00Z"),
            ("2026-03-06T12:00:00Z", "2026-03-07T03:30:00Z"),
        ] {
            let past = Past {
                sealed: [date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5)].into(),
                again: Some(date(2026, 3, 5)),
                ..past.clone()
            };
            assert_eq!(past.next_run(at(now), AT), at(run), "{now}");
        }
        let past = Past {
            sealed: [date(2026, 3, 6)].into(),
            since: date(2026, 3, 6),
            again: Some(date(2026, 3, 6)),
            ..past
        };
        // From Saturday over the spring change to Monday.
        assert_eq!(
            past.next_run(at("2026-03-07T12:00:00Z"), AT),
            at("2026-03-10T02:30:00Z")
        );
    }

    #[test]
    fn a_day_on_which_edgar_was_closed_is_due_no_more_and_its_failures_are_forgotten() {
        let mut past = past(date(2026, 3, 2), &[]);
        let now = at("2026-03-03T12:00:00Z");
        let day = date(2026, 3, 2);
        assert_eq!([1, 2], [(); 2].map(|()| past.fail(Job::Day(day), now)));

        past.close(day);

        assert_eq!(past.times(Job::Day(day)), 0);
        assert_eq!(jobs(past, "2026-03-03T12:00:00Z"), []);
    }

    #[test]
    fn at_its_very_moment_the_run_of_a_day_that_is_sealed_already_is_that_of_the_next() {
        let day = date(2026, 3, 3);
        let past = past(day, &[day]);

        assert_eq!(past.next(at("2026-03-04T03:30:00Z"), AT), None);
        assert_eq!(
            past.next_run(at("2026-03-04T03:30:00Z"), AT),
            at("2026-03-05T03:30:00Z")
        );
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_hang() {
        let past = past(Date::MIN, &[Date::MAX]);
        let _ = past.next(Timestamp::MAX, AT);
        let _ = past.next_run(Timestamp::MIN, AT);
    }
}
