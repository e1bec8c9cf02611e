//! Windows of packed tensors, tap by tap, whole words (SPEC.md 6.2).

use bitfab_format::{PadValue, WORD_BITS};

use super::{Gatherer, Piece};
use crate::place::Place;

/// Copies the words of the piece from the input to memory, run by run, with the mask if there is one.
pub(super) fn gather(to: &mut Gatherer<'_>, place: Place, piece: &Piece) {
    let layer = to.layer;
    let tap_words = layer.group_channels().div_ceil(WORD_BITS) as usize;
    let pixel_words = layer.input.pixel_words() as usize;
    let plane_words = layer.input.shape.channel_words() as usize;
    let planes = layer.input.kind.planes() as usize;
    let end = piece.start.wrapping_add(piece.len);
    let mut first = 0; // word of the row at which the tap begins
    for tap in place.taps() {
        let (from, until) = (first.max(piece.start), first.wrapping_add(tap_words).min(end));
        for word in from..until {
            let in_tap = word.wrapping_sub(first);
            let valid = valid_bits(layer.group_channels(), in_tap);
            let outside = if layer.pad_value == PadValue::PlusOne { valid } else { 0 };
            let memory = to.memory.get_mut(word.wrapping_sub(piece.start)..).unwrap_or_default();
            let mut memory = memory.iter_mut().step_by(piece.stride.max(1));
            let source = tap.map(|pixel| {
                let in_pixel = piece.group.wrapping_mul(tap_words).wrapping_add(in_tap);
                let source = pixel.wrapping_mul(pixel_words).wrapping_add(in_pixel);
                to.input.get(source..).unwrap_or_default().iter().step_by(plane_words.max(1))
            });
            let mut source = source.into_iter().flatten();
            for to in memory.by_ref().take(planes) {
                *to = source.next().copied().unwrap_or(outside);
            }
            if piece.is_masked
                && let Some(to) = memory.next()
            {
                *to = if tap.is_some() { valid } else { 0 };
            }
        }
        first = first.wrapping_add(tap_words);
    }
}

/// The bits of word `word` of a tap that stand for channels.
const fn valid_bits(channels: u32, word: usize) -> u32 {
    match channels.saturating_sub((word as u32).wrapping_mul(WORD_BITS)) {
        0 => 0,
        left @ 1..32 => u32::MAX >> (WORD_BITS - left),
        _ => u32::MAX,
    }
}
