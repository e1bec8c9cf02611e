//! Ternary weights, five digits a byte (SPEC.md 6.8, NUMERICS 3.10).

use bitfab_format::Layer;

use super::{Rows, Window};

/// Digits of a word.
const DIGITS: usize = 20;

/// A walk over rows of trits.
pub(super) struct Trits<'a> {
    words: &'a [u32],
    rest: &'a [u32],
    row_words: usize,
    fan_in: usize,
}

impl<'a> Trits<'a> {
    pub fn new(layer: &Layer<'_>, words: &'a [u32]) -> Self {
        let fan_in = layer.fan_in() as usize;
        Self { words, rest: words, row_words: fan_in.div_ceil(DIGITS), fan_in }
    }
}

impl Rows for Trits<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        for acc in accumulators {
            let row = self.rest.split_off(..self.row_words).unwrap_or_default();
            let mut values = window.values(self.fan_in);
            for &byte in bytemuck::cast_slice::<u32, u8>(row) {
                let mut digits = u32::from(byte);
                for x in values.by_ref().take(5) {
                    // A third, exact for numbers below 512.
                    let rest = digits.wrapping_mul(171) >> 9;
                    let digit = digits.wrapping_sub(rest.wrapping_mul(3)) as i32;
                    *acc = acc.wrapping_add(x.wrapping_mul(digit.wrapping_sub(1)));
                    digits = rest;
                }
            }
        }
    }
}
