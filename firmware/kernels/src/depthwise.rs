//! Depthwise convolutions of packed tensors: 32 channels at a time, each a group of its own.
//!
//! The words under the taps hold one bit of each channel; transposed, they hold the bits that one channel sees,
//! in the order of its weights (SPEC.md 6.3 with one value a tap).

use bitfab_format::{Kind, Layer, Packing, PadValue, WORD_BITS};

use crate::Views;
use crate::place::{self, Place};
use crate::transform::{self, BLOCK};

/// Whether each output channel sees one channel of its own, through a window that fits one word.
pub(crate) fn fits(layer: &Layer<'_>) -> bool {
    let is_depthwise = layer.group_channels() == 1 && layer.output.shape.channels == layer.groups;
    is_depthwise && layer.packing() == Packing::Patch && layer.input.kind.is_packed() && layer.fan_in() <= WORD_BITS
}

/// Computes a depthwise layer.
pub(crate) fn run(layer: &Layer<'_>, rows: &[u32], views: Views<'_>) {
    place::for_each(layer, &mut |pixel, place| {
        let mut rows = rows;
        let mut word = 0;
        while !rows.is_empty() {
            let now = rows.split_off(..BLOCK.min(rows.len())).unwrap_or_default();
            let mut accumulators = [0; BLOCK];
            for plane in 0..layer.input.kind.planes() {
                let first = plane.wrapping_mul(layer.input.shape.channel_words()) as usize;
                let outside = if layer.pad_value.is_one(plane) { u32::MAX } else { 0 };
                let (window, inside) = gather(layer, views.input, place, first.wrapping_add(word), outside);
                add(layer.input.kind, plane, &window, inside, now, &mut accumulators);
            }
            let accumulators = accumulators.get_mut(..now.len()).unwrap_or_default();
            transform::store(layer, pixel, word, accumulators, views.residual, views.output);
            word = word.wrapping_add(1);
        }
    });
}

/// The bits that each of 32 channels sees, tap `i` at bit `i`, and which taps count; `outside` is a word outside.
fn gather(layer: &Layer<'_>, input: &[u32], place: &Place, in_pixel: usize, outside: u32) -> ([u32; BLOCK], u32) {
    let pixel_words = layer.input.pixel_words() as usize;
    let counts_outside = layer.pad_value != PadValue::Zero;
    let (mut window, mut inside, mut tap) = ([0; BLOCK], 0, 0);
    place.for_each_run(&mut |pixel, taps| {
        let mut source = pixel.map(|pixel| pixel.wrapping_mul(pixel_words).wrapping_add(in_pixel));
        for _ in 0..taps {
            let bits = source.map_or(outside, |source| input.get(source).copied().unwrap_or(0));
            window[tap % BLOCK] = bits;
            inside |= u32::from(source.is_some() || counts_outside).wrapping_shl(tap as u32);
            source = source.map(|source| source.wrapping_add(pixel_words));
            tap += 1;
        }
    });
    transpose(&mut window);
    (window, inside)
}

/// Adds one plane's dot products (NUMERICS 3.4 and 3.5).
fn add(kind: Kind, plane: u32, window: &[u32; BLOCK], inside: u32, rows: &[u32], accumulators: &mut [i32; BLOCK]) {
    for ((acc, &x), &w) in accumulators.iter_mut().zip(window).zip(rows) {
        let (most, less) = match kind {
            Kind::Sign => (ones(inside), 2 * ones((x ^ w) & inside)),
            _ => (2 * ones(x & w), ones(x)),
        };
        *acc = acc.wrapping_add((most - less).wrapping_shl(plane));
    }
}

#[inline(never)] // a dozen instructions where the core cannot count
fn ones(word: u32) -> i32 {
    word.count_ones() as i32
}

/// Transposes 32 x 32 bits: bit `j` of row `k` changes places with bit `k` of row `j`.
///
/// Five rounds of swaps, after Warren, Hacker's Delight, section 7-3.
fn transpose(rows: &mut [u32; BLOCK]) {
    let (mut step, mut mask) = (BLOCK / 2, 0xffffu32);
    while step != 0 {
        let mut low = 0;
        while low < BLOCK {
            let high = (low + step) % BLOCK;
            let differ = (rows[low % BLOCK] >> step ^ rows[high]) & mask;
            rows[high] ^= differ;
            rows[low % BLOCK] ^= differ << step;
            low = (low + step + 1) & !step;
        }
        step /= 2;
        mask ^= mask << step;
    }
}
