//! The days of a run: around the Sunday on which the clocks are put forward or back.

use std::fmt;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday, date},
};
use simulator::EASTERN;

/// The days of a run.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The first day, a Thursday.
    pub first: Date,
    /// The last on which anything is filed.
    pub last_filing: Date,
    /// The Sunday after all that can be late has come.
    pub end: Date,
}

impl Span {
    /// `days` from the Thursday before the clocks change: for odd seeds in spring.
    pub fn of(seed: u64, days: i32) -> Self {
        let first = match seed % 2 {
            1 => date(2026, 3, 5),
            _ => date(2026, 10, 29),
        };
        let last_filing = first + (days - 1).days();
        // What surfaces a week late may lack its row, which is read on the next business day.
        let mut last_days = (last_filing + 7.days()).series(1.day()).skip(1);
        let settled = last_days.find(|day| !is_weekend(*day)).unwrap();
        let mut after = settled.series(1.day());
        let end = after.find(|day| day.weekday() == Weekday::Sunday).unwrap();
        let span = Self {
            first,
            last_filing,
            end,
        };
        assert_ne!(
            offset(span.first),
            offset(span.end),
            "the clocks change within"
        );
        span
    }

    /// The days on which EDGAR files.
    pub fn business_days(self) -> impl Iterator<Item = Date> {
        let days = self.first.series(1.day());
        let days = days.take_while(move |day| *day <= self.last_filing);
        days.filter(|day| !is_weekend(*day))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}, settled by {}",
            self.first, self.last_filing, self.end
        )
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// That hour of that day in Washington.
pub fn at(day: Date, hour: i8) -> Timestamp {
    let zoned = day.at(hour, 0, 0, 0).to_zoned(EASTERN.clone());
    zoned.unwrap().timestamp()
}

fn offset(day: Date) -> jiff::tz::Offset {
    EASTERN.to_offset(at(day, 12))
}
