//! How long a source may be silent before something is wrong, by the hour.
//!
//! Derived, not guessed. Of 271,974 filings detected on 85 days the silences between two of
//! them in market hours were 91 s at the 99th and 167 s at the 99.9th percentile: beyond
//! 91 s they thin out by a factor e every 33 s. In an hour with another share of the day's
//! filings both numbers stretch by the inverse of that share. [`BY_HOUR`] gives each hour
//! so much that one silence of a healthy day in some hundred hours exceeds it, but for
//! 15:00, where an alarm must come within three minutes and about one hour in ten has a
//! longer silence. Together: an alarm without a cause in about six business days, over as
//! soon as the next filing comes. The test below does the sum.
//!
//! Invariant: nothing is ever late while EDGAR is closed, and no night counts.

use std::time::Duration;

use edgar::calendar;
use protocol::time::{Timestamp, eastern_day, from_eastern};

/// Polls that fail while EDGAR publishes: longer than any retry, below three minutes.
pub(super) const FAILING: Duration = Duration::from_secs(150);

/// Other sources list filings for so long, and this one none of them: the search index
/// lists a filing 30 to 50 s after the feed and is asked every 30 s.
pub(super) const BEHIND: Duration = Duration::from_secs(110);

/// Seconds of silence that are taken for normal in each Eastern hour; 0 while closed.
///
/// Until 17:30 these follow the filings accepted in the hour; later only ownership forms
/// and the like are published, about a third of what is accepted. At 06:00 comes what the
/// night held back, in bursts.
const BY_HOUR: [u32; 24] = [
    0, 0, 0, 0, 0, 0, 600, 700, 480, 360, 320, 300, 300, 300, 270, 165, 180, 420, 1_500, 1_900,
    2_100, 2_400, 0, 0,
];

/// How much of the patience a silence has used up: 1 is all of it. Each hour takes its
/// part, so that a silence that began in a quiet hour is not judged by the busy one.
pub(super) fn used(from: Timestamp, to: Timestamp) -> f64 {
    if calendar::opening_of_day(to).is_none() {
        return 0.0;
    }
    let day = eastern_day(to);
    let at = |hour| from_eastern(day.at(hour, 0, 0, 0));
    let used = |hour: i8| {
        let patience = BY_HOUR.get(usize::try_from(hour).ok()?).copied()?;
        let (begins, ends) = (at(hour)?.max(from), at(hour + 1)?.min(to));
        let span = ends.duration_since(begins).as_secs_f64();
        (patience > 0 && span > 0.0).then(|| span / f64::from(patience))
    };
    (6..22).filter_map(used).sum()
}

/// The patience of the hour of `now`; `None` while EDGAR is closed.
pub(crate) fn of_hour(now: Timestamp) -> Option<Duration> {
    let hour = usize::try_from(protocol::time::to_eastern(now).hour()).ok()?;
    let seconds = BY_HOUR.get(hour).copied()?;
    (calendar::is_open(now) && seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Filings of a median business day.
    const A_DAY: f64 = 3_095.0;

    /// Per cent of a day's filings that are published in each hour from 06:00 on. Source:
    /// acceptances by the hour; those after 17:30 less what is held back until 06:00.
    const SHARES: [f64; 16] = [
        2.8, 2.5, 3.9, 5.2, 5.8, 6.4, 6.2, 6.4, 7.1, 7.7, 26.4, 6.0, 1.1, 0.85, 0.75, 0.65,
    ];

    /// The share of an hour from 09:30 to 16:00, where the silences were measured.
    const MEASURED: f64 = 6.5;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Silences beyond `seconds` to be expected in an hour with this share.
    fn false_alarms(share: f64, seconds: f64) -> f64 {
        let stretch = MEASURED / share;
        let beyond = (-(seconds - 91.0 * stretch) / (33.0 * stretch)).exp();
        A_DAY * share / 100.0 * 0.01 * beyond
    }

    #[test]
    fn a_healthy_day_has_an_alarm_in_a_week_or_less_often() {
        let by_hour: Vec<f64> = SHARES
            .iter()
            .zip(&BY_HOUR[6..])
            .map(|(share, seconds)| false_alarms(*share, f64::from(*seconds)))
            .collect();

        let (at_three, all) = (by_hour[9], by_hour.iter().sum::<f64>());
        assert!((0.05..0.15).contains(&at_three), "{by_hour:?}");
        assert!(all < 0.2 && all - at_three < 0.1, "{all} {by_hour:?}");
    }

    #[test]
    fn a_silence_is_measured_by_the_hours_it_spans() {
        for (from, to, expected) in [
            ("2026-03-03T20:10:00Z", "2026-03-03T20:12:45Z", 1.0),
            ("2026-03-03T18:10:00Z", "2026-03-03T18:12:45Z", 0.55),
            // Half of the patience of 14:00, half of that of 15:00.
            ("2026-03-03T19:57:45Z", "2026-03-03T20:01:22.5Z", 1.0),
            // The night does not count, in summer neither.
            ("2026-03-03T03:00:00Z", "2026-03-03T11:05:00Z", 0.5),
            ("2026-07-01T02:00:00Z", "2026-07-01T10:05:00Z", 0.5),
            ("2026-03-03T11:00:00Z", "2026-03-03T10:00:00Z", 0.0),
            // A Sunday, Christmas, a day closed by order.
            ("2026-03-08T15:00:00Z", "2026-03-08T22:00:00Z", 0.0),
            ("2026-12-25T15:00:00Z", "2026-12-25T22:00:00Z", 0.0),
            ("2025-12-26T15:00:00Z", "2025-12-26T22:00:00Z", 0.0),
        ] {
            let used = used(at(from), at(to));
            assert!((used - expected).abs() < 1e-6, "{from} {to}: {used}");
        }
    }

    #[test]
    fn patience_ends_with_the_day() {
        assert_eq!(
            of_hour(at("2026-03-03T20:10:00Z")),
            Some(Duration::from_secs(165))
        );
        assert_eq!(
            of_hour(at("2026-03-04T02:59:59Z")),
            Some(Duration::from_secs(2_400))
        );
        assert_eq!(of_hour(at("2026-03-04T03:00:00Z")), None);
        assert_eq!(of_hour(at("2026-03-08T20:10:00Z")), None);
    }
}
