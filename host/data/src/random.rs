//! The order of data sets that have no official split and a fixed number of rows.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A permutation of `0..count` that depends on the seed alone.
pub(crate) fn permutation(seed: u64, count: usize) -> Vec<u32> {
    let mut key = [0u8; 32];
    // The fourth purpose of the trainer's random streams, which splits have had from the start.
    for (part, value) in key.chunks_exact_mut(8).zip([seed, 4, 0, 0]) {
        part.copy_from_slice(&value.to_le_bytes());
    }
    let mut rng = ChaCha8Rng::from_seed(key);
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..count).rev() {
        let other = (u64::from(rng.next_u32()) * (last as u64 + 1)) >> 32;
        order.swap(last, other as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_holds_every_index_once() {
        let order = permutation(1, 1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_ne!(order, sorted);
        assert_ne!(order, permutation(2, 1000));
    }
}
