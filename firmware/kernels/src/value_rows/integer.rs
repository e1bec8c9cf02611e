//! Integers of 2 to 8 bits (SPEC.md 6.11, NUMERICS 3.13): widened to bytes, which meet the bytes of the window.

use bitfab_format::{Layer, WORD_BITS};

use super::{Rows, Window};
use crate::arch::{Core, Native};

/// Weights that are widened at once: a whole number of words of any width.
const CHUNK: usize = 64;
/// Bytes of a word.
const BYTES: usize = 4;

/// A walk over rows of integers.
pub(super) struct Integers<'a> {
    words: &'a [u32],
    rest: &'a [u32],
    bits: u32,
    row_words: usize,
    /// Words of the window.
    window_words: usize,
}

impl<'a> Integers<'a> {
    pub fn new(layer: &Layer<'_>, bits: u32, words: &'a [u32]) -> Self {
        let fan_in = layer.fan_in() as usize;
        let row_words = fan_in.wrapping_mul(bits as usize).div_ceil(WORD_BITS as usize);
        Self { words, rest: words, bits, row_words, window_words: fan_in.div_ceil(BYTES) }
    }
}

impl Rows for Integers<'_> {
    fn restart(&mut self) {
        self.rest = self.words;
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        let window_words = window.words.get(..self.window_words).unwrap_or_default();
        for acc in accumulators {
            let row = self.rest.split_off(..self.row_words).unwrap_or_default();
            if self.bits == 8 {
                *acc = Native::dot(window_words, row, window.bias);
                continue;
            }
            let chunk_words = (self.bits as usize).wrapping_mul(CHUNK / WORD_BITS as usize);
            let mut row = row;
            for window_words in window_words.chunks(CHUNK / BYTES) {
                let mut bytes = [0; CHUNK / BYTES];
                let now = row.split_off(..chunk_words.min(row.len())).unwrap_or_default();
                match self.bits {
                    4 => widen_nibbles(now, &mut bytes),
                    bits => widen(bits, now, &mut bytes),
                }
                *acc = acc.wrapping_add(Native::dot(window_words, &bytes, window.bias));
            }
        }
    }
}

/// As [`widen`], for the width that is used most.
fn widen_nibbles(row: &[u32], bytes: &mut [u32; CHUNK / BYTES]) {
    for (&word, [low, high]) in row.iter().zip(bytes.as_chunks_mut().0) {
        (*low, *high) = (nibbles(word & 0xffff), nibbles(word >> 16));
    }
}

/// Four nibbles as signed bytes.
#[inline(always)]
const fn nibbles(half: u32) -> u32 {
    let pairs = (half | half << 8) & 0x00ff_00ff;
    extend((pairs | pairs << 4) & 0x0f0f_0f0f, 0x0808_0808)
}

/// Extends the sign of each byte, of which `sign` is the bit.
#[inline(always)]
const fn extend(fields: u32, sign: u32) -> u32 {
    // No byte borrows from the next, since its top bit is set.
    (fields ^ sign | 0x8080_8080).wrapping_sub(sign) ^ 0x8080_8080
}

/// Turns values of `bits` bits to bytes, four at a time.
fn widen(bits: u32, row: &[u32], bytes: &mut [u32; CHUNK / BYTES]) {
    let unit = |count: u32, ones: u32| ones.wrapping_mul((1u32 << (count % WORD_BITS)).wrapping_sub(1));
    // Fields of two values in halves, and of one in bytes.
    let (pairs, ones) = (unit(2 * bits, 0x0001_0001), unit(bits, 0x0101_0101));
    let sign = 0x0101_0101 << (bits.wrapping_sub(1) % 8);
    let (apart, step) = (16u32.wrapping_sub(2 * bits), 8u32.wrapping_sub(bits));
    let (mut words, mut pending, mut have) = (row.iter(), 0u32, 0u32);
    for four in bytes {
        let need = 4 * bits;
        let mut code = pending;
        if have < need {
            let word = words.next().copied().unwrap_or(0);
            code |= word.wrapping_shl(have);
            pending = word.checked_shr(need.wrapping_sub(have)).unwrap_or(0);
            have = have.wrapping_add(WORD_BITS);
        } else {
            pending = pending.wrapping_shr(need);
        }
        have = have.wrapping_sub(need);
        let halves = code & pairs & 0xffff | code.wrapping_shl(apart) & pairs & !0xffff;
        let fields = halves & ones & 0x00ff_00ff | halves.wrapping_shl(step) & ones & 0xff00_ff00;
        *four = extend(fields, sign);
    }
}
