//! Seeded randomness: the same seed gives the same world, on every machine.
//!
//! Each question gets its own stream, named by a label and a number, so that one
//! more draw in one place changes nothing elsewhere.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random stream for one question: `label` says which, `number` which instance.
pub(crate) fn stream(seed: u64, label: &str, number: u64) -> ChaCha8Rng {
    let mut state = mix(seed);
    for byte in label.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    ChaCha8Rng::seed_from_u64(mix(state ^ number))
}

/// A number that stands for `text`, spread over all 64 bits.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(mix(text.len() as u64), |state, byte| {
        mix(state ^ u64::from(byte))
    })
}

/// Whether a thing that happens with probability `share` happens to `text`.
pub(crate) fn happens(seed: u64, label: &str, text: &str, share: f64) -> bool {
    share > 0.0 && stream(seed, label, digest(text)).random::<f64>() < share
}

/// One of `choices`, each equally likely.
///
/// # Panics
/// When `choices` is empty; all callers pass constant tables or checked lists.
pub(crate) fn pick<T: Copy>(rng: &mut impl Rng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

/// An index, drawn in proportion to `weights`; 0 when they are all zero.
pub(crate) fn weighted(rng: &mut impl Rng, weights: impl Iterator<Item = f64> + Clone) -> usize {
    let total: f64 = weights.clone().sum();
    let mut rest = rng.random::<f64>() * total;
    for (index, weight) in weights.enumerate() {
        if rest < weight {
            return index;
        }
        rest -= weight;
    }
    0
}

/// A log-normal draw: half of them below `median`, `sigma` is the spread of the logarithm.
pub(crate) fn log_normal(rng: &mut impl Rng, median: f64, sigma: f64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    median * (sigma * radius * angle.cos()).exp()
}

/// The gap to the next event of a Poisson process with `mean` between events.
pub(crate) fn exponential(rng: &mut impl Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.random::<f64>()).ln()
}

/// One round of splitmix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let draw = |seed, number| stream(seed, "sizes", number).random::<u64>();

        assert_eq!(draw(7, 3), draw(7, 3));
        assert_ne!(draw(7, 3), draw(8, 3));
        assert_ne!(draw(7, 3), draw(7, 4));
    }

    #[test]
    fn half_of_the_log_normal_draws_are_below_the_median() {
        let mut rng = stream(1, "test", 0);

        let below = (0..2000)
            .filter(|_| log_normal(&mut rng, 90.0, 1.5) < 90.0)
            .count();

        assert!((850..1150).contains(&below), "{below} of 2000");
    }

    #[test]
    fn weights_decide_how_often_an_index_is_drawn() {
        let mut rng = stream(1, "test", 1);

        let heavy = (0..1000)
            .filter(|_| weighted(&mut rng, [1.0, 9.0].into_iter()) == 1)
            .count();

        assert!((850..950).contains(&heavy), "{heavy} of 1000");
    }
}
