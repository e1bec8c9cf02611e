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
    fan_in: usize,
}

impl<'a> Powers<'a> {
    pub fn new(layer: &Layer<'_>, words: &'a [u32]) -> Self {
        let fan_in = layer.fan_in() as usize;
        Self { words, rest: words, row_words: fan_in.div_ceil(NIBBLES), fan_in }
    }
}

impl Rows for Powers<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        for acc in accumulators {
            let row = self.rest.split_off(..self.row_words).unwrap_or_default();
            let mut values = window.values(self.fan_in);
            for &word in row {
                let mut nibbles = word;
                for x in values.by_ref().take(NIBBLES) {
                    *acc = acc.wrapping_add(product(x, nibbles));
                    nibbles >>= 4;
                }
            }
        }
    }
}

/// `x` times the weight of the lowest nibble.
#[inline(always)]
const fn product(x: i32, nibble: u32) -> i32 {
    let exponent = nibble & 7;
    let magnitude = if exponent == 0 { 0 } else { x.wrapping_shl(exponent.wrapping_sub(1)) };
    let sign = (nibble << 28) as i32 >> 31;
    (magnitude ^ sign).wrapping_sub(sign)
}
