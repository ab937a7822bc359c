//! Clocks and rates.
//!
//! Invariant: a rate is by CPU time, user and system, which neighbours on a busy machine
//! disturb least; the wall clock is told beside it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// What some work took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) wall: Duration,
    /// User and system time of the process.
    pub(crate) cpu: Duration,
}

impl Effort {
    /// Measures `work`.
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let (wall, cpu) = (Instant::now(), cpu_time());
        work();
        Self {
            wall: wall.elapsed(),
            cpu: cpu_time().saturating_sub(cpu),
        }
    }
}

fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("time spent is not negative")
}

/// How fast the same bytes were read, again and again.
#[derive(Debug)]
pub(crate) struct Rates {
    bytes: usize,
    rounds: Vec<Effort>,
}

impl Rates {
    /// Of rounds of `bytes` each.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            rounds: Vec::new(),
        }
    }

    /// Adds a round.
    pub(crate) fn push(&mut self, effort: Effort) {
        self.rounds.push(effort);
    }

    /// By what our median exceeds `other`'s; `None` if it had no turn.
    pub(crate) fn over(&self, other: &Self) -> Option<f64> {
        let [ours, theirs] = [self, other].map(|rates| rates.sorted(|effort| effort.cpu));
        Some(median(&ours)? / median(&theirs)?)
    }

    /// Megabytes a second by a clock, the slowest round first.
    fn sorted(&self, clock: fn(&Effort) -> Duration) -> Vec<f64> {
        let megabytes = self.bytes as f64 / 1e6;
        let rate = |effort| megabytes / clock(effort).as_secs_f64();
        let mut rates: Vec<f64> = self.rounds.iter().map(rate).collect();
        rates.sort_by(f64::total_cmp);
        rates
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

/// Median, least and most, then the median by the wall clock.
impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = self.sorted(|effort| effort.cpu);
        let wall = median(&self.sorted(|effort| effort.wall));
        let figures = median(&rates).zip(rates.first().zip(rates.last()));
        let (Some((median, (least, most))), Some(wall)) = (figures, wall) else {
            return f.write_str("no turn");
        };
        write!(f, "{median:>7.0} {least:>7.0} {most:>7.0} {wall:>9.0}")
    }
}
