//! Writes numbers of a width each, and the sections of scales: the inverse of [`super::Codes`] and [`super::Scales`].

use alloc::vec::Vec;

use super::parts::Form;
use super::rescale::Rescale;
use crate::WORD_BITS;

/// Bits of the widest of some numbers in two's complement; 0 where all are zero.
pub(crate) fn width(numbers: impl IntoIterator<Item = i64>) -> u8 {
    let bits = |number: i64| match number {
        0 => 0,
        _ => 65 - (number ^ (number >> 63)).leading_zeros() as u8,
    };
    numbers.into_iter().map(bits).max().unwrap_or(0)
}

/// Numbers of `width` bits each, low bits first.
pub(crate) fn pack(numbers: impl IntoIterator<Item = i64>, width: u8) -> Vec<u32> {
    let (mut words, mut pending, mut used) = (Vec::new(), 0u128, 0);
    let mask = (1u128 << width) - 1;
    for number in numbers {
        pending |= (number as u128 & mask) << used;
        used += u32::from(width);
        while used >= WORD_BITS {
            words.push(pending as u32);
            (pending, used) = (pending >> WORD_BITS, used - WORD_BITS);
        }
    }
    if used != 0 {
        words.push(pending as u32);
    }
    words
}

/// The section of these scales, and its form.
pub(crate) fn scales(scales: &[Rescale]) -> (Form, Vec<u32>) {
    let least = scales.iter().map(|scale| scale.shift).min().unwrap_or(0);
    let shifts = || scales.iter().map(|scale| i64::from(scale.shift) - i64::from(least));
    let multipliers = || scales.iter().map(|scale| i64::from(scale.multiplier));
    let offsets = || scales.iter().map(|scale| scale.offset);
    // A shift needs no sign.
    let [step, rest] = [width(offsets()), width(shifts()).saturating_sub(1)];
    let fits = step < 64 && rest < 6;
    let form = Form {
        // No multiplier has so many bits, so that nothing reads what does not fit.
        base: if fits { width(multipliers()) } else { 63 },
        step: step.min(63),
        rest: rest.min(63),
        point: least.min(63) as i8,
        has_directions: false,
    };
    let mut words = pack(multipliers(), form.base);
    words.extend(pack(offsets(), step));
    words.extend(pack(shifts(), rest));
    (form, words)
}
