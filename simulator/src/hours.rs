//! EDGAR's days and hours: when it works, what it holds back, how busy it is.
//!
//! Kept apart from the program's own calendar, which this one checks.
//!
//! Source: sec.gov, "EDGAR Calendar"; 17 CFR 232.13 for the cut-off; hours of a recorded year.

use jiff::civil::{Date, Time, Weekday, time};
use jiff::{Timestamp, ToSpan};

use crate::clock::{EASTERN, eastern, later};

/// EDGAR begins to accept, and releases what it held back.
const OPENS: Time = time(6, 0, 0, 0);
/// Later filings belong to the next business day, but for a few forms.
const CUT_OFF: Time = time(17, 30, 0, 0);
/// EDGAR stops accepting.
const CLOSES: Time = time(22, 0, 0, 0);
/// Notices of effectiveness are accepted in the night.
const EFFECT_AT: Time = time(0, 15, 0, 0);

/// Percent of a day's filings accepted in each hour from 6 to 21.
const SHARES: [f64; 16] = [
    2.8, 2.5, 3.9, 5.2, 5.8, 6.4, 6.2, 6.4, 7.1, 7.7, 26.4, 10.2, 3.1, 2.4, 2.1, 1.8,
];
/// Gaps longer than this many seconds are cut: nobody simulates a decade.
const LONGEST_GAP: f64 = 100.0 * 86_400.0;

/// The three dates of a filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) accepted_at: Timestamp,
    /// The official filing date.
    pub(crate) filed_on: Date,
    /// From here on anything of it is public.
    pub(crate) released: Timestamp,
}

impl Dates {
    /// A filing is public as it is accepted, at any hour; from 22:00 on it carries the next date.
    pub(crate) fn at_once(at: Timestamp) -> Self {
        Self {
            accepted_at: at,
            filed_on: day_of(at),
            released: at,
        }
    }

    /// As the real EDGAR treats `form`, sent in at `at`.
    pub(crate) fn by_hours(form: &str, at: Timestamp) -> Self {
        let (today, now) = (eastern(at).date(), eastern(at).time());
        if form == "EFFECT" {
            return Self::of_effect(today);
        }
        let is_open = is_business_day(today) && (OPENS..CLOSES).contains(&now);
        if is_open && (now < CUT_OFF || is_exempt(form)) {
            return Self {
                accepted_at: at,
                filed_on: today,
                released: at,
            };
        }
        let is_early = is_business_day(today) && now < OPENS;
        let filed_on = if is_early {
            today
        } else {
            next_business_day(today)
        };
        Self {
            accepted_at: at,
            filed_on,
            released: self::at(filed_on, OPENS),
        }
    }

    /// Accepted in the night after `day`, with its date, and out the next morning EDGAR opens.
    fn of_effect(day: Date) -> Self {
        let night = day.saturating_add(1.day());
        let morning = on_or_after(night);
        Self {
            accepted_at: at(night, EFFECT_AT),
            filed_on: day,
            released: at(morning, OPENS),
        }
    }
}

/// Forms taken until 22:00: of insiders, of stakes, and of Rule 462(b).
fn is_exempt(form: &str) -> bool {
    let root = form.strip_suffix("/A").unwrap_or(form);
    let stakes = ["SCHEDULE 13D", "SCHEDULE 13G", "SC 13D", "SC 13G"];
    matches!(root, "3" | "4" | "5" | "144") || stakes.contains(&root) || root.ends_with("MEF")
}

/// The day in whose daily index something stands that is released at `at`.
pub(crate) fn day_of(at: Timestamp) -> Date {
    let wall = eastern(at);
    let days = if wall.time() >= CLOSES { 1 } else { 0 };
    wall.date().saturating_add(days.days())
}

/// The instant of an Eastern wall clock.
pub(crate) fn at(day: Date, wall: Time) -> Timestamp {
    let zoned = day.to_datetime(wall).to_zoned(EASTERN.clone());
    zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// Whether EDGAR works on `day`.
pub(crate) fn is_business_day(day: Date) -> bool {
    !is_weekend(day) && !is_holiday(day)
}

/// The first business day after `day`.
pub(crate) fn next_business_day(day: Date) -> Date {
    on_or_after(day.saturating_add(1.day()))
}

fn on_or_after(day: Date) -> Date {
    let mut days = day.series(1.day());
    days.find(|day| is_business_day(*day)).unwrap_or(day)
}

/// The instant by which business of `seconds` average seconds is done after `at`: hours
/// are as busy as EDGAR's, and nights and weekends do not count.
pub(crate) fn after_business(at: Timestamp, seconds: f64) -> Timestamp {
    let mut left = seconds.min(LONGEST_GAP);
    let mut now = at;
    loop {
        let wall = eastern(now);
        let hour = wall.hour();
        if !is_business_day(wall.date()) || !(6..22).contains(&hour) {
            now = next_opening(now);
            continue;
        }
        let busy = SHARES[(hour - 6) as usize] / 100.0 * SHARES.len() as f64;
        let into_hour = f64::from(wall.minute()) * 60.0 + f64::from(wall.second());
        let room = (3600.0 - into_hour) * busy;
        if left < room {
            return later(now, left / busy);
        }
        left -= room;
        now = later(now, 3600.0 - into_hour);
    }
}

/// `at`, or the last second before it in which EDGAR was open.
pub(crate) fn while_open_before(at: Timestamp) -> Timestamp {
    let wall = eastern(at);
    let today = wall.date();
    if is_business_day(today) && (OPENS..CLOSES).contains(&wall.time()) {
        return at;
    }
    let is_over = wall.time() >= CLOSES;
    let last = if is_over {
        today
    } else {
        today.saturating_sub(1.day())
    };
    let mut days = last.series(-1.day());
    let day = days.find(|day| is_business_day(*day)).unwrap_or(last);
    later(self::at(day, CLOSES), -1.0)
}

fn next_opening(at: Timestamp) -> Timestamp {
    let wall = eastern(at);
    let today = wall.date();
    let is_to_come = is_business_day(today) && wall.time() < OPENS;
    let day = if is_to_come {
        today
    } else {
        next_business_day(today)
    };
    self::at(day, OPENS)
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Federal holidays, on the weekday on which they are kept.
fn is_holiday(day: Date) -> bool {
    let is_fixed = |day: Date| {
        matches!(
            (day.month(), day.day()),
            (1, 1) | (6, 19) | (7, 4) | (11, 11) | (12, 25)
        )
    };
    let week = (day.day() - 1) / 7 + 1;
    let is_last_of_month = day.day() + 7 > day.days_in_month();
    match (day.weekday(), day.month()) {
        (Weekday::Monday, 1 | 2) if week == 3 => true,
        (Weekday::Monday, 5) if is_last_of_month => true,
        (Weekday::Monday, 9) if week == 1 => true,
        (Weekday::Monday, 10) if week == 2 => true,
        (Weekday::Thursday, 11) if week == 4 => true,
        (Weekday::Friday, _) if is_fixed(day.saturating_add(1.day())) => true,
        (Weekday::Monday, _) if is_fixed(day.saturating_sub(1.day())) => true,
        _ => is_fixed(day),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_off_of_2026_are_these() {
        let days = date(2026, 1, 1).series(1.day()).take(365);

        let off = days.filter(|day| !is_weekend(*day) && !is_business_day(*day));

        let off: Vec<String> = off.map(|day| day.strftime("%m-%d").to_string()).collect();
        assert_eq!(
            off,
            [
                "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11",
                "11-26", "12-25"
            ]
        );
    }

    #[test]
    fn evenings_belong_to_the_next_business_day_but_for_exempt_forms() {
        let friday_evening = instant("2026-03-06T22:30:00Z");

        let held = Dates::by_hours("8-K", friday_evening);
        let exempt = Dates::by_hours("SCHEDULE 13G/A", friday_evening);
        let in_time = Dates::by_hours("8-K", instant("2026-03-06T22:29:59Z"));

        assert_eq!(held.filed_on, date(2026, 3, 9));
        assert_eq!(held.released, instant("2026-03-09T10:00:00Z"));
        assert_eq!(
            (exempt.filed_on, exempt.released),
            (date(2026, 3, 6), friday_evening)
        );
        assert_eq!(in_time.filed_on, date(2026, 3, 6));
    }

    #[test]
    fn effectiveness_is_accepted_in_the_night_and_out_in_the_morning() {
        let dates = Dates::by_hours("EFFECT", instant("2026-03-03T18:00:00Z"));

        assert_eq!(dates.filed_on, date(2026, 3, 3));
        assert_eq!(dates.accepted_at, instant("2026-03-04T05:15:00Z"));
        assert_eq!(dates.released, instant("2026-03-04T11:00:00Z"));
    }

    #[test]
    fn filings_after_22_00_carry_the_next_day_when_no_hours_are_kept() {
        let last = Dates::at_once(instant("2026-03-04T02:59:59Z"));
        let next = Dates::at_once(instant("2026-03-04T03:00:00Z"));

        assert_eq!(last.filed_on, date(2026, 3, 3));
        assert_eq!(next.filed_on, date(2026, 3, 4));
    }

    #[test]
    fn the_past_is_one_of_open_hours() {
        let before = |text| while_open_before(instant(text));
        let friday = instant("2026-03-07T02:59:59Z");

        assert_eq!(
            before("2026-03-06T18:00:00Z"),
            instant("2026-03-06T18:00:00Z")
        );
        assert_eq!(before("2026-03-07T03:30:00Z"), friday);
        assert_eq!(before("2026-03-09T08:00:00Z"), friday);
    }

    #[test]
    fn business_is_done_while_edgar_is_open_and_most_of_it_after_four() {
        let day = 16.0 * 3600.0;
        let opening = instant("2026-03-06T11:00:00Z");

        let after = |days: f64| {
            let done = eastern(after_business(opening, day * days));
            done.strftime("%m-%d %H:%M:%S").to_string()
        };

        assert_eq!(after(0.5), "03-06 15:28:49");
        assert_eq!(after(0.6), "03-06 16:13:38");
        assert_eq!(after(1.015), "03-09 06:32:08");
    }
}
