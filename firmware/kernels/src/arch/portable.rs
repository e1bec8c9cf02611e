//! For cores without their own file: one carry-save tree over four words, or the popcount that the core has.

use crate::dot::{Join, add_row_by_row};

/// Ones in `a ^ b`, as many words as the shorter has.
pub(crate) fn count_xor(a: &[u32], b: &[u32]) -> u32 {
    count(a, b, |a, b| a ^ b)
}

/// Ones in `a & b`, as many words as the shorter has.
pub(crate) fn count_and(a: &[u32], b: &[u32]) -> u32 {
    count(a, b, |a, b| a & b)
}

/// See [`crate::dot::add_counts`].
#[allow(dead_code)] // the laptop has its own
pub(crate) fn add_counts(
    join: Join,
    scale: i32,
    window: &[u32],
    rows: &[u32],
    stride: usize,
    accumulators: &mut [i32],
) {
    match join {
        Join::Xor => add_row_by_row(count_xor, scale, window, rows, stride, accumulators),
        Join::And => add_row_by_row(count_and, scale, window, rows, stride, accumulators),
    }
}

/// Whether `count_ones` is an instruction.
const HAS_POPCOUNT: bool = cfg!(any(target_feature = "zbb", target_arch = "x86_64", target_arch = "aarch64"));

#[inline(always)]
fn count(a: &[u32], b: &[u32], join: impl Fn(u32, u32) -> u32) -> u32 {
    if HAS_POPCOUNT { a.iter().zip(b).map(|(&a, &b)| join(a, b).count_ones()).sum() } else { carry_save(a, b, join) }
}

/// Full adders over four words and the ones and twos so far; only the fours are counted in each round.
///
/// Harley and Seal's method (Warren, Hacker's Delight, section 5-1), with the bytes of many rounds summed at once.
#[inline(always)]
fn carry_save(a: &[u32], b: &[u32], join: impl Fn(u32, u32) -> u32) -> u32 {
    let used = a.len().min(b.len());
    let (a, b) = (a.get(..used).unwrap_or_default(), b.get(..used).unwrap_or_default());
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (mut ones, mut twos, mut fours) = (0, 0, 0);
    for (a, b) in a.chunks(LIMIT).zip(b.chunks(LIMIT)) {
        let mut bytes = 0;
        for ([a0, a1, a2, a3], [b0, b1, b2, b3]) in a.iter().zip(b) {
            let (low, high);
            (ones, low) = add(ones, join(*a0, *b0), join(*a1, *b1));
            (ones, high) = add(ones, join(*a2, *b2), join(*a3, *b3));
            let carry;
            (twos, carry) = add(twos, low, high);
            bytes += bytes_of(carry);
        }
        fours += sum(bytes);
    }
    let rest = a_rest.iter().zip(b_rest).fold(0, |rest, (&a, &b)| rest + bytes_of(join(a, b)));
    let twos = bytes_of(twos);
    fours * 4 + sum(rest + bytes_of(ones) + twos + twos)
}

/// Rounds of four words until a byte may overflow.
const LIMIT: usize = 31;

/// Adds three bits in each of 32 places: sum and carry.
const fn add(a: u32, b: u32, c: u32) -> (u32, u32) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

/// The ones of each byte.
const fn bytes_of(word: u32) -> u32 {
    let pairs = word - (word >> 1 & 0x5555_5555);
    let nibbles = (pairs & 0x3333_3333) + (pairs >> 2 & 0x3333_3333);
    (nibbles + (nibbles >> 4)) & 0x0f0f_0f0f
}

/// The sum of the four bytes.
const fn sum(bytes: u32) -> u32 {
    let pairs = (bytes & 0x00ff_00ff) + (bytes >> 8 & 0x00ff_00ff);
    (pairs & 0xffff) + (pairs >> 16)
}

#[cfg(test)]
mod tests {
    use super::carry_save;

    #[test]
    fn carry_save_counts_every_length_and_the_fullest_words() {
        let words = |seed: u32| (0..600u32).map(move |n| (n + 1).wrapping_mul(seed) ^ (n * n) << 13);
        let (a, b): (std::vec::Vec<u32>, std::vec::Vec<u32>) = words(0x9e37_79b9).zip(words(0x85eb_ca6b)).unzip();
        let full = [u32::MAX; 600];
        for length in (0..140).chain([599, 600]) {
            let naive: u32 = a.iter().zip(&b).take(length).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(carry_save(&a[..length], &b, |a, b| a ^ b), naive, "{length} words");
            assert_eq!(carry_save(&full, &full[..length], |a, b| a & b), 32 * length as u32, "{length} full words");
        }
    }
}
