//! Binary dot products: ones counted in the XOR or AND of runs of words (NUMERICS 3.4 and 3.5).

use crate::arch::{Core, Native};
use crate::join::Join;

/// Ones in the joined words of `a` and the first `a.len()` words of `b`; what `b` lacks counts nothing.
pub fn count(join: Join, a: &[u32], b: &[u32]) -> u32 {
    let mut sum = [0];
    add_counts(join, 1, a, b, b.len(), &mut sum);
    sum[0] as u32
}

/// Adds `scale * count(join, window, row)` to the accumulator of each row.
///
/// Row `i` is the words `i * stride .. i * stride + window.len()` of `rows`; there are as many as accumulators.
/// Rows that are missing or too short leave their accumulators as they are or partial; sums wrap.
pub fn add_counts(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    let mut rows = rows;
    for window in window.chunks(Native::LIMIT) {
        Native::add(join, scale, window, rows, stride, accumulators);
        rows = rows.get(window.len()..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_are_counted_of_what_differs_and_of_what_both_have() {
        assert_eq!(count(Join::Xor, &[0b1100], &[0b1010]), 2);
        assert_eq!(count(Join::And, &[0b1100], &[0b1010]), 1);
        assert_eq!(count(Join::And, &[u32::MAX; 2], &[u32::MAX]), 0, "what the row lacks counts nothing");
    }
}
