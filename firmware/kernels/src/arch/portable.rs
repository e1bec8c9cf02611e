//! For cores without their own file: carry-save adders over four words, or the popcount that the core has.

use crate::join::Join;

/// Most words of a window: more could overflow a byte of the sums below.
pub(crate) const LIMIT: usize = 4 * 31;

/// See [`crate::dot::add_counts`].
pub(crate) fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    match join {
        Join::Xor => each_row(scale, window, rows, stride, accumulators, |a, b| count(a, b, |a, b| a ^ b)),
        Join::And => each_row(scale, window, rows, stride, accumulators, |a, b| count(a, b, |a, b| a & b)),
    }
}

/// Most words of weights that meet bytes: more could overflow the halves below.
pub(crate) const BYTES_LIMIT: usize = 32;

/// See [`super::Core`].
pub(crate) fn add_bytes(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    each_byte_row(window, rows, stride, accumulators, selected);
}

/// One row after the other, by any function that sums selected bytes.
#[inline(always)]
pub(crate) fn each_byte_row(
    window: &[[u32; 8]],
    mut rows: &[u32],
    stride: usize,
    accumulators: &mut [i32],
    selected: impl Fn(&[[u32; 8]], &[u32]) -> u32,
) {
    for accumulator in accumulators {
        let Some(row) = rows.get(..window.len()) else { return };
        *accumulator = accumulator.wrapping_add(selected(window, row).wrapping_mul(2) as i32);
        rows = rows.get(stride..).unwrap_or_default();
    }
}

macro_rules! select {
    ($all:ident, $odd:ident, $weights:ident: $($word:ident $shift:literal),*) => {$(
        let chosen = $word & MASKS[($weights >> $shift) as usize % MASKS.len()];
        $all = $all.wrapping_add(chosen);
        $odd = $odd.wrapping_add(chosen >> 8 & 0x00ff_00ff);
    )*};
}

/// The sum of the bytes that a row selects.
#[inline(always)]
fn selected(window: &[[u32; 8]], row: &[u32]) -> u32 {
    // Sums of whole words and of their odd bytes; the rest is the sum of their even bytes.
    let (mut all, mut odd) = (0u32, 0u32);
    for (&[a, b, c, d, e, f, g, h], &weights) in window.iter().zip(row) {
        // Written out, since a compiler that saves space keeps loops.
        select!(all, odd, weights: a 0, b 4, c 8, d 12, e 16, f 20, g 24, h 28);
    }
    let even = all.wrapping_sub(odd << 8);
    (odd & 0xffff) + (odd >> 16) + (even & 0xffff) + (even >> 16)
}

/// The bytes that four weights select.
pub(crate) static MASKS: [u32; 16] = {
    let mut masks = [0; 16];
    let mut weights = 0;
    while weights < 16u32 {
        let bits = weights & 1 | (weights & 2) << 7 | (weights & 4) << 14 | (weights & 8) << 21;
        masks[weights as usize] = bits * 0xff;
        weights += 1;
    }
    masks
};

/// One row after the other, by any function that counts.
#[inline(always)]
pub(crate) fn each_row(
    scale: i32,
    window: &[u32],
    mut rows: &[u32],
    stride: usize,
    accumulators: &mut [i32],
    count: impl Fn(&[u32], &[u32]) -> u32,
) {
    for accumulator in accumulators {
        let Some(row) = rows.get(..window.len()) else { return };
        *accumulator = accumulator.wrapping_add(scale.wrapping_mul(count(window, row) as i32));
        rows = rows.get(stride..).unwrap_or_default();
    }
}

/// Values of a segment of a list.
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
pub(crate) const SEGMENT: usize = bitfab_format::limits::LIST_SEGMENT as usize;

/// Lists of positions and the window that they select from.
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
pub(crate) struct Lists<'l, 'w> {
    /// The lists that are still to come (SPEC.md 6.8).
    pub rest: &'l [u8],
    /// The window's whole segments.
    pub whole: &'w [[u8; SEGMENT]],
    /// Its last, shorter segment, so that a byte is an index in any segment.
    pub tail: Option<&'w [u8; SEGMENT]>,
    /// Whether lists of negative ones follow those of positive ones.
    pub is_signed: bool,
}

/// See [`super::Core`].
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
pub(crate) fn add_listed(lists: &mut Lists<'_, '_>, [scale, each, base]: [i32; 3], accumulators: &mut [i32]) {
    let mut rest = lists.rest;
    for acc in accumulators {
        let (mut sum, mut ones) = (0u32, 0u32);
        for segment in lists.whole.iter().chain(lists.tail) {
            let Some(&plus) = rest.split_off_first() else { return };
            let minus = if lists.is_signed { rest.split_off_first().copied().unwrap_or(0) } else { 0 };
            ones = ones.wrapping_add(plus.into()).wrapping_sub(minus.into());
            sum = sum.wrapping_add(select(&mut rest, plus, segment)).wrapping_sub(select(&mut rest, minus, segment));
        }
        let sum = (sum as i32).wrapping_mul(scale);
        *acc = sum.wrapping_add((ones as i32).wrapping_mul(each)).wrapping_add(base);
    }
    lists.rest = rest;
}

/// The sum of the bytes of a segment at the next `count` positions.
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
#[inline(always)]
fn select(rest: &mut &[u8], count: u8, segment: &[u8; SEGMENT]) -> u32 {
    let positions = rest.split_off(..usize::from(count)).unwrap_or_default();
    positions.iter().fold(0, |sum: u32, &position| sum.wrapping_add(segment[usize::from(position)].into()))
}

/// See [`super::Core`].
#[cfg(feature = "integer")]
pub(crate) fn dot(window: &[u32], weights: &[u32], bias: i32) -> i32 {
    let mut sum = 0i32;
    for (&values, &weights) in window.iter().zip(weights) {
        // Written out, since a compiler that saves space keeps loops.
        sum = sum.wrapping_add(product::<0>(values, weights, bias)).wrapping_add(product::<8>(values, weights, bias));
        sum = sum.wrapping_add(product::<16>(values, weights, bias)).wrapping_add(product::<24>(values, weights, bias));
    }
    sum
}

/// The product of the bytes at bit `AT`, a value and a signed weight.
#[cfg(feature = "integer")]
#[inline(always)]
const fn product<const AT: u32>(values: u32, weights: u32, bias: i32) -> i32 {
    let weight = (weights << (24 - AT)) as i32 >> 24;
    ((values >> AT & 0xff) as i32).wrapping_sub(bias).wrapping_mul(weight)
}

/// Whether `count_ones` is an instruction.
const HAS_POPCOUNT: bool =
    cfg!(any(target_feature = "zbb", target_feature = "popcnt", target_arch = "aarch64", target_arch = "wasm32"));

/// Ones in the joined words of two slices of the same length, at most [`LIMIT`].
#[inline(always)]
fn count(a: &[u32], b: &[u32], join: impl Fn(u32, u32) -> u32) -> u32 {
    if HAS_POPCOUNT { by_instruction(a, b, join) } else { carry_save(a, b, join) }
}

/// Ones counted word by word, four a round so that the loop costs little.
#[inline(always)]
fn by_instruction(a: &[u32], b: &[u32], join: impl Fn(u32, u32) -> u32) -> u32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sum = 0;
    for ([a0, a1, a2, a3], [b0, b1, b2, b3]) in a.iter().zip(b) {
        sum += join(*a0, *b0).count_ones() + join(*a1, *b1).count_ones();
        sum += join(*a2, *b2).count_ones() + join(*a3, *b3).count_ones();
    }
    sum + a_rest.iter().zip(b_rest).map(|(&a, &b)| join(a, b).count_ones()).sum::<u32>()
}

/// Full adders over four words and the ones and twos so far; only the fours are counted in each round.
///
/// Harley and Seal's method (Warren, Hacker's Delight, section 5-1), with the bytes of all rounds summed at once.
#[inline(always)]
fn carry_save(a: &[u32], b: &[u32], join: impl Fn(u32, u32) -> u32) -> u32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (mut ones, mut twos, mut fours) = (0, 0, 0u32);
    for ([a0, a1, a2, a3], [b0, b1, b2, b3]) in a.iter().zip(b) {
        let (low, high, carry);
        (ones, low) = full_add(ones, join(*a0, *b0), join(*a1, *b1));
        (ones, high) = full_add(ones, join(*a2, *b2), join(*a3, *b3));
        (twos, carry) = full_add(twos, low, high);
        let nibbles = nibbles_of(carry);
        fours = fours.wrapping_add(nibbles.wrapping_add(nibbles >> 4) & 0x0f0f_0f0f);
    }
    let rest = a_rest.iter().zip(b_rest).fold(0, |rest: u32, (&a, &b)| {
        let nibbles = nibbles_of(join(a, b));
        rest.wrapping_add(nibbles.wrapping_add(nibbles >> 4) & 0x0f0f_0f0f)
    });
    // At most 4 + 2 * 4 a nibble.
    let nibbles = nibbles_of(ones).wrapping_add(nibbles_of(twos) << 1);
    let bytes = (nibbles & 0x0f0f_0f0f).wrapping_add(nibbles >> 4 & 0x0f0f_0f0f);
    let halves = halves_of(bytes.wrapping_add(rest)).wrapping_add(halves_of(fours) << 2);
    halves.wrapping_add(halves >> 16) & 0xffff
}

/// Adds three bits in each of 32 places: sum and carry.
const fn full_add(a: u32, b: u32, c: u32) -> (u32, u32) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

/// The ones of each nibble.
const fn nibbles_of(word: u32) -> u32 {
    let pairs = word.wrapping_sub(word >> 1 & 0x5555_5555);
    (pairs & 0x3333_3333).wrapping_add(pairs >> 2 & 0x3333_3333)
}

/// The sums of two bytes.
const fn halves_of(bytes: u32) -> u32 {
    (bytes & 0x00ff_00ff).wrapping_add(bytes >> 8 & 0x00ff_00ff)
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, by_instruction, carry_save};

    #[test]
    fn carry_save_counts_every_length_and_the_fullest_words() {
        let words = |seed: u32| (0..LIMIT as u32).map(move |n| (n + 1).wrapping_mul(seed) ^ (n * n) << 13);
        let (a, b): (std::vec::Vec<u32>, std::vec::Vec<u32>) = words(0x9e37_79b9).zip(words(0x85eb_ca6b)).unzip();
        let full = [u32::MAX; LIMIT];
        for length in 0..=LIMIT {
            let (a, b, full) = (&a[..length], &b[..length], &full[..length]);
            let naive: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(carry_save(a, b, |a, b| a ^ b), naive, "{length} words");
            assert_eq!(by_instruction(a, b, |a, b| a ^ b), naive, "{length} words by instruction");
            assert_eq!(carry_save(full, full, |a, b| a & b), 32 * length as u32, "{length} full words");
        }
    }
}
