//! How often to poll, by EDGAR's hours, and how long to wait after a failure.
//!
//! Elsewhere: the hours themselves (`edgar::calendar`), the sleeping (the monitors).
//!
//! Invariant: nobody sleeps through the moment EDGAR opens.

use std::time::Duration;

use edgar::calendar;
use jiff::ToSpan;
use protocol::time::{Date, Timestamp, eastern_day, to_eastern};
use sec_client::SecError;

/// Minutes after closing in which the last filings of the day are still listed.
const LATE_MINUTES: i64 = 15;

/// Longest pause that failures lead to; filings wait meanwhile.
const FAILURE_MAX: Duration = Duration::from_secs(5);

/// Longest wait for the end of a block before the monitor says again that it is blind.
const BLOCKED_MAX: Duration = Duration::from_secs(10);

/// Minutes after midnight in which the old day may still grow in the search index.
const DAY_OVERLAP_MINUTES: i64 = 10;

/// The pause between two polls at `now`: `interval` from 06:00 to 22:15 Eastern on business
/// days, otherwise `closed` if that is longer, but never beyond the next opening.
#[must_use]
pub fn pause(now: Timestamp, interval: Duration, closed: Duration) -> Duration {
    if is_busy(now) {
        return interval;
    }
    let to_opening = calendar::next_opening(now).duration_since(now);
    let to_opening = Duration::try_from(to_opening).unwrap_or_default();
    interval
        .max(closed)
        .min(to_opening)
        .max(interval.min(closed))
}

/// Whether EDGAR publishes at `now`: while it is open and for a quarter of an hour after.
#[must_use]
pub fn is_busy(now: Timestamp) -> bool {
    let earlier = now.checked_sub(LATE_MINUTES.minutes()).unwrap_or(now);
    calendar::is_open(now) || calendar::is_open(earlier)
}

/// Whether what was held back over night is coming out, far below the top of the feed.
#[must_use]
pub fn is_early_morning(now: Timestamp) -> bool {
    calendar::batch_window(now)
}

/// The filing dates of which the search index may show something new at `now`.
#[must_use]
pub fn search_days(now: Timestamp) -> Vec<Date> {
    let today = eastern_day(now);
    let earlier = now
        .checked_sub(DAY_OVERLAP_MINUTES.minutes())
        .unwrap_or(now);
    let mut days = vec![to_eastern(earlier).date(), today];
    days.dedup();
    days
}

/// `pause`, doubled with each failure in a row up to five seconds.
#[must_use]
pub fn after_failures(pause: Duration, failures: u32) -> Duration {
    let grown = pause.saturating_mul(1 << failures.min(16));
    grown.min(FAILURE_MAX).max(pause)
}

/// How long nothing can be asked after `error`.
#[must_use]
pub fn retry_in(error: &SecError) -> Duration {
    match error {
        SecError::Blocked { retry_in } => (*retry_in).min(BLOCKED_MAX),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_millis(250);
    const NIGHT: Duration = Duration::from_secs(10);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_configured_pace_holds_while_edgar_publishes() {
        for time in [
            "2026-03-03T11:00:00Z",
            "2026-03-03T21:04:00Z",
            "2026-03-04T03:14:59Z",
            "2026-07-01T10:00:00Z",
        ] {
            assert_eq!(pause(at(time), POLL, NIGHT), POLL, "{time}");
        }
    }

    #[test]
    fn nights_and_weekends_are_slow() {
        for time in [
            "2026-03-04T03:15:00Z",
            "2026-03-04T08:00:00Z",
            "2026-03-07T16:00:00Z",
            "2026-12-25T16:00:00Z",
        ] {
            assert_eq!(pause(at(time), POLL, NIGHT), NIGHT, "{time}");
        }
    }

    #[test]
    fn a_slow_source_does_not_become_faster_at_night() {
        let interval = Duration::from_secs(30);

        assert_eq!(pause(at("2026-03-04T08:00:00Z"), interval, NIGHT), interval);
    }

    #[test]
    fn no_pause_reaches_beyond_the_opening() {
        let before = at("2026-03-03T10:59:57Z");

        assert_eq!(pause(before, POLL, NIGHT), Duration::from_secs(3));
        assert_eq!(pause(at("2026-03-03T10:59:59.9Z"), POLL, NIGHT), POLL);
    }

    #[test]
    fn both_days_are_searched_after_midnight() {
        let days = |text| -> Vec<String> {
            let days = search_days(at(text));
            days.iter().map(ToString::to_string).collect()
        };

        assert_eq!(days("2026-03-04T04:59:59Z"), ["2026-03-03"]);
        assert_eq!(days("2026-03-04T05:00:00Z"), ["2026-03-03", "2026-03-04"]);
        assert_eq!(days("2026-03-04T05:10:00Z"), ["2026-03-04"]);
    }

    #[test]
    fn failures_slow_down_but_not_for_long() {
        let pauses: Vec<u128> = (0..7)
            .map(|failures| after_failures(POLL, failures).as_millis())
            .collect();

        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(after_failures(FAILURE_MAX * 6, 3), FAILURE_MAX * 6);
    }

    #[test]
    fn a_block_is_waited_for_in_short_steps() {
        let blocked = |secs| SecError::Blocked {
            retry_in: Duration::from_secs(secs),
        };

        assert_eq!(retry_in(&blocked(600)), Duration::from_secs(10));
        assert_eq!(retry_in(&blocked(3)), Duration::from_secs(3));
        assert_eq!(
            retry_in(&SecError::Unavailable { status: 503 }),
            Duration::ZERO
        );
    }
}
