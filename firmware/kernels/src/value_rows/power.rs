//! Powers of two (SPEC.md 6.9, NUMERICS 3.12): shifts and additions, no multiplication.

use bitfab_format::Layer;

use super::{Rows, Window};

/// Weights of a word.
const NIBBLES: usize = 8;

/// A walk over rows of nibbles.
pub(super) struct Powers<'a> {
    words: &'a [u32],
    rest: &'a [u32],
    row_words: usize,
}

impl<'a> Powers<'a> {
    pub fn new(layer: &Layer<'_>, words: &'a [u32]) -> Self {
        Self { words, rest: words, row_words: (layer.fan_in() as usize).div_ceil(NIBBLES) }
    }
}

impl Rows for Powers<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        // Windows end with zeros up to whole words of nibbles.
        let (eights, _) = window.bytes.as_chunks::<NIBBLES>();
        for acc in accumulators {
            let row = self.rest.split_off(..self.row_words).unwrap_or_default();
            *acc = row.iter().zip(eights).fold(0, |acc, (&word, values)| add(acc, word, values, window.bias));
        }
    }
}

/// Adds eight values, shifted and signed as their nibbles say.
#[inline(always)]
fn add(mut acc: i32, word: u32, values: &[u8; NIBBLES], bias: i32) -> i32 {
    // Written out, since a compiler that saves space keeps loops.
    let &[a, b, c, d, e, f, g, h] = values;
    acc = product::<0>(acc, word, a, bias);
    acc = product::<1>(acc, word, b, bias);
    acc = product::<2>(acc, word, c, bias);
    acc = product::<3>(acc, word, d, bias);
    acc = product::<4>(acc, word, e, bias);
    acc = product::<5>(acc, word, f, bias);
    acc = product::<6>(acc, word, g, bias);
    product::<7>(acc, word, h, bias)
}

/// Adds a value times the weight of nibble `AT`.
#[inline(always)]
const fn product<const AT: u32>(acc: i32, word: u32, value: u8, bias: i32) -> i32 {
    let (exponent, x) = (word >> (4 * AT) & 7, (value as i32).wrapping_sub(bias));
    if cfg!(target_os = "none") {
        if exponent == 0 {
            return acc;
        }
        let shifted = x.wrapping_shl(exponent.wrapping_sub(1));
        return if word & (8 << (4 * AT)) == 0 { acc.wrapping_add(shifted) } else { acc.wrapping_sub(shifted) };
    }
    // Without branches, of which laptops would guess half wrong.
    let (is_zero, sign) = ((exponent.wrapping_sub(1)) as i32 >> 31, (word << (28 - 4 * AT)) as i32 >> 31);
    let shifted = x.wrapping_shl(exponent) >> 1 & !is_zero;
    acc.wrapping_add((shifted ^ sign).wrapping_sub(sign))
}
