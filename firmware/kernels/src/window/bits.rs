//! Windows of packed tensors with odd groups, value by value, without gaps (SPEC.md 6.3).

use bitfab_format::WORD_BITS;

use super::{Gatherer, Piece};
use crate::place::Place;

/// Gathers the whole window into memory, run by run, with the mask if there is one.
pub(super) fn gather(to: &mut Gatherer<'_>, place: &Place, piece: &Piece) {
    let layout = to.layout;
    let words = piece.runs.wrapping_mul(piece.stride);
    to.memory.get_mut(..words).unwrap_or_default().fill(0);
    let channels = layout.group_channels as u32;
    let from = (piece.group as u32).wrapping_mul(channels);
    let mut at = 0;
    place.for_each_tap(|tap| {
        let mut first = 0usize;
        for run in 0..piece.runs {
            let memory = to.memory.get_mut(first..first.wrapping_add(piece.stride)).unwrap_or_default();
            first = first.wrapping_add(piece.stride);
            let words = match tap {
                Some(pixel) if run < layout.planes => {
                    let plane = run.wrapping_mul(layout.plane_words);
                    let source = pixel.wrapping_mul(layout.pixel_words).wrapping_add(plane);
                    to.input.get(source..).unwrap_or_default()
                }
                // Ones only: the mask of a tap inside, or +1 for one outside.
                Some(_) => &[],
                None if layout.pads_ones => &[],
                None => continue,
            };
            append(memory, at, channels, words, from);
        }
        at = at.wrapping_add(channels);
    });
}

/// Sets bits `at .. at + count` of `run`, which are zero, to bits `from ..` of `words`, or to ones if there are none.
fn append(run: &mut [u32], at: u32, count: u32, words: &[u32], from: u32) {
    let mut done = 0;
    while done < count {
        let (word, shift) = (at.wrapping_add(done) / WORD_BITS, at.wrapping_add(done) % WORD_BITS);
        let take = (WORD_BITS - shift).min(count - done);
        let bits = if words.is_empty() { u32::MAX } else { extract(words, from.wrapping_add(done)) };
        if let Some(to) = run.get_mut(word as usize) {
            *to |= (bits & (u32::MAX >> (WORD_BITS.wrapping_sub(take) % WORD_BITS))) << shift;
        }
        done += take;
    }
}

/// 32 bits of `words` from bit `at` on; zeros past the end.
fn extract(words: &[u32], at: u32) -> u32 {
    let (word, shift) = ((at / WORD_BITS) as usize, at % WORD_BITS);
    let low = words.get(word).copied().unwrap_or(0);
    let high = words.get(word + 1).copied().unwrap_or(0);
    // Two shifts: a shift by 32 would not empty the word.
    low >> shift | high << 1 << (WORD_BITS - 1 - shift)
}
