//! How long to wait before a request is made again.
//!
//! Pure schedules: the caller counts its attempts and sleeps. A repeated request goes
//! through the door and the pacer like any other.
//!
//! Elsewhere: which errors are worth another attempt ([`crate::SecError`]).
//!
//! Invariant: no delay is ever zero.

use std::time::Duration;

/// Seconds between the first looks for a document that is not uploaded yet.
const NOT_PUBLISHED_S: [u64; 8] = [1, 2, 4, 8, 15, 30, 60, 120];
/// Seconds between later looks, when the upload is delayed by more than the usual minutes.
const LATE_S: u64 = 600;
/// Looks after which a day has passed: the nightly reconciliation takes over.
pub const NOT_PUBLISHED_ATTEMPTS: u32 = 8 + 144;

/// Longest wait after a transient error, in milliseconds.
const TRANSIENT_MAX_MS: u64 = 60_000;
/// Wait after the first transient error, in milliseconds, before jitter.
const TRANSIENT_FIRST_MS: u64 = 1_000;

/// Wait after look number `attempt` (from 0) found that a listed filing is not uploaded yet.
///
/// Eight looks within four minutes, then one every ten minutes. After
/// [`NOT_PUBLISHED_ATTEMPTS`] looks about a day has passed.
///
/// Source: worked examples of publication delay; the index page is up to a minute ahead of
/// the submission, a failed upload is repeated in a later batch.
#[must_use]
pub fn not_published_delay(attempt: u32) -> Duration {
    let early = usize::try_from(attempt)
        .ok()
        .and_then(|at| NOT_PUBLISHED_S.get(at));
    Duration::from_secs(early.copied().unwrap_or(LATE_S))
}

/// Wait after transient error number `attempt` (from 0): doubling from one second, at most a
/// minute, of which `seed` takes away up to a half so that callers do not return together.
#[must_use]
pub fn transient_delay(attempt: u32, seed: u64) -> Duration {
    let full = TRANSIENT_FIRST_MS
        .saturating_mul(1 << attempt.min(16))
        .min(TRANSIENT_MAX_MS);
    let mixed = mix(seed.wrapping_add(u64::from(attempt)));
    Duration::from_millis(full - mixed % (full / 2))
}

/// Spreads a counter over all 64 bits (the finaliser of SplitMix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpublished_documents_are_looked_for_eight_times_then_every_ten_minutes() {
        let seconds: Vec<u64> = (0..10).map(|n| not_published_delay(n).as_secs()).collect();

        assert_eq!(seconds, [1, 2, 4, 8, 15, 30, 60, 120, 600, 600]);
        assert_eq!(not_published_delay(u32::MAX).as_secs(), 600);
    }

    #[test]
    fn looks_add_up_to_about_a_day() {
        let total: u64 = (0..NOT_PUBLISHED_ATTEMPTS)
            .map(|n| not_published_delay(n).as_secs())
            .sum();

        assert!((86_400..87_000).contains(&total), "{total}");
    }

    #[test]
    fn transient_delay_doubles_and_stays_within_a_minute() {
        for seed in 0..1_000 {
            for attempt in [0, 1, 2, 3, 5, 6, 40, u32::MAX] {
                let full = 1_000_u128 << attempt.min(6);
                let full = full.min(60_000);

                let delay = transient_delay(attempt, seed).as_millis();

                assert!(delay > full / 2 && delay <= full, "{attempt} {delay}");
            }
        }
    }

    #[test]
    fn seeds_spread_the_returns() {
        let delays: std::collections::HashSet<_> =
            (0..100).map(|seed| transient_delay(4, seed)).collect();

        assert!(delays.len() > 90, "{}", delays.len());
    }
}
