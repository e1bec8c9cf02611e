//! Windows of packed tensors with odd groups, value by value, without gaps (SPEC.md 6.3).

use bitfab_format::WORD_BITS;

use super::{Layout, Piece};
use crate::place::Place;

/// Gathers the whole window into memory, run by run, with the mask if there is one.
pub(super) fn gather(layout: &Layout, input: &[u32], memory: &mut [u32], place: &Place, piece: &Piece) {
    let words = piece.runs.wrapping_mul(piece.stride);
    memory.get_mut(..words).unwrap_or_default().fill(0);
    let channels = layout.group_channels;
    let mut at = 0; // bit of the row
    place.for_each_run(&mut |pixel, taps| {
        let mut source = pixel.map(|pixel| pixel.wrapping_mul(layout.pixel_words));
        for _ in 0..taps {
            for run in 0..piece.runs {
                let plane = run.wrapping_mul(layout.plane_words);
                let words = match source {
                    Some(source) if run < layout.planes => input.get(source.wrapping_add(plane)..).unwrap_or_default(),
                    // Ones only: the mask of a tap inside, or +1 for one outside.
                    Some(_) => &[],
                    None if layout.pads_ones => &[],
                    None => continue,
                };
                let memory = memory.get_mut(run.wrapping_mul(piece.stride)..).unwrap_or_default();
                append(memory, at, channels, words, piece.group.wrapping_mul(channels));
            }
            source = source.map(|source| source.wrapping_add(layout.pixel_words));
            at = at.wrapping_add(channels);
        }
    });
}

/// Sets bits `at .. at + count` of `run`, which are zero, to bits `from ..` of `words`, or to ones if there are none.
fn append(run: &mut [u32], mut at: usize, mut count: usize, words: &[u32], mut from: usize) {
    while count != 0 {
        // As many bits as neither of the two words ends within.
        let (into, out) = (at % BITS, from % BITS);
        let take = count.min(BITS - into).min(BITS - out);
        let word = if words.is_empty() { u32::MAX } else { words.get(from / BITS).copied().unwrap_or(0) };
        let bits = word >> out & (u32::MAX >> (BITS - take));
        if let Some(to) = run.get_mut(at / BITS) {
            *to |= bits << into;
        }
        (at, from, count) = (at + take, from + take, count - take);
    }
}

/// Bits of a word.
const BITS: usize = WORD_BITS as usize;
