//! Pools: 32 channels at a time (NUMERICS 4).

use bitfab_format::{Kind, Layer};

use crate::Views;
use crate::place::{self, Place};
use crate::transform::{self, BLOCK};

/// Most planes of a packed value.
const PLANES: usize = 4;

/// The planes of one word of the channels of a pixel, least significant first; planes that do not exist are zero.
fn read(layer: &Layer<'_>, input: &[u32], pixel: usize, word: usize) -> [u32; PLANES] {
    let mut planes = [0; PLANES];
    let first = pixel.wrapping_mul(layer.input.pixel_words() as usize).wrapping_add(word);
    let from = input.get(first..).unwrap_or_default();
    let from = from.iter().step_by((layer.input.shape.channel_words() as usize).max(1));
    let used = layer.input.kind.planes() as usize;
    planes.iter_mut().zip(from.take(used)).for_each(|(to, from)| *to = *from);
    planes
}

/// Computes a max-pool.
pub(crate) fn max(layer: &Layer<'_>, views: Views<'_>) {
    let words = layer.output.shape.channel_words() as usize;
    place::for_each(layer, |pixel, place| {
        let first = pixel.wrapping_mul(layer.output.pixel_words() as usize);
        for word in 0..words {
            let mut best = [0; PLANES];
            place.for_each_tap(|tap| {
                if let Some(pixel) = tap {
                    best = larger(best, read(layer, views.input, pixel, word));
                }
            });
            let to = views.output.get_mut(first.wrapping_add(word)..).unwrap_or_default();
            let planes = best.iter().take(layer.output.kind.planes() as usize);
            to.iter_mut().step_by(words).zip(planes).for_each(|(to, plane)| *to = *plane);
        }
    });
}

/// The larger value of each of 32 channels; for one plane this is OR.
fn larger(a: [u32; PLANES], b: [u32; PLANES]) -> [u32; PLANES] {
    // From the top plane down: channels whose order is known, and those where `b` wins.
    let (mut known, mut b_wins) = (0, 0);
    for (a, b) in a.iter().zip(&b).rev() {
        b_wins |= !a & b & !known;
        known |= a ^ b;
    }
    let mut best = a;
    best.iter_mut().zip(b).for_each(|(a, b)| *a ^= (*a ^ b) & b_wins);
    best
}

/// Computes a sum-pool with its transform.
pub(crate) fn sum(layer: &Layer<'_>, views: Views<'_>) {
    let is_sign = layer.input.kind == Kind::Sign;
    let mut accumulators = [0i32; BLOCK];
    place::for_each(layer, |pixel, place| {
        let (mut left, mut word) = (layer.output.shape.channels as usize, 0);
        while left != 0 {
            let used = left.min(BLOCK);
            left -= used;
            let sums = accumulators.get_mut(..used).unwrap_or_default();
            sums.fill(if is_sign { (layer.window.taps() as i32).wrapping_neg() } else { 0 });
            add_taps(layer, views.input, place, word, sums);
            transform::store(layer, pixel, word, sums, views.residual, views.output);
            word += 1;
        }
    });
}

/// Adds the values of one word of channels under every tap.
fn add_taps(layer: &Layer<'_>, input: &[u32], place: Place, word: usize, sums: &mut [i32]) {
    let shift = u32::from(layer.input.kind == Kind::Sign); // a sign is 2 bit - 1
    place.for_each_tap(|tap| {
        let Some(pixel) = tap else { return };
        let mut planes = read(layer, input, pixel, word);
        for sum in sums.iter_mut() {
            let mut value = 0;
            for (plane, weight) in planes.iter_mut().zip([1, 2, 4, 8]) {
                value += (*plane & 1) * weight;
                *plane >>= 1;
            }
            *sum = sum.wrapping_add((value << shift) as i32);
        }
    });
}
