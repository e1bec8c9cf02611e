//! Windows of packed tensors, tap by tap, whole words (SPEC.md 6.2).

use bitfab_format::WORD_BITS;

use super::{Layout, Piece};
use crate::place::Place;

/// Copies the words of the piece from the input to memory, run by run, with the mask if there is one.
pub(super) fn gather(layout: &Layout, input: &[u32], memory: &mut [u32], place: &Place, piece: &Piece) {
    // With one plane and no groups, the words of neighbouring taps lie side by side.
    let whole_runs = layout.planes == 1 && layout.tap_words == layout.pixel_words;
    let mut first = 0; // word of the row at which the taps begin
    place.for_each_run(&mut |pixel, taps| {
        let (steps, step) = if whole_runs { (1, taps) } else { (taps, 1) };
        let words = step.wrapping_mul(layout.tap_words);
        let mut source = pixel.map(|pixel| pixel.wrapping_mul(layout.pixel_words));
        for _ in 0..steps {
            copy(layout, piece, input, memory, Run { source, first, words });
            source = source.map(|source| source.wrapping_add(layout.pixel_words));
            first = first.wrapping_add(words);
        }
    });
}

/// Neighbouring taps.
struct Run {
    /// First word of their first pixel in the input; `None` outside.
    source: Option<usize>,
    /// First word in the row of weights.
    first: usize,
    /// How many words they have.
    words: usize,
}

/// Copies those words of a run of taps that are in the piece.
fn copy(layout: &Layout, piece: &Piece, input: &[u32], memory: &mut [u32], taps: Run) {
    let Run { source, first, words } = taps;
    let (from, end) = (first.max(piece.start), piece.start.wrapping_add(piece.len));
    let (skip, len) = (from.wrapping_sub(first), first.wrapping_add(words).min(end).saturating_sub(from));
    if len == 0 {
        return;
    }
    let in_pixel = piece.group.wrapping_mul(layout.tap_words).wrapping_add(skip);
    let (mut at, mut source) = (from.wrapping_sub(piece.start), source.map(|source| source.wrapping_add(in_pixel)));
    for run in 0..piece.runs {
        let memory = memory.get_mut(at..at.wrapping_add(len)).unwrap_or_default();
        match source {
            Some(first) if run < layout.planes => {
                let words = input.get(first..).unwrap_or_default();
                memory.iter_mut().zip(words).for_each(|(to, word)| *to = *word);
                source = Some(first.wrapping_add(layout.plane_words));
            }
            // The mask of taps inside, or +1 for those outside.
            Some(_) => fill(memory, layout, skip),
            None if layout.pads_ones => fill(memory, layout, skip),
            None => memory.fill(0),
        }
        at = at.wrapping_add(piece.stride);
    }
}

/// Sets the bits that stand for channels, from word `skip` of a run of taps on.
fn fill(memory: &mut [u32], layout: &Layout, skip: usize) {
    let last = (1u32 << (layout.group_channels as u32 % WORD_BITS)).wrapping_sub(1);
    let last = if last == 0 { u32::MAX } else { last };
    let mut word = skip.checked_rem(layout.tap_words).unwrap_or(0);
    for to in memory {
        word += 1;
        let is_last = word == layout.tap_words;
        *to = if is_last { last } else { u32::MAX };
        word = if is_last { 0 } else { word };
    }
}
