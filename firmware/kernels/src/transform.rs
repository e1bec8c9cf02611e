//! From accumulators to output values: residual, thresholds, scores (NUMERICS 5).

use bitfab_format::{Layer, Rescale, Residual, Transform, WORD_BITS};

/// Accumulators that are transformed together: the channels of one word.
pub(crate) const BLOCK: usize = WORD_BITS as usize;

/// Transforms the accumulators of word `word` of the channels of output pixel `pixel` and stores the result.
pub(crate) fn store(
    layer: &Layer<'_>,
    pixel: usize,
    word: usize,
    accumulators: &mut [i32],
    residual: &[u32],
    output: &mut [u32],
) {
    if let Some(from) = layer.residual {
        add(from, pixel, word, accumulators, residual);
    }
    let first = pixel.wrapping_mul(layer.output.pixel_words() as usize);
    match layer.transform {
        Transform::Thresholds { per_channel: 1, values, directions } => {
            if let Some(to) = output.get_mut(first.wrapping_add(word)) {
                *to = signs(accumulators, word, values, directions);
            }
        }
        Transform::Thresholds { per_channel, values, directions } => {
            let planes = levels(accumulators, word, per_channel as usize, values, directions);
            let stride = layer.output.shape.channel_words() as usize;
            write(output, first.wrapping_add(word), stride, &planes, layer.output.kind.planes() as usize);
        }
        Transform::Raw => {
            let to = output.get_mut(first.wrapping_add(word.wrapping_mul(BLOCK))..).unwrap_or_default();
            to.iter_mut().zip(accumulators).for_each(|(to, acc)| *to = *acc as u32);
        }
        Transform::Requant { scales } if cfg!(feature = "requant") => {
            let bits = layer.output.kind.planes();
            let planes = requantised(accumulators, word, bits, scales);
            let stride = layer.output.shape.channel_words() as usize;
            write(output, first.wrapping_add(word), stride, &planes, bits as usize);
        }
        Transform::Affine { scales } if cfg!(feature = "affine") => {
            let to = output.get_mut(first.wrapping_add(word.wrapping_mul(BLOCK))..).unwrap_or_default();
            scores(accumulators, word, scales, to);
        }
        // A checked layer with accumulators has neither of the first two, and `supports` is false for the others.
        Transform::None | Transform::Encode { .. } | Transform::Requant { .. } | Transform::Affine { .. } => {}
    }
}

/// Most planes of a packed value.
pub(crate) const PLANES: usize = 8;

/// Writes the first `count` planes of a word of channels to `output[first]`, `output[first + stride]` and so on.
pub(crate) fn write(output: &mut [u32], first: usize, stride: usize, planes: &[u32; PLANES], count: usize) {
    let mut at = first;
    for &plane in planes.iter().take(count) {
        if let Some(to) = output.get_mut(at) {
            *to = plane;
        }
        at = at.wrapping_add(stride);
    }
}

/// The planes of a word of channels, from `input[first]`, `input[first + stride]` and so on; those past `count` are 0.
pub(crate) fn read(input: &[u32], first: usize, stride: usize, count: usize) -> [u32; PLANES] {
    let (mut planes, mut at) = ([0; PLANES], first);
    for plane in planes.iter_mut().take(count) {
        *plane = input.get(at).copied().unwrap_or(0);
        at = at.wrapping_add(stride);
    }
    planes
}

/// Adds the residual's values, shifted (NUMERICS 5.1).
fn add(from: Residual, pixel: usize, word: usize, accumulators: &mut [i32], residual: &[u32]) {
    let first = pixel.wrapping_mul(from.tensor.pixel_words() as usize).wrapping_add(word);
    let stride = from.tensor.shape.channel_words() as usize;
    let used = from.tensor.kind.planes() as usize;
    let planes = read(residual, first, stride, used);
    let is_signed = from.tensor.kind.range().0 < 0;
    // Signs are 2 bit - 1; unsigned values the sum of their planes.
    let offset = if is_signed { -1i32 } else { 0 }.wrapping_shl(from.shift);
    accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_add(offset));
    let mut shift = from.shift + u32::from(is_signed);
    for mut bits in planes.into_iter().take(used) {
        for acc in accumulators.iter_mut() {
            *acc = acc.wrapping_add(((bits & 1) as i32).wrapping_shl(shift));
            bits >>= 1;
        }
        shift = shift.wrapping_add(1);
    }
}

/// Whether the accumulator reaches the threshold in its channel's direction (NUMERICS 5.3).
const fn reaches(acc: i32, threshold: i32, is_down: bool) -> bool {
    if is_down { acc <= threshold } else { acc >= threshold }
}

/// One threshold a channel: the word of their signs.
#[inline(never)]
fn signs(accumulators: &[i32], word: usize, values: &[i32], directions: &[u32]) -> u32 {
    let values = values.get(word.wrapping_mul(BLOCK)..).unwrap_or_default();
    let mut down = directions.get(word).copied().unwrap_or(0);
    let (mut signs, mut bit) = (0, 0);
    for (&acc, &threshold) in accumulators.iter().zip(values) {
        // `acc <= t` is `!acc >= !t`: complements reverse the order.
        let flip = (down << 31) as i32 >> 31;
        signs |= u32::from(acc ^ flip >= threshold ^ flip) << (bit % WORD_BITS);
        bit += 1;
        down >>= 1;
    }
    signs
}

/// Several thresholds a channel: the planes of the number that each accumulator reaches.
fn levels(accumulators: &[i32], word: usize, per_channel: usize, values: &[i32], directions: &[u32]) -> [u32; PLANES] {
    let first = word.wrapping_mul(BLOCK).wrapping_mul(per_channel);
    let mut values = values.get(first..).unwrap_or_default();
    let mut down = directions.get(word).copied().unwrap_or(0);
    let (mut planes, mut bit) = ([0; PLANES], 1u32);
    for &acc in accumulators {
        let is_down = down & 1 != 0;
        let thresholds = values.split_off(..per_channel).unwrap_or_default();
        let level = thresholds.iter().fold(0u32, |level, &t| level + u32::from(reaches(acc, t, is_down)));
        put(&mut planes, bit, level);
        bit <<= 1;
        down >>= 1;
    }
    planes
}

/// Values that live on (NUMERICS 5.5): the planes of each.
#[inline(never)]
fn requantised(accumulators: &[i32], word: usize, bits: u32, scales: &[[u32; 4]]) -> [u32; PLANES] {
    let scales = scales.get(word.wrapping_mul(BLOCK)..).unwrap_or_default();
    let (mut planes, mut bit) = ([0; PLANES], 1u32);
    for (&acc, &words) in accumulators.iter().zip(scales) {
        put(&mut planes, bit, Rescale::from_words(words).apply(acc, bits) as u32);
        bit <<= 1;
    }
    planes
}

/// Scores with a factor and an offset a class (NUMERICS 5.6).
#[inline(never)]
fn scores(accumulators: &[i32], word: usize, scales: &[[u32; 4]], output: &mut [u32]) {
    let scales = scales.get(word.wrapping_mul(BLOCK)..).unwrap_or_default();
    for ((to, &acc), &words) in output.iter_mut().zip(accumulators).zip(scales) {
        *to = Rescale::from_words(words).score(acc) as u32;
    }
}

/// Sets `bit` in the planes of `value`.
fn put(planes: &mut [u32; PLANES], bit: u32, mut value: u32) {
    for plane in planes {
        *plane |= bit & (value & 1).wrapping_neg();
        value >>= 1;
    }
}
