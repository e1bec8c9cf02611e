//! Windows of bytes (SPEC.md 6.3): a weight of +1 selects a byte, instead of meeting eight planes of it.
//!
//! `sum x w = 2 (sum of x where w is +1) - sum x` (NUMERICS 3.7).
//! Scratch has room for eight planes of 32 values: the 32 bytes themselves.
//! I8 is kept as `x + 128`, its top bit flipped; each weight of +1 then counts 128 too much.

use bitfab_format::WORD_BITS;

use super::Layout;
use crate::arch::{Core, Native};
use crate::dot;
use crate::join::Join;
use crate::place::Place;

/// Words of bytes that meet one word of weights.
const WORDS: usize = WORD_BITS as usize / 4;

/// Words of weights that are counted at once where I8 is corrected.
const COUNTED: usize = 16;

/// Gathers the whole window; returns what every accumulator starts with.
pub(super) fn gather(layout: &Layout<'_>, from: &[u8], memory: &mut [u32], place: &Place, group: usize) -> i32 {
    let in_pixel = group.wrapping_mul(layout.group_channels);
    let channels = layout.layer.input.shape.channels as usize;
    let memory = memory.get_mut(..layout.row_words.wrapping_mul(WORDS)).unwrap_or_default();
    let outside = layout.layer.pad_value.value();
    memory.fill(u32::from(outside as u8).wrapping_mul(0x0101_0101));
    let Ok(bytes) = bytemuck::try_cast_slice_mut::<u32, u8>(memory) else { return 0 };
    let mut at = 0usize;
    // Without groups, the taps of a run lie side by side.
    let whole_runs = layout.group_channels == channels;
    place.for_each_run(&mut |first, taps| {
        let (steps, step) = if whole_runs { (1, taps) } else { (taps, 1) };
        let mut source = first.map(|pixel| pixel.wrapping_mul(channels).wrapping_add(in_pixel));
        for _ in 0..steps {
            let end = at.wrapping_add(step.wrapping_mul(layout.group_channels));
            let values = source.and_then(|source| from.get(source..)).unwrap_or_default();
            bytes.get_mut(at..end).unwrap_or_default().iter_mut().zip(values).for_each(|(to, value)| *to = *value);
            source = source.map(|source| source.wrapping_add(channels));
            at = end;
        }
    });
    // Values past the fan-in are as those outside; no weight selects them, and the sum has none of them.
    let past = (memory.len().wrapping_mul(4) as i32).wrapping_sub(layout.fan_in);
    base(memory, if layout.is_i8 { 0x8080_8080 } else { 0 }).wrapping_add(past.wrapping_mul(outside))
}

/// Flips the top bits of I8, and returns `- sum x`.
fn base(memory: &mut [u32], flip: u32) -> i32 {
    let values = memory.len().wrapping_mul(4) as i32;
    let mut sum = [0];
    let (window, _) = memory.as_chunks_mut();
    for window in window.chunks_mut(Native::BYTES_LIMIT) {
        if flip != 0 {
            window.as_flattened_mut().iter_mut().for_each(|word| *word ^= flip);
        }
        let all = [u32::MAX; Native::BYTES_LIMIT];
        Native::add_bytes(window, all.get(..window.len()).unwrap_or_default(), 0, &mut sum);
    }
    // The sum of `x + 128`, and twice that.
    values.wrapping_mul((flip & 0x80) as i32).wrapping_sub(sum[0] / 2)
}

/// Adds twice the sums of the bytes that rows of weights select.
pub(super) fn add(layout: &Layout<'_>, memory: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    let window = memory.get(..layout.row_words.wrapping_mul(WORDS)).unwrap_or_default();
    let mut rest = rows;
    for window in window.as_chunks().0.chunks(Native::BYTES_LIMIT) {
        Native::add_bytes(window, rest, stride, accumulators);
        rest = rest.get(window.len()..).unwrap_or_default();
    }
    if layout.is_i8 {
        correct(layout.row_words, rows, stride, accumulators);
    }
}

/// Takes 128, twice, from each accumulator for every weight of +1 in its row.
fn correct(mut left: usize, mut rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    let nothing = [0; COUNTED];
    while left != 0 {
        let window = nothing.get(..left.min(COUNTED)).unwrap_or_default();
        dot::add_counts(Join::Xor, -256, window, rows, stride, accumulators);
        rows = rows.get(window.len()..).unwrap_or_default();
        left -= window.len();
    }
}
