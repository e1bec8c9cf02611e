//! Windows of bytes and of odd groups, value by value, without gaps (SPEC.md 6.3).

use bitfab_format::{PadValue, WORD_BITS};

use super::{Gatherer, Piece};
use crate::place::Place;

/// Gathers the whole window into memory, run by run, with the mask if there is one.
pub(super) fn gather(to: &mut Gatherer<'_>, place: Place, piece: &Piece) {
    let words = piece.runs.wrapping_mul(piece.stride);
    to.memory.get_mut(..words).unwrap_or_default().fill(0);
    if to.layer.input.kind.is_bytes() {
        gather_bytes(to, place, piece);
    } else {
        gather_bits(to, place, piece);
    }
}

fn gather_bytes(to: &mut Gatherer<'_>, place: Place, piece: &Piece) {
    let layer = to.layer;
    let group_channels = layer.group_channels() as usize;
    let in_pixel = piece.group.wrapping_mul(group_channels);
    let mut stage = Stage::default();
    for tap in place.taps() {
        let first = tap.map(|pixel| pixel.wrapping_mul(layer.input.shape.channels as usize).wrapping_add(in_pixel));
        let values = first.and_then(|first| to.bytes.get(first..)).unwrap_or_default();
        let mut values = values.iter();
        for _ in 0..group_channels {
            stage.push(values.next().copied().unwrap_or(0));
            if stage.used == STAGE {
                stage.flush(to.memory, piece.stride);
            }
        }
    }
    if stage.used != 0 {
        stage.flush(to.memory, piece.stride);
    }
}

/// Bytes of one transposition.
const STAGE: usize = WORD_BITS as usize;

/// 32 bytes on their way to one word of each of eight planes.
#[derive(Default)]
struct Stage {
    /// Byte `i` is kept at `4 (i % 8) + i / 8`, so that a transposition of 8 x 8 bits leaves plane bits in order.
    bytes: [u8; STAGE],
    used: usize,
    /// Word of the planes that is next.
    word: usize,
}

impl Stage {
    fn push(&mut self, byte: u8) {
        let at = (self.used % 8) * 4 + self.used / 8;
        if let Some(to) = self.bytes.get_mut(at) {
            *to = byte;
        }
        self.used += 1;
    }

    fn flush(&mut self, memory: &mut [u32], stride: usize) {
        let mut planes = [0; 8];
        let (words, _) = self.bytes.as_chunks();
        planes.iter_mut().zip(words).for_each(|(to, word)| *to = u32::from_le_bytes(*word));
        transpose(&mut planes);
        let memory = memory.get_mut(self.word..).unwrap_or_default();
        memory.iter_mut().step_by(stride.max(1)).zip(planes).for_each(|(to, plane)| *to = plane);
        *self = Self { word: self.word.wrapping_add(1), ..Self::default() };
    }
}

/// Transposes four 8 x 8 bit squares, one a byte lane: bit `j` of row `k` changes places with bit `k` of row `j`.
///
/// Three rounds of swaps, after Warren, Hacker's Delight, section 7-3.
fn transpose(rows: &mut [u32; 8]) {
    let [a, b, c, d, e, f, g, h] = rows;
    for (low, high) in [(&mut *a, &mut *e), (&mut *b, &mut *f), (&mut *c, &mut *g), (&mut *d, &mut *h)] {
        swap::<4>(low, high, 0x0f0f_0f0f);
    }
    for (low, high) in [(&mut *a, &mut *c), (&mut *b, &mut *d), (&mut *e, &mut *g), (&mut *f, &mut *h)] {
        swap::<2>(low, high, 0x3333_3333);
    }
    for (low, high) in [(a, b), (c, d), (e, f), (g, h)] {
        swap::<1>(low, high, 0x5555_5555);
    }
}

/// Swaps the bits of `low` above `mask` with those of `high` under it.
fn swap<const SHIFT: u32>(low: &mut u32, high: &mut u32, mask: u32) {
    let differ = ((*low >> SHIFT) ^ *high) & mask;
    *high ^= differ;
    *low ^= differ << SHIFT;
}

fn gather_bits(to: &mut Gatherer<'_>, place: Place, piece: &Piece) {
    let layer = to.layer;
    let channels = layer.group_channels();
    let pixel_words = layer.input.pixel_words() as usize;
    let plane_words = (layer.input.shape.channel_words() as usize).max(1);
    let planes = layer.input.kind.planes() as usize;
    let from = (piece.group as u32).wrapping_mul(channels);
    let mut at = 0;
    for tap in place.taps() {
        let mut runs = to.memory.chunks_exact_mut(piece.stride.max(1));
        match tap {
            Some(pixel) => {
                let words = to.input.get(pixel.wrapping_mul(pixel_words)..).unwrap_or_default();
                for (words, run) in words.chunks(plane_words).zip(runs.by_ref().take(planes)) {
                    append(run, at, channels, |done| extract(words, from.wrapping_add(done)));
                }
                if piece.is_masked
                    && let Some(mask) = runs.next()
                {
                    append(mask, at, channels, |_| u32::MAX);
                }
            }
            None if layer.pad_value == PadValue::PlusOne => {
                if let Some(run) = runs.next() {
                    append(run, at, channels, |_| u32::MAX);
                }
            }
            None => {}
        }
        at = at.wrapping_add(channels);
    }
}

/// 32 bits of `words` from bit `at` on; zeros past the end.
fn extract(words: &[u32], at: u32) -> u32 {
    let (word, shift) = ((at / WORD_BITS) as usize, at % WORD_BITS);
    let mut words = words.get(word..).unwrap_or_default().iter().copied();
    let (low, high) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
    // Two shifts: a shift by 32 would not empty the word.
    low >> shift | high << 1 << (WORD_BITS - 1 - shift)
}

/// Sets bits `at .. at + count` of `run`, which are zero, to those that `next` yields for each number of bits done.
fn append(run: &mut [u32], at: u32, count: u32, next: impl Fn(u32) -> u32) {
    let mut done = 0;
    while done < count {
        let (word, shift) = (at.wrapping_add(done) / WORD_BITS, at.wrapping_add(done) % WORD_BITS);
        let take = (WORD_BITS - shift).min(count - done);
        let bits = next(done) & (u32::MAX >> ((WORD_BITS - take) % WORD_BITS));
        if let Some(to) = run.get_mut(word as usize) {
            *to |= bits << shift;
        }
        done += take;
    }
}
