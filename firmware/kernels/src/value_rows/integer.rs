//! Integers of 2 to 8 bits (SPEC.md 6.11, NUMERICS 3.13).

use bitfab_format::{Layer, WORD_BITS};

use super::{Rows, Window};

/// A walk over rows of integers.
pub(super) struct Integers<'a> {
    words: &'a [u32],
    rest: &'a [u32],
    bits: u32,
    row_words: usize,
    fan_in: usize,
}

impl<'a> Integers<'a> {
    pub fn new(layer: &Layer<'_>, bits: u32, words: &'a [u32]) -> Self {
        let fan_in = layer.fan_in() as usize;
        let row_words = fan_in.wrapping_mul(bits as usize).div_ceil(WORD_BITS as usize);
        Self { words, rest: words, bits, row_words, fan_in }
    }
}

impl Rows for Integers<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        for acc in accumulators {
            let row = self.rest.split_off(..self.row_words).unwrap_or_default();
            *acc = dot(row, self.bits, window.values(self.fan_in));
        }
    }
}

/// The dot product of a row and values.
#[inline(always)]
fn dot(row: &[u32], bits: u32, values: impl Iterator<Item = i32>) -> i32 {
    let mut words = row.iter().copied();
    // `have` bits are left of the last word, in the lowest places.
    let (mut pending, mut have, unused) = (0u32, 0u32, WORD_BITS - bits);
    let mut acc = 0i32;
    for x in values {
        let mut code = pending;
        if have < bits {
            let word = words.next().unwrap_or(0);
            code |= word.wrapping_shl(have);
            pending = word.wrapping_shr(bits - have);
            have += unused;
        } else {
            pending = pending.wrapping_shr(bits);
            have -= bits;
        }
        let weight = (code.wrapping_shl(unused) as i32).wrapping_shr(unused);
        acc = acc.wrapping_add(x.wrapping_mul(weight));
    }
    acc
}
