//! SmartDeal weights as their file has them: what the rebuilder makes digits of, one group of lanes at a time.

use bitfab_format::{Deal, Layer, WORD_BITS, Weights};

use super::Program;
use super::lanes::Plan;
use super::suits::is_patch;

/// Bits that the rebuilder takes at once: of a basis half a byte, else a coefficient, or a row's mask and what announces it.
pub(crate) const PIECE: u32 = 4;
/// Pieces of a basis.
pub(crate) const BASIS_PIECES: u32 = 18;
/// Pieces behind the last stream that are read and not looked at.
const BEYOND: usize = 2;

/// How the weights of a row of the layer table are rebuilt. Counts are stored as their last index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuild {
    /// First piece of the stream.
    pub stream: u32,
    /// Last row of a filter.
    pub rows: u32,
    /// Last row of a chunk; the last chunk of a filter may end before.
    pub chunk_rows: u32,
    /// Last value of a tap; the next tap begins a word.
    pub values: u32,
    /// Last tap.
    pub taps: u32,
    /// Last pass.
    pub passes: u32,
    /// Power of two that divides all weights.
    pub common: u32,
    /// Words of a pass.
    pub words: u32,
    /// Where the words of the first pass lie.
    pub place: u32,
}

/// The streams of all layers, in pieces, the lowest bit first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
    pieces: Vec<u8>,
    /// Bits of the last piece that are taken; 0 where none is open.
    open: u32,
}

impl Streams {
    /// Appends the filters of `layer`, up to whole groups of lanes, and returns how they are rebuilt.
    pub fn push(&mut self, layer: &Layer<'_>, lanes: u32) -> Rebuild {
        self.open = 0;
        let (stream, rows) = (self.pieces.len() as u32, layer.fan_in().div_ceil(3));
        let chunk_rows = match layer.weights {
            Weights::SmartDeal { chunk_rows, .. } => chunk_rows.min(rows),
            _ => rows,
        };
        layer.deals().iter().for_each(|deal| self.push_chunk(deal));
        // Lanes past the last channel have weights of zero.
        let outputs = layer.output.shape.channels;
        for _ in outputs..outputs.next_multiple_of(lanes) {
            let mut left = rows;
            while left != 0 {
                let count = left.min(chunk_rows);
                self.push_chunk(&Deal { basis: [0; 9], rows: vec![[0; 3]; count as usize] });
                left -= count;
            }
        }
        let (taps, channels) = (layer.window.taps(), layer.input.shape.channels);
        let (taps, values) = if is_patch(layer) { (1, taps * channels) } else { (taps, channels) };
        let words = taps * values.div_ceil(WORD_BITS);
        let (rows, chunk_rows, values, taps) = (rows - 1, chunk_rows - 1, values - 1, taps - 1);
        Rebuild { stream, rows, chunk_rows, values, taps, words, ..Rebuild::default() }
    }

    fn push_chunk(&mut self, deal: &Deal) {
        deal.basis.iter().for_each(|value| self.put(*value as u8, 8));
        for row in &deal.rows {
            let mask = (0..3).fold(0, |mask, j| mask | u8::from(row[j] != 0) << j);
            if mask == 0 {
                self.put(0, 1);
                continue;
            }
            self.put(mask << 1 | 1, PIECE);
            for value in row.iter().filter(|value| **value != 0) {
                self.put(u8::from(*value < 0) << 3 | value.unsigned_abs().ilog2() as u8, PIECE);
            }
        }
    }

    fn put(&mut self, value: u8, bits: u32) {
        for bit in 0..bits {
            if self.open == 0 {
                self.pieces.push(0);
            }
            if let Some(last) = self.pieces.last_mut() {
                *last |= (value >> bit & 1) << self.open;
            }
            self.open = (self.open + 1) % PIECE;
        }
    }

    /// All pieces, and those that are read beyond the last one.
    pub fn finish(mut self) -> Vec<u8> {
        if !self.pieces.is_empty() {
            self.pieces.resize(self.pieces.len() + BEYOND, 0);
        }
        self.pieces
    }
}

impl Program {
    /// Whether weights are rebuilt from SmartDeal's bases and coefficients.
    pub fn is_rebuilt(&self) -> bool {
        !self.rebuilds.is_empty()
    }

    /// Plans how weights are rebuilt, and a place behind all others for those of one group of lanes.
    pub(super) fn add_rebuilds(&mut self, layers: &[Layer<'_>], plans: &[Plan]) {
        let mut streams = Streams::default();
        let place = (self.weights.len() / self.lanes()) as u32;
        let mut rebuild = |(layer, plan): (&Layer<'_>, &Plan)| {
            plan.is_rebuilt.then(|| Rebuild {
                passes: plan.digits.passes - 1,
                common: plan.digits.common,
                place,
                ..streams.push(layer, self.options.lanes)
            })
        };
        let rebuilds: Vec<Option<Rebuild>> = layers.iter().zip(plans).map(&mut rebuild).collect();
        let Some(any) = rebuilds.iter().flatten().next().copied() else { return };
        for (row, rebuild) in self.rows.iter_mut().zip(&rebuilds) {
            row.weights.rebuilt = rebuild.is_some();
            row.weights.base = if row.weights.rebuilt { place } else { row.weights.base };
        }
        let words = rebuilds.iter().flatten().map(|rebuild| rebuild.words * (rebuild.passes + 1)).max().unwrap_or(0);
        self.rebuilds = (0..self.rows.len()).map(|at| rebuilds.get(at).copied().flatten().unwrap_or(any)).collect();
        self.streams = streams.finish();
        self.weights.resize((place + words) as usize * self.lanes(), 0);
        self.weight_addresses = self.weight_addresses.max(place + words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_each_other_from_the_lowest() {
        let mut streams = Streams::default();
        streams.push_chunk(&Deal { basis: [1, -1, 0x25, 0, 0, 0, 0, 0, 0], rows: vec![[0; 3], [0, -8, 1]] });
        // Nine bytes, a zero row's bit, then 1, the mask 110 from its lowest bit, sign and exponent twice.
        let basis = [1, 0, 15, 15, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let pieces = streams.finish();
        assert_eq!(pieces[..18], basis);
        let bits = |at: usize| pieces[18 + at / 4] >> (at % 4) & 1;
        let expected = [0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0];
        assert_eq!((0..13).map(bits).collect::<Vec<_>>(), expected);
        assert_eq!(pieces.len(), 18 + 4 + BEYOND);
    }
}
