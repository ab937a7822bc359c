//! Figures of many durations.

use std::{fmt, time::Duration};

/// Durations to be summed up.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    sorted: bool,
    values: Vec<Duration>,
}

impl Figures {
    /// Takes one more.
    pub fn push(&mut self, value: Duration) {
        self.sorted = false;
        self.values.push(value);
    }

    /// Takes all of another's.
    pub fn append(&mut self, other: &mut Self) {
        self.sorted = false;
        self.values.append(&mut other.values);
    }

    /// The value that `share` of all do not exceed; zero when there is none.
    pub fn percentile(&mut self, share: f64) -> Duration {
        if !self.sorted {
            self.values.sort_unstable();
            self.sorted = true;
        }
        let rank = (self.values.len() as f64 * share).ceil() as usize;
        self.values
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// `p50`, `p99` and the largest.
    pub fn summary(&mut self) -> Summary {
        let [p50, p99, most] = [0.50, 0.99, 1.0].map(|share| self.percentile(share));
        Summary {
            count: self.count(),
            p50,
            p99,
            most,
        }
    }
}

/// The figures a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Of how many.
    pub count: usize,
    /// Half are below.
    pub p50: Duration,
    /// All but one in a hundred are below.
    pub p99: Duration,
    /// The largest.
    pub most: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |value: Duration| value.as_secs_f64() * 1000.0;
        let Self {
            count,
            p50,
            p99,
            most,
        } = *self;
        write!(
            f,
            "{count:>9} {:>9.1} {:>9.1} {:>9.1}",
            ms(p50),
            ms(p99),
            ms(most)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut figures = Figures::default();
        for ms in (1..=100).rev() {
            figures.push(Duration::from_millis(ms));
        }

        assert_eq!(figures.percentile(0.5), Duration::from_millis(50));
        assert_eq!(figures.percentile(0.99), Duration::from_millis(99));
        assert_eq!(figures.summary().most, Duration::from_millis(100));
        assert_eq!(Figures::default().summary().p99, Duration::ZERO);
    }
}
