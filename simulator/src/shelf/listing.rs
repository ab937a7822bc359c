//! What the index files list, and from when on.
//!
//! A daily index lists what was disseminated on its day and is written at 22:07 Eastern on
//! business days; rows that were missing join it the next morning, and none is ever taken
//! out. A quarter's index is rebuilt each night at 22:10 with the day's, and on Saturday at
//! 02:00 without what was withdrawn.
//!
//! Elsewhere: the files (`index`), the damage on their way (`archives`).
//!
//! Invariant: what an index lists is a function of the clock and of what was done by hand.
//!
//! Source: sec.gov, "Accessing EDGAR Data", section "Using the EDGAR index files".

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday, date, time};
use jiff::{Timestamp, ToSpan};

use super::{Published, Shelf};
use crate::clock::eastern;
use crate::faults::Fault;
use crate::hours;

/// A day's index is written.
const WRITTEN: Time = time(22, 7, 0, 0);
/// The same on a day on which it is late.
const WRITTEN_LATE: Time = time(23, 10, 0, 0);
/// Missing rows join the index of the day before.
const CORRECTED: Time = time(6, 30, 0, 0);
/// The current quarter's index is written.
const QUARTER_WRITTEN: Time = time(22, 10, 0, 0);
/// On Saturday all quarters' are, without what was withdrawn.
const REBUILT: Time = time(2, 0, 0, 0);

/// What an index lists.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) made_at: Timestamp,
    /// The last day it covers.
    pub(crate) through: Date,
    pub(crate) filings: Vec<Arc<Published>>,
}

/// A calendar quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quarter {
    pub(crate) year: i16,
    /// 1 to 4.
    pub(crate) number: i8,
}

/// Indexes that were written ahead of their time.
#[derive(Debug, Clone, Default)]
pub(super) struct ByHand {
    written: BTreeMap<Date, Timestamp>,
    corrected: BTreeMap<Date, Timestamp>,
    rebuilt: Option<Timestamp>,
}

impl Quarter {
    /// The quarter of a day.
    pub(crate) fn of(day: Date) -> Self {
        Self {
            year: day.year(),
            number: (day.month() - 1) / 3 + 1,
        }
    }

    fn first(self) -> Date {
        date(self.year, self.number * 3 - 2, 1)
    }

    fn last(self) -> Date {
        date(self.year, self.number * 3, 1).last_of_month()
    }
}

impl Shelf {
    /// Makes the daily index of `day` public, with what was released until now.
    pub(crate) fn publish_index(&self, day: Date) {
        let now = self.clock.now();
        self.lock().by_hand.written.insert(day, now);
    }

    /// Lets missing rows join the daily index of `day` now.
    pub(crate) fn correct_index(&self, day: Date) {
        let now = self.clock.now();
        self.lock().by_hand.corrected.insert(day, now);
    }

    /// Rebuilds the quarters' indexes now, as on a Saturday.
    pub(crate) fn rebuild_quarters(&self) {
        let now = self.clock.now();
        self.lock().by_hand.rebuilt = Some(now);
    }

    /// The index of `day`; `None` while there is none.
    pub(crate) fn day_index(&self, day: Date) -> Option<Listing> {
        let by_hand = self.lock().by_hand.clone();
        let written = self.written(day, &by_hand)?;
        let corrected = self.corrected(day, &by_hand);
        let made_at = corrected.unwrap_or(written).max(written);
        let is_listed = |published: &Arc<Published>| {
            let row_is_there = !published.stages.is_row_late || corrected.is_some();
            published.is_of(day, written) && (row_is_there || self.leaves_out(published))
        };
        Some(self.listing(made_at, day, is_listed))
    }

    /// The index of `day` as it was when it was written first.
    pub(crate) fn first_day_index(&self, day: Date) -> Option<Listing> {
        let by_hand = self.lock().by_hand.clone();
        let written = self.written(day, &by_hand)?;
        let is_listed = |published: &Arc<Published>| {
            published.is_of(day, written) && !published.stages.is_row_late
        };
        Some(self.listing(written, day, is_listed))
    }

    /// The index of `quarter`; `None` while there is none.
    pub(crate) fn quarter_index(&self, quarter: Quarter) -> Option<Listing> {
        let by_hand = self.lock().by_hand.clone();
        let now = self.clock.now();
        let (through, written) = self.quarter_written(quarter, by_hand.rebuilt)?;
        let rebuilt = last_saturday(now).max(by_hand.rebuilt.unwrap_or(Timestamp::MIN));
        let made_at = written.max(rebuilt);
        let is_listed = |published: &Arc<Published>| {
            published.is_within(quarter, written.max(by_hand.rebuilt.unwrap_or(written)))
                && !self.misses_row(published, made_at, &by_hand)
                && !self.drops(published, rebuilt)
        };
        Some(self.listing(made_at, through, is_listed))
    }

    /// When a removed filing left the quarter's index.
    pub(crate) fn dropped_at(&self, published: &Published) -> Option<Timestamp> {
        let withdrawn = published.withdrawn_at()?;
        let by_hand = self.lock().by_hand.rebuilt;
        let rebuilt = last_saturday(self.clock.now()).max(by_hand.unwrap_or(Timestamp::MIN));
        (withdrawn <= rebuilt).then_some(rebuilt)
    }

    fn listing(
        &self,
        made_at: Timestamp,
        through: Date,
        is_listed: impl Fn(&Arc<Published>) -> bool,
    ) -> Listing {
        let all = self.all();
        let filings = all.iter().filter(|published| is_listed(published));
        Listing {
            made_at,
            through,
            filings: filings.cloned().collect(),
        }
    }

    /// Up to when the public index of `day` reaches.
    fn written(&self, day: Date, by_hand: &ByHand) -> Option<Timestamp> {
        let by_hand = by_hand.written.get(&day).copied();
        by_hand.max(self.written_by_clock(day))
    }

    fn written_by_clock(&self, day: Date) -> Option<Timestamp> {
        let now = self.clock.now();
        let written = hours::at(day, WRITTEN);
        if !hours::is_business_day(day) || now < written || day < self.first_day() {
            return None;
        }
        let name = day.to_string();
        if self.faults.marks(Fault::IndexLate, &name) && now < hours::at(day, WRITTEN_LATE) {
            self.note(Fault::IndexLate, &name);
            return None;
        }
        Some(written)
    }

    /// When missing rows have joined the index of `day`.
    fn corrected(&self, day: Date, by_hand: &ByHand) -> Option<Timestamp> {
        let morning = hours::at(day.saturating_add(1.day()), CORRECTED);
        let by_hand = by_hand.corrected.get(&day).copied();
        by_hand.or((morning <= self.clock.now()).then_some(morning))
    }

    /// The last day that the index of `quarter` covers, and when that day's rows were added.
    fn quarter_written(
        &self,
        quarter: Quarter,
        rebuilt: Option<Timestamp>,
    ) -> Option<(Date, Timestamp)> {
        let now = self.clock.now();
        let last = eastern(now).date().min(quarter.last());
        let days = last.series(-1.day());
        let mut days = days.take_while(|day| *day >= quarter.first().max(self.first_day()));
        days.find_map(|day| {
            let written = hours::at(day, QUARTER_WRITTEN);
            let by_clock = hours::is_business_day(day) && written <= now;
            let by_hand = rebuilt.filter(|at| hours::day_of(*at) == day);
            by_hand
                .map(|at| (day, at))
                .or(by_clock.then_some((day, written)))
        })
    }

    /// The day on which this EDGAR began.
    fn first_day(&self) -> Date {
        let all = self.all();
        let first = all.iter().map(|published| published.stages.day).min();
        let start = eastern(self.clock.start()).date();
        first.map_or(start, |first| first.min(start))
    }

    fn misses_row(&self, published: &Published, made_at: Timestamp, by_hand: &ByHand) -> bool {
        let corrected = self.corrected(published.stages.day, by_hand);
        published.stages.is_row_late && corrected.is_none_or(|at| at > made_at)
    }

    /// Notes that a row is missing; it is not listed.
    fn leaves_out(&self, published: &Published) -> bool {
        self.note(Fault::IndexRowLate, &published.filing.accession);
        false
    }

    fn drops(&self, published: &Published, rebuilt: Timestamp) -> bool {
        let drops = published.is_withdrawn(rebuilt);
        if drops {
            self.note(Fault::Withdraw, &published.filing.accession);
        }
        drops
    }

    /// Writes down that `fault` was noticed in `thing`, the first time.
    pub(crate) fn note(&self, fault: Fault, thing: &str) {
        if self.faults.first(fault, thing) {
            self.log.fault(fault, thing, self.clock.now());
        }
    }
}

impl Published {
    /// Whether it was disseminated on `day`, first or again, until `written`.
    fn is_of(&self, day: Date, written: Timestamp) -> bool {
        let first = self.stages.day == day && self.stages.index <= written;
        let is_again = |at| hours::day_of(at) == day && at <= written;
        first || self.stages.again.is_some_and(is_again)
    }

    /// Whether it was disseminated in `quarter`, first or again, until `written`.
    fn is_within(&self, quarter: Quarter, written: Timestamp) -> bool {
        let in_quarter = |at: Timestamp| at <= written && Quarter::of(hours::day_of(at)) == quarter;
        in_quarter(self.stages.index) || self.stages.again.is_some_and(in_quarter)
    }
}

/// The last Saturday's rebuild until `now`.
fn last_saturday(now: Timestamp) -> Timestamp {
    let today = eastern(now).date();
    let saturdays = today
        .series(-1.day())
        .filter(|day| day.weekday() == Weekday::Saturday);
    let mut rebuilds = saturdays.map(|day| hours::at(day, REBUILT));
    rebuilds.find(|at| *at <= now).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
