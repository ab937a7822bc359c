//! Simulated time, and Eastern time as EDGAR prints it.
//!
//! [`Clock`] maps the machine's time to the simulated one; everything else in this
//! crate asks the clock and never the machine. The police is the one exception:
//! requests are counted in real seconds, because clients live in them.
//!
//! Invariant: simulated time never goes back.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// US Eastern time, the zone of everything EDGAR prints.
pub static EASTERN: TimeZone = jiff::tz::get!("America/New_York");

/// Maps real time to simulated time: a start instant and a speed.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Timestamp,
    wall_start: Timestamp,
    origin: tokio::time::Instant,
    speed: f64,
}

impl Clock {
    /// A clock that shows `start` now and runs `speed` times as fast as real time.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self {
            start,
            wall_start: Timestamp::now(),
            origin: tokio::time::Instant::now(),
            speed: speed.max(1e-9),
        }
    }

    /// The simulated instant at which the clock was started.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The simulated instant of this moment.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.origin.elapsed().as_secs_f64() * self.speed;
        later(self.start, elapsed)
    }

    /// The real instant at which the simulated instant `at` is reached.
    pub fn wall(&self, at: Timestamp) -> Timestamp {
        let simulated = at.duration_since(self.start).as_secs_f64();
        later(self.wall_start, simulated / self.speed)
    }

    /// How long to wait, in real time, until the simulated instant `at`.
    pub fn wait(&self, at: Timestamp) -> Duration {
        let simulated = at.duration_since(self.now()).as_secs_f64();
        Duration::try_from_secs_f64(simulated / self.speed).unwrap_or_default()
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
