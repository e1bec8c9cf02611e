//! Random streams that depend only on the seed and on what they are for.
//!
//! Nothing carries generator state from one step to the next, so a resumed run draws the same numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for; streams of different purposes never meet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// First weights; index: layer.
    Weights = 1,
    /// Order of samples; index: epoch.
    Order = 2,
    /// Random shifts; index: epoch, then sample.
    Shift = 3,
    // 4 is the order of the embedded digits.
    /// Rounding of gradients; index: step, then stage.
    Gradient = 5,
    /// Random rotations; index: epoch, then sample.
    Tilt = 6,
}

/// The stream for `purpose`, further told apart by two indices.
pub(crate) fn stream(seed: u64, purpose: Purpose, major: u64, minor: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (part, value) in key.chunks_exact_mut(8).zip([seed, purpose as u64, major, minor]) {
        part.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Uniform in `0..bound` by multiplication of 32 random bits (bias below 2^-32 * bound).
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// Uniform in [-1, 1) with 24 bits.
pub(crate) fn symmetric(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}

/// A permutation of `0..count`.
pub(crate) fn permutation(rng: &mut ChaCha8Rng, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..count).rev() {
        order.swap(last, below(rng, last as u32 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_holds_every_index_once() {
        let order = permutation(&mut stream(1, Purpose::Order, 0, 0), 1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_ne!(order, sorted);
    }

    #[test]
    fn streams_differ_by_every_part_of_their_name() {
        let first = |mut rng: ChaCha8Rng| rng.next_u64();
        let base = first(stream(1, Purpose::Order, 2, 3));
        assert_eq!(base, first(stream(1, Purpose::Order, 2, 3)));
        assert_ne!(base, first(stream(2, Purpose::Order, 2, 3)));
        assert_ne!(base, first(stream(1, Purpose::Shift, 2, 3)));
        assert_ne!(base, first(stream(1, Purpose::Order, 3, 3)));
        assert_ne!(base, first(stream(1, Purpose::Order, 2, 4)));
    }

    #[test]
    fn symmetric_stays_in_its_range_and_is_centred() {
        let mut rng = stream(5, Purpose::Weights, 0, 0);
        let values: Vec<f32> = (0..10_000).map(|_| symmetric(&mut rng)).collect();
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
        assert!((values.iter().sum::<f32>() / 10_000.0).abs() < 0.03);
    }
}
