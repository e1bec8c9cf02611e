//! Windows of packed tensors: tap by tap in whole words (SPEC.md 6.2), or value by value without gaps (6.3).

use bitfab_format::WORD_BITS;

use super::{Layout, Piece};
use crate::place::Place;

/// Bits of a word.
const BITS: usize = WORD_BITS as usize;

/// Gathers the piece into memory, run by run, with the mask if there is one.
pub(super) fn gather(layout: &Layout<'_>, input: &[u32], memory: &mut [u32], place: &Place, piece: &Piece) {
    let words = piece.runs.wrapping_mul(piece.stride);
    memory.get_mut(..words).unwrap_or_default().fill(0);
    let channels = layout.group_channels;
    let step = if layout.is_patch { channels } else { layout.tap_words.wrapping_mul(BITS) };
    // One plane of whole words and no groups: neighbouring taps lie side by side, here and there.
    let whole_runs = step == channels && layout.planes == 1 && step == layout.pixel_words.wrapping_mul(BITS);
    let (begin, end) = (piece.start.wrapping_mul(BITS), piece.start.wrapping_add(piece.len).wrapping_mul(BITS));
    let mut at = 0; // bit of the row
    place.for_each_run(&mut |pixel, taps| {
        let (steps, width) = if whole_runs { (1, taps) } else { (taps, 1) };
        let mut source = pixel.map(|pixel| pixel.wrapping_mul(layout.pixel_words));
        for _ in 0..steps {
            // Values of the taps that are in an earlier piece; a piece ends with its memory.
            let skip = begin.saturating_sub(at);
            let bits = Bits {
                at: at.saturating_sub(begin),
                from: piece.group.wrapping_mul(channels).wrapping_add(skip),
                count: channels.wrapping_mul(width).saturating_sub(skip),
            };
            if bits.count != 0 && at < end {
                each_run(layout, input, memory, piece, source, bits);
            }
            source = source.map(|source| source.wrapping_add(layout.pixel_words));
            at = at.wrapping_add(step.wrapping_mul(width));
        }
    });
}

/// Which bits of neighbouring taps go where.
#[derive(Clone, Copy)]
struct Bits {
    /// The first of them in a run of memory.
    at: usize,
    /// The first of them in the words of a plane of their first pixel.
    from: usize,
    /// How many they are.
    count: usize,
}

/// Appends the bits of neighbouring taps to every run: planes of the pixel whose words begin at `source`, or of the outside.
fn each_run(
    layout: &Layout<'_>,
    input: &[u32],
    mut memory: &mut [u32],
    piece: &Piece,
    mut source: Option<usize>,
    bits: Bits,
) {
    for run in 0..piece.runs {
        let Some(to) = memory.split_off_mut(..piece.stride) else { return };
        match source {
            Some(first) if run < layout.planes => {
                append(to, bits, input.get(first..).unwrap_or_default());
                source = Some(first.wrapping_add(layout.plane_words));
            }
            // Ones: the mask of a tap inside, or a plane of what is outside.
            Some(_) => append(to, bits, &[]),
            None if layout.layer.pad_value.is_one(run as u32) => append(to, bits, &[]),
            None => {}
        }
    }
}

/// Sets bits of `run`, which are zero, to those of `words`, or to ones if there are no words.
fn append(run: &mut [u32], bits: Bits, words: &[u32]) {
    let Bits { mut at, mut from, mut count } = bits;
    while count != 0 {
        // As many bits as neither of the two words ends within.
        let (into, out) = (at % BITS, from % BITS);
        let take = count.min(BITS - into).min(BITS - out);
        let word = if words.is_empty() { u32::MAX } else { words.get(from / BITS).copied().unwrap_or(0) };
        if let Some(to) = run.get_mut(at / BITS) {
            *to |= (word >> out & (u32::MAX >> (BITS - take))) << into;
        }
        (at, from, count) = (at + take, from + take, count - take);
    }
}
