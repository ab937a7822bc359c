//! A plan of days: which stretches of a day the clock runs through, and how fast.
//!
//! `06:00-22:00/3,22:05-23:30/2,08:00-09:00/0.5/off` runs through a business day in five
//! seconds and through a Saturday, a Sunday or a holiday in half of one; between its
//! stretches the clock jumps. So a month passes in two minutes, and each of its evenings
//! has time.
//!
//! Invariant: stretches do not overlap, so the clock never goes back.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use crate::clock::{eastern, later};
use crate::hours;

/// How far a plan reaches; at its end the clock stands still.
const DAYS: usize = 500;

/// Which stretches of each day the clock runs through.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    stretches: Vec<Stretch>,
}

/// A stretch of Eastern wall-clock time, run through in so many real seconds.
#[derive(Debug, Clone, PartialEq)]
struct Stretch {
    from: Time,
    to: Time,
    seconds: f64,
    /// On weekends and holidays, instead of business days.
    is_off: bool,
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PlanError {
    /// A part of it is no stretch.
    #[error("`{0}` is not `HH:MM-HH:MM/SECONDS`, with `/off` for weekends and holidays")]
    Stretch(String),
    /// Two stretches of one kind of day overlap or are not in order.
    #[error("the stretches of a day must follow one another")]
    Order,
    /// Without a stretch of a business day nothing ever happens.
    #[error("a plan needs a stretch of business days")]
    Empty,
}

/// A stretch of one day, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Real seconds since the clock was started.
    pub(super) real: f64,
    pub(super) real_seconds: f64,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Plan {
    /// The stretches from `start` on, the first cut so that it begins there.
    pub(super) fn segments(&self, start: Timestamp) -> Vec<Segment> {
        let first = eastern(start).date();
        let days = first.series(jiff::Span::new().days(1)).take(DAYS);
        let mut segments: Vec<Segment> = Vec::new();
        for (day, stretch) in days.flat_map(|day| self.of(day).map(move |stretch| (day, stretch))) {
            let real = segments.last().map_or(0.0, Segment::real_end);
            segments.extend(stretch.on(day, start, real));
        }
        segments
    }

    fn of(&self, day: Date) -> impl Iterator<Item = &Stretch> {
        let is_off = !hours::is_business_day(day);
        let of_day = move |stretch: &&Stretch| stretch.is_off == is_off;
        self.stretches.iter().filter(of_day)
    }
}

impl Stretch {
    /// This stretch of `day` from `start` on; nothing if it is over by then.
    fn on(&self, day: Date, start: Timestamp, real: f64) -> Option<Segment> {
        let (whole_from, to) = (hours::at(day, self.from), hours::at(day, self.to));
        let from = whole_from.max(start);
        let share = seconds(from, to) / seconds(whole_from, to);
        (from < to).then_some(Segment {
            real,
            real_seconds: self.seconds * share,
            from,
            to,
        })
    }
}

impl Segment {
    /// The simulated instant `real` seconds after the start.
    pub(super) fn simulated(&self, real: f64) -> Timestamp {
        let share = ((real - self.real) / self.real_seconds).clamp(0.0, 1.0);
        later(self.from, seconds(self.from, self.to) * share).min(self.to)
    }

    /// Real seconds from the start to the simulated instant `at`, which is at most `to`.
    pub(super) fn real(&self, at: Timestamp) -> f64 {
        let share = seconds(self.from, at) / seconds(self.from, self.to);
        self.real + self.real_seconds * share.clamp(0.0, 1.0)
    }

    fn real_end(&self) -> f64 {
        self.real + self.real_seconds
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let parts = text.split(',').map(str::trim);
        let parsed = parts.map(|part| {
            part.parse()
                .map_err(|()| PlanError::Stretch(part.to_owned()))
        });
        let stretches = parsed.collect::<Result<Vec<Stretch>, _>>()?;
        for is_off in [false, true] {
            let of_kind = stretches.iter().filter(|stretch| stretch.is_off == is_off);
            if !of_kind.is_sorted_by(|earlier, later| earlier.to <= later.from) {
                return Err(PlanError::Order);
            }
        }
        if stretches.iter().all(|stretch| stretch.is_off) {
            return Err(PlanError::Empty);
        }
        Ok(Self { stretches })
    }
}

impl FromStr for Stretch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (hours, rest) = text.split_once('/').ok_or(())?;
        let (seconds, kind) = rest.split_once('/').unwrap_or((rest, ""));
        let (from, to) = hours.split_once('-').ok_or(())?;
        let time = |text| Time::strptime("%H:%M", text).map_err(drop);
        let stretch = Self {
            from: time(from)?,
            to: time(to)?,
            seconds: seconds.parse().map_err(drop)?,
            is_off: kind == "off",
        };
        let is_known = matches!(kind, "" | "off");
        let lasts = stretch.seconds > 0.0 && stretch.seconds.is_finite();
        (is_known && lasts && stretch.from < stretch.to)
            .then_some(stretch)
            .ok_or(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, stretch) in self.stretches.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let off = if stretch.is_off { "/off" } else { "" };
            let (from, to) = (stretch.from.strftime("%H:%M"), stretch.to.strftime("%H:%M"));
            write!(f, "{comma}{from}-{to}/{}{off}", stretch.seconds)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_and_written_in_its_compact_form() {
        let text = "06:00-22:00/3,22:05-23:30/2.5,08:00-09:00/0.5/off";

        let plan: Plan = text.parse().unwrap();

        assert_eq!(plan.to_string(), text);
    }

    #[test]
    fn what_is_no_plan_is_named() {
        for part in [
            "",
            "06:00",
            "06:00-22:00",
            "22:00-06:00/3",
            "06:00-22:00/0",
            "06:00-22:00/3/on",
        ] {
            let error = part.parse::<Plan>().unwrap_err();

            assert_eq!(error, PlanError::Stretch(part.to_owned()));
        }
        let overlapping = "06:00-22:00/3,21:00-23:00/1".parse::<Plan>();
        assert_eq!(overlapping, Err(PlanError::Order));
        assert_eq!("06:00-22:00/3/off".parse::<Plan>(), Err(PlanError::Empty));
    }
}
