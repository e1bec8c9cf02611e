//! Where the weights, signs and biases of layers lie in their memories.

use super::lanes::{LayerImage, Plan};
use super::scales::{Scale, common_bits, is_power, wide_bits};
use super::{MAX_ACCUMULATOR, Program, Row, signed_bits};
use crate::HdlError;

impl Program {
    /// Puts the weights into their memories, listed layers first, then those with signs, and returns where the weights
    /// and the signs of each layer start.
    pub(super) fn place_weights(&mut self, plans: &[Plan]) -> Vec<(u32, u32)> {
        let mut bases = vec![(0, 0); plans.len()];
        let order = |image: &LayerImage| (!image.layout.listed, !image.layout.signed);
        let mut places: Vec<usize> = (0..plans.len()).collect();
        places.sort_by_key(|at| order(&plans[*at].image));
        for at in places {
            let image = &plans[at].image;
            let address = |words: &[u32]| (words.len() / self.lanes()) as u32;
            bases[at] = (address(&self.weights), address(&self.signs));
            self.weights.extend_from_slice(&image.weights);
            self.offsets.extend_from_slice(&image.offsets);
            self.ends.extend_from_slice(&image.ends);
            self.signs.extend_from_slice(&image.signs);
        }
        self.weight_addresses = (self.weights.len() / self.lanes()) as u32;
        bases
    }

    /// Gives signs an address of their own, unless they lie beside the weights of all rows that look at them.
    /// Rows without signs then look at a word of zeros behind the last one.
    pub(super) fn address_signs(&mut self) {
        let lies_apart =
            |Row { weights: of, .. }: &Row| of.masked && !(of.signed && of.sign_base == of.base && of.sign_pass == 1);
        if self.signs.is_empty() || !self.rows.iter().any(lies_apart) {
            return;
        }
        self.counts_signs = true;
        let lanes = self.lanes();
        let none = (self.signs.len() / lanes) as u32;
        for of in self.rows.iter_mut().map(|row| &mut row.weights).filter(|of| of.masked && !of.signed) {
            of.sign_base = none;
            self.signs.resize((none as usize + 1) * lanes, 0);
        }
    }

    /// Puts the biases into their memory and returns where the layer starts.
    pub(super) fn place_biases(&mut self, image: &LayerImage, layer: u16) -> Result<u32, HdlError> {
        let base = self.biases.len() / self.lanes();
        let thresholds = image.channels.first().map_or(0, |channel| channel.biases.len());
        for group in image.channels.chunks(self.lanes()) {
            for step in 0..thresholds {
                self.biases.extend(group.iter().map(|channel| channel.biases[step]));
                self.flips.extend(group.iter().map(|channel| channel.flip && step + 1 == thresholds));
            }
        }
        let ranges = image.channels.iter().map(|channel| channel.range);
        let bits = ranges.map(|(low, high)| signed_bits(low).max(signed_bits(high))).max().unwrap_or(0);
        if bits > MAX_ACCUMULATOR {
            return Err(HdlError::Accumulator { layer, bits, limit: MAX_ACCUMULATOR });
        }
        self.accumulator_bits = self.accumulator_bits.max(bits);
        Ok(base as u32)
    }

    /// Puts factors and addends into their memory; returns where the layer starts, and its shift.
    pub(super) fn place_scales(&mut self, image: &LayerImage, shift: u32) -> (u32, u32) {
        let base = self.scales.len() as u32;
        let scales: Vec<Scale> = image.channels.iter().filter_map(|channel| channel.scale).collect();
        let common = common_bits(&scales, shift);
        for scale in scales.into_iter().map(|scale| scale.reduced(common)) {
            let (least, greatest) = scale.range;
            self.scale_bits = self.scale_bits.max(wide_bits(least).max(wide_bits(greatest)));
            // 32 bits, the unit and what the shift was raised by, of which the common bits are gone: at most 49 bits.
            self.scales.push((scale.multiplier as i64, scale.addend));
        }
        // Lanes past the last channel have counted something negative, which is clamped to 0, or is not sent.
        let first = self.scales.get(base as usize).map_or(1, |(factor, _)| *factor);
        let factor = if is_power(first) { first } else { 1 };
        self.scales.resize(base as usize + image.channels.len(), (factor, 0));
        let counted = image.channels.iter().map(|c| signed_bits(c.range.0)).max().unwrap_or(1);
        self.scale_bits = self.scale_bits.max(counted + factor.trailing_zeros());
        (base, shift - common)
    }
}
