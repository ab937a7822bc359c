//! Times: UTC on the wire, Eastern where EDGAR decides what a day is.

pub use jiff::{Timestamp, civil::Date};
use jiff::{Unit, Zoned, civil::DateTime, tz::TimeZone};

/// America/New_York, compiled in.
///
/// Source: EDGAR's business hours, dates and unlabelled times are Eastern.
pub fn eastern() -> TimeZone {
    static EASTERN: TimeZone = jiff::tz::get!("America/New_York");
    EASTERN.clone()
}

/// The wall clock in New York at `time`.
pub fn to_eastern(time: Timestamp) -> Zoned {
    time.to_zoned(eastern())
}

/// The Eastern calendar day of `time`.
pub fn eastern_day(time: Timestamp) -> Date {
    to_eastern(time).date()
}

/// The instant of an unlabelled Eastern wall clock, as in `<ACCEPTANCE-DATETIME>`.
///
/// In the hour that the autumn change repeats, the first is meant; an hour that the
/// spring change skips counts from the offset before it. `None` beyond the calendar.
pub fn from_eastern(wall: DateTime) -> Option<Timestamp> {
    let zoned = eastern().to_ambiguous_zoned(wall).compatible().ok()?;
    Some(zoned.timestamp())
}

/// Cut to milliseconds: what events carry.
pub fn to_millis(time: Timestamp) -> Timestamp {
    time.round(
        jiff::TimestampRound::new()
            .smallest(Unit::Millisecond)
            .mode(jiff::RoundMode::Trunc),
    )
    .unwrap_or(time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_evening_in_new_york_is_the_next_day_in_utc() {
        assert_eq!(
            eastern_day(instant("2026-03-04T02:00:00Z")),
            date(2026, 3, 3)
        );
    }

    #[test]
    fn summer_and_winter_have_their_offsets() {
        let winter = from_eastern(datetime(2026, 3, 3, 16, 4, 41, 0)).unwrap();
        let summer = from_eastern(datetime(2026, 7, 1, 16, 4, 41, 0)).unwrap();

        assert_eq!(winter, instant("2026-03-03T21:04:41Z"));
        assert_eq!(summer, instant("2026-07-01T20:04:41Z"));
    }

    #[test]
    fn the_repeated_hour_means_its_first_pass() {
        let first = from_eastern(datetime(2026, 11, 1, 1, 30, 0, 0)).unwrap();

        assert_eq!(first, instant("2026-11-01T05:30:00Z"));
    }

    #[test]
    fn events_carry_milliseconds() {
        let cut = to_millis(instant("2026-03-03T21:04:58.168999Z"));

        assert_eq!(cut.to_string(), "2026-03-03T21:04:58.168Z");
    }
}
