//! Pools: 32 channels at a time (NUMERICS 4).

use bitfab_format::{Kind, Layer};

use crate::Views;
use crate::place::{self, Place};
use crate::transform::{self, BLOCK, PLANES};

/// Calls `each` with the planes of word `word` of the channels under every tap inside the input.
fn for_each_tap(layer: &Layer<'_>, input: &[u32], place: &Place, word: usize, each: &mut dyn FnMut(&[u32; PLANES])) {
    let pixel_words = layer.input.pixel_words() as usize;
    let stride = layer.input.shape.channel_words() as usize;
    let planes = layer.input.kind.planes() as usize;
    place.for_each_run(&mut |pixel, taps| {
        let Some(pixel) = pixel else { return };
        let mut first = pixel.wrapping_mul(pixel_words).wrapping_add(word);
        for _ in 0..taps {
            each(&transform::read(input, first, stride, planes));
            first = first.wrapping_add(pixel_words);
        }
    });
}

/// Computes a max-pool.
pub(crate) fn max(layer: &Layer<'_>, views: Views<'_>) {
    let words = layer.output.shape.channel_words() as usize;
    let planes = layer.output.kind.planes() as usize;
    if planes == 1 && !layer.window.is_padded() {
        return max_of_signs(layer, views, words);
    }
    place::for_each(layer, &mut |pixel, place| {
        let first = pixel.wrapping_mul(words.wrapping_mul(planes));
        for word in 0..words {
            let mut best = [0; PLANES];
            for_each_tap(layer, views.input, place, word, &mut |value| best = larger(&best, value));
            transform::write(views.output, first.wrapping_add(word), words, &best, planes);
        }
    });
}

/// A max-pool of signs inside the input, `words` a pixel: the largest of signs is OR of their words.
///
/// A row of the output gathers one tap of all its pixels after the other, so that nothing is asked pixel by pixel.
#[inline(never)] // once in the binary
fn max_of_signs(layer: &Layer<'_>, views: Views<'_>, words: usize) {
    let ([height, width], [down, right]) = (layer.window.kernel, layer.window.stride);
    let row_words = words.wrapping_mul(layer.input.shape.width as usize);
    let output_words = words.wrapping_mul(layer.output.shape.width as usize);
    let (mut input, mut output) = (views.input, views.output);
    for _ in 0..layer.output.shape.height {
        let Some(output) = output.split_off_mut(..output_words) else { return };
        output.fill(0);
        let mut row = input;
        for _ in 0..height {
            let mut tap = row;
            for _ in 0..width {
                gather(output, tap, words, words.wrapping_mul(right as usize));
                tap = tap.get(words..).unwrap_or_default();
            }
            row = row.get(row_words..).unwrap_or_default();
        }
        input = input.get(row_words.wrapping_mul(down as usize)..).unwrap_or_default();
    }
}

/// Adds to the signs of every pixel of `output` those of the input's pixels, of which the first words are `step` apart.
fn gather(mut output: &mut [u32], mut input: &[u32], words: usize, step: usize) {
    while let Some(pixel) = output.split_off_mut(..words) {
        pixel.iter_mut().zip(input).for_each(|(to, from)| *to |= from);
        input = input.get(step..).unwrap_or_default();
    }
}

/// The larger value of each of 32 channels.
fn larger(a: &[u32; PLANES], b: &[u32; PLANES]) -> [u32; PLANES] {
    // From the top plane down: channels whose order is known, and those where `b` wins.
    let (mut known, mut b_wins) = (0, 0);
    for (a, b) in a.iter().zip(b).rev() {
        b_wins |= !a & b & !known;
        known |= a ^ b;
    }
    let mut best = *a;
    best.iter_mut().zip(b).for_each(|(a, b)| *a ^= (*a ^ b) & b_wins);
    best
}

/// Computes a sum-pool with its transform.
pub(crate) fn sum(layer: &Layer<'_>, views: Views<'_>) {
    let is_sign = layer.input.kind == Kind::Sign;
    // A sign is 2 bit - 1.
    let (base, shift) = if is_sign { ((layer.window.taps() as i32).wrapping_neg(), 1) } else { (0, 0) };
    let mut accumulators = [0i32; BLOCK];
    place::for_each(layer, &mut |pixel, place| {
        let (mut left, mut word) = (layer.output.shape.channels as usize, 0);
        while left != 0 {
            let used = left.min(BLOCK);
            left -= used;
            let sums = accumulators.get_mut(..used).unwrap_or_default();
            sums.fill(base);
            for_each_tap(layer, views.input, place, word, &mut |planes| add(planes, shift, sums));
            transform::store(layer, pixel, word, sums, views.residual, views.output);
            word += 1;
        }
    });
}

/// Adds the values of one word of channels, shifted, to their sums.
fn add(planes: &[u32; PLANES], mut shift: u32, sums: &mut [i32]) {
    for &plane in planes {
        let mut plane = plane;
        if plane != 0 {
            for sum in &mut *sums {
                *sum = sum.wrapping_add((plane & 1).wrapping_shl(shift) as i32);
                plane >>= 1;
            }
        }
        shift += 1;
    }
}
