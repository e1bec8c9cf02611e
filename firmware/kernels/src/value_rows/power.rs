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
    let mut nibbles = word;
    for &value in values {
        let exponent = nibbles & 7;
        if exponent != 0 {
            let shifted = i32::from(value).wrapping_sub(bias).wrapping_shl(exponent.wrapping_sub(1));
            acc = if nibbles & 8 == 0 { acc.wrapping_add(shifted) } else { acc.wrapping_sub(shifted) };
        }
        nibbles >>= 4;
    }
    acc
}
