//! Windows of packed tensors, tap by tap, whole words (SPEC.md 6.2).

use bitfab_format::WORD_BITS;

use super::{Gatherer, Layout, Piece};
use crate::place::Place;

/// Copies the words of the piece from the input to memory, run by run, with the mask if there is one.
pub(super) fn gather(to: &mut Gatherer<'_>, place: &Place, piece: &Piece) {
    let layout = to.layout;
    let end = piece.start.wrapping_add(piece.len);
    let in_pixel = piece.group.wrapping_mul(layout.tap_words);
    let mut first = 0; // word of the row at which the tap begins
    place.for_each_tap(|tap| {
        let (from, until) = (first.max(piece.start), first.wrapping_add(layout.tap_words).min(end));
        let (skip, len) = (from.wrapping_sub(first), until.saturating_sub(from));
        let mut at = from.wrapping_sub(piece.start);
        first = first.wrapping_add(layout.tap_words);
        if len == 0 {
            return;
        }
        let mut source = tap.map(|pixel| pixel.wrapping_mul(layout.pixel_words).wrapping_add(in_pixel + skip));
        for run in 0..piece.runs {
            let memory = to.memory.get_mut(at..at.wrapping_add(len)).unwrap_or_default();
            at = at.wrapping_add(piece.stride);
            match source {
                Some(first) if run < layout.planes => {
                    let words = to.input.get(first..).unwrap_or_default();
                    memory.iter_mut().zip(words).for_each(|(to, word)| *to = *word);
                    source = Some(first.wrapping_add(layout.plane_words));
                }
                // The mask of a tap inside, or +1 for one outside.
                Some(_) => fill(memory, &layout, skip),
                None if layout.pads_ones => fill(memory, &layout, skip),
                None => memory.fill(0),
            }
        }
    });
}

/// Sets the bits that stand for channels in words `skip` and on of a tap.
fn fill(memory: &mut [u32], layout: &Layout, skip: usize) {
    let mut left = (layout.group_channels as u32).saturating_sub((skip as u32).wrapping_mul(WORD_BITS));
    for to in memory {
        *to = match left {
            0..WORD_BITS => (1u32 << left).wrapping_sub(1),
            _ => u32::MAX,
        };
        left = left.saturating_sub(WORD_BITS);
    }
}
