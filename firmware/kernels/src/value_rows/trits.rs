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
            for (&byte, &[a, b, c, d, e]) in row.iter().zip(fives) {
                // Written out, since a compiler that saves space keeps loops.
                let mut digits = u32::from(byte);
                (sum, digits) = next(sum, digits, a, window.bias);
                (sum, digits) = next(sum, digits, b, window.bias);
                (sum, digits) = next(sum, digits, c, window.bias);
                (sum, digits) = next(sum, digits, d, window.bias);
                (sum, _) = next(sum, digits, e, window.bias);
            }
            let mut digits = row.get(fives.len()).map_or(0, |&byte| byte.into());
            for &value in last {
                (sum, digits) = next(sum, digits, value, window.bias);
            }
            *acc = sum;
        }
    }
}

/// Adds a value times the lowest digit; the sum and the digits after it.
#[inline(always)]
fn next(sum: i32, digits: u32, value: u8, bias: i32) -> (i32, u32) {
    // A third, exact for numbers below 512.
    let rest = digits.wrapping_mul(171) >> 9;
    let digit = digits.wrapping_sub(rest.wrapping_mul(3)) as i32;
    (sum.wrapping_add(i32::from(value).wrapping_sub(bias).wrapping_mul(digit)), rest)
}
