//! Delays as counts in buckets that widen with the delay: the room of a few hundred numbers,
//! and a percentile that is a twentieth off at most.

use jiff::SignedDuration;
use serde::Serialize;

/// Buckets in which a delay doubles.
const STEPS: f64 = 8.0;

/// Upper bound of the first bucket; what is shorter is in it.
const FIRST_MS: f64 = 62.5;

/// The last one ends at more than an hour; what is longer is in it.
const BUCKETS: usize = 136;

/// How many filings had which delay.
#[derive(Debug)]
pub(super) struct Delays {
    buckets: Box<[u32; BUCKETS]>,
}

/// The delays as a page shows them.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(super) filings: u64,
    p50_ms: u64,
    p99_ms: u64,
    /// Upper bound in milliseconds and count of each bucket that is not empty.
    buckets: Vec<(u64, u32)>,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            buckets: Box::new([0; BUCKETS]),
        }
    }
}

impl Delays {
    pub(super) fn take(&mut self, delay: SignedDuration) {
        let count = &mut self.buckets[bucket(delay.as_millis_f64())];
        *count = count.saturating_add(1);
    }

    pub(super) fn tell(&self) -> Told {
        let full = self.buckets.iter().enumerate().filter(|(_, n)| **n > 0);
        Told {
            filings: self.filings(),
            p50_ms: self.percentile(0.5),
            p99_ms: self.percentile(0.99),
            buckets: full
                .map(|(nth, n)| (bound(nth).round() as u64, *n))
                .collect(),
        }
    }

    fn filings(&self) -> u64 {
        self.buckets.iter().copied().map(u64::from).sum()
    }

    /// The middle of the bucket in which that part of the filings is reached.
    fn percentile(&self, part: f64) -> u64 {
        let wanted = (self.filings() as f64 * part).ceil() as u64;
        let mut passed = 0;
        for (nth, count) in self.buckets.iter().enumerate() {
            passed += u64::from(*count);
            if passed >= wanted && passed > 0 {
                return (bound(nth) * 2_f64.powf(-0.5 / STEPS)).round() as u64;
            }
        }
        0
    }
}

/// The upper bound of a bucket in milliseconds.
fn bound(nth: usize) -> f64 {
    FIRST_MS * 2_f64.powf(nth as f64 / STEPS)
}

fn bucket(millis: f64) -> usize {
    let steps = ((millis.max(1.0) / FIRST_MS).log2() * STEPS).ceil();
    // A negative number becomes zero, and one that is too large is bounded.
    (steps as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = i64>) -> Delays {
        let mut delays = Delays::default();
        for delay in millis {
            delays.take(SignedDuration::from_millis(delay));
        }
        delays
    }

    #[test]
    fn a_percentile_is_a_twentieth_off_at_most() {
        let told = of((1..=1000).map(|n| n * 100)).tell();

        assert_eq!(told.filings, 1000);
        assert!(told.p50_ms.abs_diff(50_000) < 2_500, "{told:?}");
        assert!(told.p99_ms.abs_diff(99_000) < 5_000, "{told:?}");
    }

    #[test]
    fn any_delay_has_a_bucket() {
        let told = of([i64::MIN / 1_000_000, -5, 0, 1, i64::MAX / 1_000_000]).tell();

        assert_eq!(told.filings, 5);
        assert_eq!(told.buckets.first().map(|(_, count)| *count), Some(4));
        assert!(told.p99_ms > 3_600_000);
    }

    #[test]
    fn without_filings_there_is_no_percentile() {
        let told = of([]).tell();

        assert_eq!((told.filings, told.p50_ms, told.p99_ms), (0, 0, 0));
    }
}
