//! The bytes of a window: value `i = tap x group channels + c`, without gaps.

use bitfab_format::{Kind, Layer, WORD_BITS, Weights};

use crate::arch::{Core, Native};
use crate::place::Place;

/// What is added to a value so that it is a byte that is not negative.
pub(super) const fn bias(kind: Kind) -> i32 {
    match kind {
        Kind::I8 => 128,
        Kind::Sign => 1,
        _ => 0,
    }
}

/// Gathers the window of `group`; returns the sum of its values, where the weights need it.
#[inline(never)]
pub(super) fn gather(
    layer: &Layer<'_>,
    from: &[u8],
    input: &[u32],
    memory: &mut [u32],
    place: &Place,
    group: usize,
) -> i32 {
    let bias = bias(layer.input.kind);
    // That of I8 is added in the end.
    let bytes_bias = if layer.input.kind == Kind::I8 { 0 } else { bias };
    let outside = bytes_bias.wrapping_add(layer.pad_value.value()) as u8;
    let channels = layer.group_channels() as usize;
    let first_channel = group.wrapping_mul(channels);
    let fan_in = layer.fan_in() as usize;
    let bytes = bytemuck::cast_slice_mut::<u32, u8>(memory);
    bytes.get_mut(fan_in..).unwrap_or_default().fill(bytes_bias as u8);
    let mut rest = bytes.get_mut(..fan_in).unwrap_or_default();
    // Bytes without groups: the taps of a run lie side by side.
    let whole_runs = layer.input.kind.is_bytes() && layer.groups == 1;
    place.for_each_run(&mut |first, taps| {
        let (steps, step) = if whole_runs { (1, taps) } else { (taps, 1) };
        for tap in 0..steps {
            let Some(to) = rest.split_off_mut(..step.wrapping_mul(channels)) else { return };
            match first {
                None => to.fill(outside),
                Some(pixel) => copy(layer, from, input, pixel.wrapping_add(tap), first_channel, to),
            }
        }
    });
    if layer.input.kind == Kind::I8 {
        // The bias flips the top bit of each byte; those of the outside were so far as they are.
        memory.iter_mut().for_each(|word| *word ^= 0x8080_8080);
    }
    if matches!(layer.weights, Weights::SparseBinary { .. } | Weights::Ternary(_)) { sum(memory, bias) } else { 0 }
}

/// Copies the values of a pixel, and of those after it while `to` is longer, from channel `channel` on.
fn copy(layer: &Layer<'_>, from: &[u8], input: &[u32], pixel: usize, channel: usize, to: &mut [u8]) {
    if layer.input.kind.is_bytes() {
        let start = pixel.wrapping_mul(layer.input.shape.channels as usize).wrapping_add(channel);
        let from = from.get(start..).unwrap_or_default();
        let count = to.len().min(from.len());
        // As many on both sides, which the compiler sees.
        if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        return;
    }
    let words = input.get(pixel.wrapping_mul(layer.input.pixel_words() as usize)..).unwrap_or_default();
    // A sign is 2 bit - 1.
    let shift = u32::from(layer.input.kind == Kind::Sign);
    let stride = layer.input.shape.channel_words() as usize;
    unpack(words, stride, layer.input.kind.planes() as usize, shift, channel, to);
}

/// Turns planes to bytes, each bit shifted left by its plane and `shift`.
fn unpack(words: &[u32], stride: usize, planes: usize, shift: u32, channel: usize, to: &mut [u8]) {
    to.fill(0);
    let (mut plane, mut shift) = (words, shift);
    for _ in 0..planes {
        let mut at = channel;
        for to in to.chunks_mut(WORD_BITS as usize) {
            add_bits(word_at(plane, at), shift % 8, to);
            at = at.wrapping_add(WORD_BITS as usize);
        }
        plane = plane.get(stride..).unwrap_or_default();
        shift += 1;
    }
}

/// Sets bit `shift` of up to 32 bytes to the bits of a word.
fn add_bits(mut bits: u32, shift: u32, to: &mut [u8]) {
    let (fours, rest) = to.as_chunks_mut();
    for four in fours {
        *four = (u32::from_le_bytes(*four) | spread(bits & 15) << shift).to_le_bytes();
        bits >>= 4;
    }
    for to in rest {
        *to |= (bits as u8 & 1) << shift;
        bits >>= 1;
    }
}

/// 32 bits from bit `at` on; what the words lack is 0.
fn word_at(words: &[u32], at: usize) -> u32 {
    let (word, bit) = (at / WORD_BITS as usize, at as u32 % WORD_BITS);
    let low = words.get(word).copied().unwrap_or(0);
    let high = words.get(word.wrapping_add(1)).copied().unwrap_or(0);
    // Two shifts, since one by 32 is none.
    low >> bit | high << 1 << (WORD_BITS - 1 - bit)
}

/// Four bits as the lowest bits of four bytes.
const fn spread(bits: u32) -> u32 {
    bits.wrapping_mul(0x0020_4081) & 0x0101_0101
}

/// The sum of the values.
fn sum(memory: &[u32], bias: i32) -> i32 {
    let all = [u32::MAX; Native::BYTES_LIMIT];
    let mut sum = (memory.len() as i32).wrapping_mul(-4).wrapping_mul(bias);
    for window in memory.as_chunks().0.chunks(Native::BYTES_LIMIT) {
        let mut twice = [0];
        Native::add_bytes(window, all.get(..window.len()).unwrap_or_default(), 0, &mut twice);
        sum = sum.wrapping_add(twice[0] / 2);
    }
    sum
}
