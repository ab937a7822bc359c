//! The EDGAR calendar: business days, opening hours and the batch of the morning.
//!
//! All of it is Eastern time, through `protocol::time`. The President can close the
//! government for a day by order; such a day is known here only once it is listed. So
//! the calendar says when to look, never that there must be something to see.
//!
//! Source: sec.gov, "EDGAR Calendar"; 5 U.S.C. 6103 for the holidays.

use jiff::{
    SignedDuration, ToSpan,
    civil::{Time, Weekday, date, time},
};
use protocol::time::{Date, Timestamp, from_eastern, to_eastern};

/// When EDGAR begins to accept, and releases what was held back over night.
const OPENS: Time = time(6, 0, 0, 0);
/// When it stops.
const CLOSES: Time = time(22, 0, 0, 0);
/// When what was held back is out: by then the feed no longer grows below its first page.
const BATCH_ENDS: Time = time(6, 20, 0, 0);

/// Days on which EDGAR was closed because the President closed the government. The list
/// begins with 2018 and holds what is attested; a day it lacks counts as a business day.
///
/// Source: announcements on sec.gov; for 2025 also the master index, which has no filing
/// of the two December days.
const CLOSED_BY_ORDER: [Date; 7] = [
    date(2018, 12, 5),
    date(2018, 12, 24),
    date(2019, 12, 24),
    date(2020, 12, 24),
    date(2025, 1, 9),
    date(2025, 12, 24),
    date(2025, 12, 26),
];

/// Whether EDGAR works on this day: Monday to Friday, but for federal holidays and the
/// known days of closure by order.
pub fn is_business_day(date: Date) -> bool {
    !is_weekend(date) && !is_federal_holiday(date) && !CLOSED_BY_ORDER.contains(&date)
}

/// The first business day after `date`.
pub fn next_business_day(date: Date) -> Date {
    let mut days = date.series(1.day()).skip(1);
    days.find(|day| is_business_day(*day)).unwrap_or(date)
}

/// The last business day before `date`.
pub fn previous_business_day(date: Date) -> Date {
    let mut days = date.series(-1.day()).skip(1);
    days.find(|day| is_business_day(*day)).unwrap_or(date)
}

/// Whether EDGAR accepts filings at `time`: on business days from 06:00 to before 22:00.
pub fn is_open(time: Timestamp) -> bool {
    is_between(time, OPENS, CLOSES)
}

/// Whether EDGAR may be releasing what it held back over night: the first 20 minutes.
///
/// These filings enter the feed below newer ones, because it is in order of
/// acceptance: one page is not enough to see them all.
pub fn batch_window(time: Timestamp) -> bool {
    is_between(time, OPENS, BATCH_ENDS)
}

/// The first opening at or after `time`.
pub fn next_opening(time: Timestamp) -> Timestamp {
    let now = to_eastern(time);
    let today = now.date();
    let day = if is_business_day(today) && now.time() <= OPENS {
        today
    } else {
        next_business_day(today)
    };
    from_eastern(day.to_datetime(OPENS)).unwrap_or(time)
}

/// When EDGAR opens, or opened, on the Eastern day of `time`; `None` if it stays closed.
pub fn opening_of_day(time: Timestamp) -> Option<Timestamp> {
    let today = to_eastern(time).date();
    let opening = from_eastern(today.to_datetime(OPENS));
    opening.filter(|_| is_business_day(today))
}

/// How much of the span from `from` to `to` lies in EDGAR's opening hours; of a span of
/// more than a year, what lies in its last year.
pub fn open_between(from: Timestamp, to: Timestamp) -> SignedDuration {
    let year_before = to.checked_sub(SignedDuration::from_hours(24 * 366));
    let from = from.max(year_before.unwrap_or(from));
    let days = to_eastern(from).date().series(1.day());
    let days = days.take_while(|day| *day <= to_eastern(to).date());
    let open = |day: Date| {
        let at = |time| from_eastern(day.to_datetime(time));
        let (opens, closes) = (at(OPENS)?.max(from), at(CLOSES)?.min(to));
        Some(closes.duration_since(opens).max(SignedDuration::ZERO))
    };
    let business_days = days.filter(|day| is_business_day(*day));
    let sum = |sum: SignedDuration, open| sum.saturating_add(open);
    business_days
        .filter_map(open)
        .fold(SignedDuration::ZERO, sum)
}

/// Whether `date` is a federal holiday, or the weekday on which one is kept.
///
/// One on a Saturday is kept on the Friday before, one on a Sunday on the Monday after.
/// Inauguration Day is left out: it is a holiday in Washington only.
pub fn is_federal_holiday(date: Date) -> bool {
    if is_weekend(date) {
        return false;
    }
    let is_kept_for = |day: Option<Date>, weekday| {
        day.is_some_and(|day| day.weekday() == weekday && is_on_calendar(day))
    };
    is_on_calendar(date)
        || is_kept_for(date.tomorrow().ok(), Weekday::Saturday)
        || is_kept_for(date.yesterday().ok(), Weekday::Sunday)
}

fn is_between(time: Timestamp, start: Time, end: Time) -> bool {
    let wall = to_eastern(time);
    is_business_day(wall.date()) && (start..end).contains(&wall.time())
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Whether the calendar has a holiday on this very day, even on a weekend.
fn is_on_calendar(date: Date) -> bool {
    let nth = |n, weekday| date.nth_weekday_of_month(n, weekday).ok() == Some(date);
    match (date.month(), date.day()) {
        (1, 1) | (7, 4) | (11, 11) | (12, 25) => true,
        (6, 19) => date.year() >= 2021,
        (1, _) => nth(3, Weekday::Monday),
        (2, _) => nth(3, Weekday::Monday),
        (5, _) => nth(-1, Weekday::Monday),
        (9, _) => nth(1, Weekday::Monday),
        (10, _) => nth(2, Weekday::Monday),
        (11, _) => nth(4, Weekday::Thursday),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn holidays_of(year: i16) -> Vec<String> {
        let days = date(year, 1, 1).series(1.day());
        let days = days.take_while(|day| day.year() == year);
        let holidays = days.filter(|day| is_federal_holiday(*day));
        holidays
            .map(|day| day.strftime("%m-%d").to_string())
            .collect()
    }

    #[test]
    fn the_holidays_of_2026_are_these() {
        assert_eq!(
            holidays_of(2026),
            [
                "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11",
                "11-26", "12-25"
            ]
        );
    }

    #[test]
    fn a_saturday_new_year_is_kept_in_the_old_year() {
        assert!(is_federal_holiday(date(2021, 12, 31)));
        assert!(is_business_day(date(2022, 1, 3)));
    }

    #[test]
    fn a_sunday_holiday_is_kept_on_monday() {
        assert!(is_federal_holiday(date(2023, 1, 2)));
        assert!(is_federal_holiday(date(2022, 6, 20)));
    }

    #[test]
    fn juneteenth_counts_since_2021_and_inauguration_day_never() {
        assert!(is_business_day(date(2020, 6, 19)));
        assert!(is_federal_holiday(date(2021, 6, 18)));
        assert!(is_business_day(date(2021, 1, 20)));
    }

    #[test]
    fn a_day_closed_by_order_is_no_business_day_and_no_holiday() {
        assert!(!is_business_day(date(2025, 12, 24)));
        assert!(!is_federal_holiday(date(2025, 12, 24)));
        assert!(is_business_day(date(2026, 12, 24)));
        assert_eq!(next_business_day(date(2025, 12, 23)), date(2025, 12, 29));
    }

    #[test]
    fn business_days_skip_weekends_and_holidays() {
        assert_eq!(next_business_day(date(2026, 7, 2)), date(2026, 7, 6));
        assert_eq!(previous_business_day(date(2026, 7, 6)), date(2026, 7, 2));
        assert_eq!(next_business_day(date(2026, 3, 3)), date(2026, 3, 4));
        assert_eq!(previous_business_day(date(2026, 3, 3)), date(2026, 3, 2));
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_hang() {
        assert_eq!(next_business_day(Date::MAX), Date::MAX);
        assert_eq!(previous_business_day(Date::MIN), Date::MIN);
        assert_eq!(next_opening(Timestamp::MAX), Timestamp::MAX);
        let _ = next_opening(Timestamp::MIN);
    }

    #[test]
    fn edgar_is_open_from_six_to_ten_eastern_in_winter_and_summer() {
        for (time, open) in [
            ("2026-03-03T10:59:59.999Z", false),
            ("2026-03-03T11:00:00Z", true),
            ("2026-03-04T02:59:59Z", true),
            ("2026-03-04T03:00:00Z", false),
            ("2026-07-01T09:59:59Z", false),
            ("2026-07-01T10:00:00Z", true),
            ("2026-07-02T02:00:00Z", false),
            ("2026-07-03T15:00:00Z", false),
            ("2026-03-07T15:00:00Z", false),
        ] {
            assert_eq!(is_open(instant(time)), open, "{time}");
        }
    }

    #[test]
    fn the_batch_is_out_after_twenty_minutes() {
        for (time, batch) in [
            ("2026-03-03T10:59:59Z", false),
            ("2026-03-03T11:00:00Z", true),
            ("2026-03-03T11:19:59Z", true),
            ("2026-03-03T11:20:00Z", false),
            ("2026-03-07T11:05:00Z", false),
        ] {
            assert_eq!(batch_window(instant(time)), batch, "{time}");
        }
    }

    #[test]
    fn only_opening_hours_count_between_two_moments() {
        for (from, to, minutes) in [
            ("2026-03-03T20:00:00Z", "2026-03-03T20:05:00Z", 5),
            ("2026-03-03T20:05:00Z", "2026-03-03T20:00:00Z", 0),
            // Over a night, from 21:50 to 06:05 Eastern.
            ("2026-03-04T02:50:00Z", "2026-03-04T11:05:00Z", 15),
            ("2026-03-04T03:00:00Z", "2026-03-04T11:00:00Z", 0),
            // From Friday 21:00 EST to Monday 06:30 EDT.
            ("2026-03-07T02:00:00Z", "2026-03-09T10:30:00Z", 90),
            ("2026-12-25T05:00:00Z", "2026-12-26T05:00:00Z", 0),
            ("2026-03-02T05:00:00Z", "2026-03-07T05:00:00Z", 5 * 16 * 60),
        ] {
            let open = open_between(instant(from), instant(to));
            assert_eq!(open, SignedDuration::from_mins(minutes), "{from} {to}");
        }
        assert!(open_between(Timestamp::MIN, instant("2026-03-03T20:00:00Z")).as_hours() < 5_000);
        let _ = open_between(Timestamp::MIN, Timestamp::MAX);
    }

    #[test]
    fn a_day_on_which_edgar_is_closed_has_no_opening() {
        let opening = |time| opening_of_day(instant(time));

        assert_eq!(
            opening("2026-03-03T20:00:00Z"),
            Some(instant("2026-03-03T11:00:00Z"))
        );
        assert_eq!(
            opening("2026-07-02T05:00:00Z"),
            Some(instant("2026-07-02T10:00:00Z"))
        );
        assert_eq!(opening("2026-03-08T20:00:00Z"), None);
        assert_eq!(opening("2026-12-25T20:00:00Z"), None);
    }

    #[test]
    fn the_next_opening_is_at_six_on_a_business_day() {
        for (time, opening) in [
            ("2026-03-03T08:00:00Z", "2026-03-03T11:00:00Z"),
            ("2026-03-03T11:00:00Z", "2026-03-03T11:00:00Z"),
            ("2026-03-03T11:00:01Z", "2026-03-04T11:00:00Z"),
            // Over the weekend of the spring change, from 06:00 EST to 06:00 EDT.
            ("2026-03-06T23:00:00Z", "2026-03-09T10:00:00Z"),
            // Over the weekend of the autumn change.
            ("2026-10-30T23:00:00Z", "2026-11-02T11:00:00Z"),
            ("2026-07-02T23:00:00Z", "2026-07-06T10:00:00Z"),
        ] {
            assert_eq!(next_opening(instant(time)), instant(opening), "{time}");
        }
    }
}
