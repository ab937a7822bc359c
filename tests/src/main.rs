//! The program `filingwire`, for tests that need a process of it.
//!
//! `FILINGWIRE_TEST_CLOCK` gives it another clock than the machine's: simulated time runs
//! from the first instant at the second, so many times as fast.
//!
//! ```text
//! FILINGWIRE_TEST_CLOCK="2026-03-03T20:00:00Z 2026-11-28T11:00:00Z 20"
//! ```

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use monitors::clock::Clock;

fn main() -> ExitCode {
    let clock = std::env::var("FILINGWIRE_TEST_CLOCK");
    let clock = clock.map_or_else(|_| Clock::system(), |text| clock_of(&text));
    filingwire::cli::main_by(clock)
}

/// A clock that runs on over restarts, as the simulator's does.
fn clock_of(text: &str) -> Clock {
    let wrong = || panic!("FILINGWIRE_TEST_CLOCK is START ORIGIN SPEED, not `{text}`");
    let parts: Vec<&str> = text.split(' ').collect();
    let [start, origin, speed] = parts[..] else {
        wrong()
    };
    let instant = |text: &str| text.parse().unwrap_or_else(|_| wrong());
    let (start, origin): (Timestamp, Timestamp) = (instant(start), instant(origin));
    let speed: f64 = speed.parse().unwrap_or_else(|_| wrong());
    Clock::new(move || {
        let elapsed = Timestamp::now().duration_since(origin).as_secs_f64() * speed;
        start + SignedDuration::from_secs_f64(elapsed)
    })
}
