//! Simulated time, and Eastern time as EDGAR prints it.
//!
//! [`Clock`] maps the machine's time to the simulated one; everything else in this
//! crate asks the clock and never the machine. The police is the one exception:
//! requests are counted in real seconds, because clients live in them.
//!
//! A clock runs at a steady speed, or by a [`Plan`] of days that leaves out nights. Its
//! text is all that another process needs to tell the same time.
//!
//! Invariant: simulated time never goes back.

mod plan;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use plan::Segment;
pub use plan::{Plan, PlanError};

/// US Eastern time, the zone of everything EDGAR prints.
pub static EASTERN: TimeZone = jiff::tz::get!("America/New_York");

/// Maps real time to simulated time.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Timestamp,
    wall_start: Timestamp,
    origin: tokio::time::Instant,
    pace: Pace,
}

#[derive(Debug, Clone)]
enum Pace {
    /// So many times as fast as real time.
    Steady(f64),
    Planned(Arc<(Plan, Vec<Segment>)>),
}

/// Why a text is no clock.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ClockError {
    /// Not three words: simulated start, real start, pace.
    #[error("`{0}` is not `SIMULATED-START REAL-START PACE`")]
    Words(String),
    /// The pace is a plan that cannot be.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Clock {
    /// A clock that shows `start` now and runs `speed` times as fast as real time.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self::started(start, Pace::Steady(speed.max(1e-9)))
    }

    /// A clock that begins now with the first stretch of `plan` from `start` on.
    pub fn planned(start: Timestamp, plan: Plan) -> Self {
        Self::started(start, Pace::planned(start, plan))
    }

    fn started(start: Timestamp, pace: Pace) -> Self {
        Self {
            start,
            wall_start: Timestamp::now(),
            origin: tokio::time::Instant::now(),
            pace,
        }
    }

    /// A clock that another process has started.
    fn since(wall_start: Timestamp, start: Timestamp, pace: Pace) -> Self {
        let elapsed = Timestamp::now().duration_since(wall_start);
        let elapsed = Duration::try_from(elapsed).unwrap_or_default();
        let now = tokio::time::Instant::now();
        Self {
            start,
            wall_start,
            origin: now.checked_sub(elapsed).unwrap_or(now),
            pace,
        }
    }

    /// The simulated instant at which the clock was started.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The simulated instant of this moment.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.origin.elapsed().as_secs_f64();
        match &self.pace {
            Pace::Steady(speed) => later(self.start, elapsed * speed),
            Pace::Planned(planned) => {
                let segments = &planned.1;
                let next = segments.partition_point(|segment| segment.real <= elapsed);
                segments[next.saturating_sub(1)].simulated(elapsed)
            }
        }
    }

    /// The real instant at which the simulated instant `at` is reached or jumped over.
    pub fn wall(&self, at: Timestamp) -> Timestamp {
        later(self.wall_start, self.real_seconds(at))
    }

    /// How long to wait, in real time, until the simulated instant `at`.
    pub fn wait(&self, at: Timestamp) -> Duration {
        let left = self.real_seconds(at) - self.origin.elapsed().as_secs_f64();
        Duration::try_from_secs_f64(left).unwrap_or_default()
    }

    /// Real seconds from the start to `at`.
    fn real_seconds(&self, at: Timestamp) -> f64 {
        match &self.pace {
            Pace::Steady(speed) => at.duration_since(self.start).as_secs_f64() / speed,
            Pace::Planned(planned) => {
                let segments = &planned.1;
                let place = segments.partition_point(|segment| segment.to < at);
                segments[place.min(segments.len() - 1)].real(at)
            }
        }
    }
}

impl Pace {
    fn planned(start: Timestamp, plan: Plan) -> Self {
        let segments = plan.segments(start);
        Self::Planned(Arc::new((plan, segments)))
    }
}

/// `SIMULATED-START REAL-START PACE`, where the pace is a speed, with or without an `x`, or a plan.
impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.start, self.wall_start)?;
        match &self.pace {
            Pace::Steady(speed) => write!(f, "x{speed}"),
            Pace::Planned(planned) => write!(f, "{}", planned.0),
        }
    }
}

/// The clock of another process, from its text.
impl FromStr for Clock {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let bad = || ClockError::Words(text.to_owned());
        let words: Vec<&str> = text.split(' ').collect();
        let [start, wall_start, pace] = words[..] else {
            return Err(bad());
        };
        let start: Timestamp = start.parse().map_err(|_| bad())?;
        let pace = match pace.trim_start_matches('x').parse::<f64>() {
            Ok(speed) => Pace::Steady(speed.max(1e-9)),
            Err(_) => Pace::planned(start, pace.parse()?),
        };
        Ok(Self::since(
            wall_start.parse().map_err(|_| bad())?,
            start,
            pace,
        ))
    }
}

/// `at` plus a number of seconds, which may be negative or broken.
pub(crate) fn later(at: Timestamp, seconds: f64) -> Timestamp {
    let span = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    at.saturating_add(span).unwrap_or(at)
}

/// `at` on the clocks of Washington.
pub(crate) fn eastern(at: Timestamp) -> Zoned {
    at.to_zoned(EASTERN.clone())
}

/// The whole second of `at`: EDGAR knows acceptance to the second.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// An HTTP date, `Fri, 26 May 2023 15:41:34 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a literal timestamp")
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_clock_covers_an_hour_in_a_minute() {
        let clock = Clock::new(at("2026-03-03T14:00:00Z"), 60.0);

        tokio::time::advance(Duration::from_secs(60)).await;

        assert_eq!(clock.now(), at("2026-03-03T15:00:00Z"));
        assert_eq!(
            clock.wait(at("2026-03-03T15:01:00Z")),
            Duration::from_secs(1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_planned_clock_runs_through_days_and_jumps_over_nights_and_weekends() {
        let plan = "06:00-22:00/4,22:00-23:00/1".parse().expect("a plan");
        let clock = Clock::planned(at("2026-03-06T11:00:00Z"), plan); // A Friday.
        let mut shown = vec![clock.now().to_string()];

        for millis in [2_000, 2_500, 499, 2] {
            tokio::time::advance(Duration::from_millis(millis)).await;
            shown.push(clock.now().strftime("%FT%TZ").to_string());
        }

        assert_eq!(
            shown,
            [
                "2026-03-06T11:00:00Z",
                "2026-03-06T19:00:00Z",
                "2026-03-07T03:30:00Z",
                "2026-03-07T03:59:56Z",
                "2026-03-09T10:00:14Z", // Summer time has begun.
            ]
        );
        assert_eq!(
            clock.wait(at("2026-03-10T02:00:00Z")),
            Duration::from_millis(3_999)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_jumped_over_is_reached_at_the_jump() {
        let plan = "06:00-22:00/4,08:00-09:00/1/off".parse().expect("a plan");
        let clock = Clock::planned(at("2026-03-07T13:30:00Z"), plan); // A Saturday.

        let wait = |text| clock.wait(at(text));

        assert_eq!(wait("2026-03-07T14:00:00Z"), Duration::from_millis(500));
        assert_eq!(wait("2026-03-08T02:00:00Z"), Duration::from_millis(500));
        assert_eq!(wait("2026-03-08T13:00:00Z"), Duration::from_millis(1_500));
        assert_eq!(wait("2026-03-09T18:00:00Z"), Duration::from_millis(3_500));
    }

    #[test]
    fn another_process_tells_the_same_time_from_the_text() {
        let plan = "06:00-22:00/4000,22:00-23:00/1000".parse().expect("a plan");
        for clock in [
            Clock::planned(at("2026-03-06T11:00:00Z"), plan),
            Clock::new(at("2026-03-06T11:00:00Z"), 2.5),
        ] {
            let other: Clock = clock.to_string().parse().expect("a clock");

            let apart = other.now().duration_since(clock.now()).as_secs_f64();
            assert!(apart.abs() < 1.0, "{apart} s of simulated time");
            assert_eq!(other.to_string(), clock.to_string());
        }
    }

    #[test]
    fn eastern_offset_follows_daylight_saving() {
        let winter = eastern(at("2026-03-03T21:04:41Z"));
        let summer = eastern(at("2026-07-03T20:04:41Z"));

        assert_eq!(
            winter.strftime("%FT%T%:z").to_string(),
            "2026-03-03T16:04:41-05:00"
        );
        assert_eq!(
            summer.strftime("%FT%T%:z").to_string(),
            "2026-07-03T16:04:41-04:00"
        );
    }

    #[test]
    fn http_dates_look_as_the_archive_prints_them() {
        assert_eq!(
            http_date(at("2023-05-26T15:41:34Z")),
            "Fri, 26 May 2023 15:41:34 GMT"
        );
    }
}
