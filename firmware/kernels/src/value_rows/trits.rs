//! Ternary weights, five digits a byte (SPEC.md 6.8, NUMERICS 3.10).

use bitfab_format::Layer;

use super::{Rows, Window};

/// Digits of a word, and of a byte.
const WORD_DIGITS: usize = 20;
const DIGITS: usize = 5;

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
        Self { words, rest: words, row_words: fan_in.div_ceil(WORD_DIGITS), fan_in }
    }
}

impl Rows for Trits<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        let (fives, last) = window.bytes.get(..self.fan_in).unwrap_or_default().as_chunks::<DIGITS>();
        for acc in accumulators {
            let row = bytemuck::cast_slice::<u32, u8>(self.rest.split_off(..self.row_words).unwrap_or_default());
            // Digits are one more than weights.
            let mut sum = window.sum.wrapping_neg();
            for (&byte, values) in row.iter().zip(fives) {
                sum = add(sum, byte, values, window.bias);
            }
            if let Some(&byte) = row.get(fives.len()) {
                sum = add(sum, byte, last, window.bias);
            }
            *acc = sum;
        }
    }
}

/// Adds the products of the digits of a byte and up to five values.
#[inline(always)]
fn add(mut sum: i32, byte: u8, values: &[u8], bias: i32) -> i32 {
    let mut digits = u32::from(byte);
    for &value in values {
        // A third, exact for numbers below 512.
        let rest = digits.wrapping_mul(171) >> 9;
        let digit = digits.wrapping_sub(rest.wrapping_mul(3)) as i32;
        sum = sum.wrapping_add(i32::from(value).wrapping_sub(bias).wrapping_mul(digit));
        digits = rest;
    }
    sum
}
