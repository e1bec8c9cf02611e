//! Depthwise layers whose channels are counted all at once: whole weights, one a channel and tap, instead of digits.

use bitfab_format::{Layer, WORD_BITS};

use super::{Program, Row, signed_bits};
use crate::program::digits::Digits;
use crate::program::units::Units;

/// The weights of a layer: output word by output word, in it tap by tap, in that channel by channel.
fn weights(layer: &Layer<'_>, digits: &Digits, units: &Units) -> Vec<i64> {
    let (channels, taps) = (layer.output.shape.channels, layer.window.taps());
    let words = (0..channels.div_ceil(WORD_BITS)).flat_map(|word| (0..taps).map(move |tap| (word, tap)));
    let weight = |(word, tap): (u32, u32)| {
        let one = move |bit: u32| {
            let channel = word * WORD_BITS + bit;
            if channel < channels { i64::from(digits.value(channel, tap)) << units.shift } else { 0 }
        };
        (0..WORD_BITS).map(one)
    };
    words.flat_map(weight).collect()
}

impl Program {
    /// Puts the weights of a layer into the memory of depthwise ones, where it is one.
    pub(super) fn place_channel_weights(&mut self, row: &mut Row, layer: &Layer<'_>, digits: &Digits, units: &Units) {
        if !row.depthwise {
            return;
        }
        row.weights.base = self.channel_weights.len() as u32 / WORD_BITS;
        self.channel_weights.extend(weights(layer, digits, units));
        self.weight_addresses = self.weight_addresses.max(self.channel_weights.len() as u32 / WORD_BITS);
        let reach = |o: u32| {
            let (least, most) = units.reach(digits.places(o));
            signed_bits(least).max(signed_bits(most))
        };
        let bits = (0..layer.output.shape.channels).map(reach).max().unwrap_or(0);
        self.channel_bits = self.channel_bits.max(bits);
    }

    /// Bits of a weight of a depthwise layer.
    pub(crate) fn channel_weight_bits(&self) -> u32 {
        self.channel_weights.iter().map(|weight| signed_bits(*weight)).max().unwrap_or(1)
    }

    /// Channels that a depthwise layer counts at once; 0 where there is no such layer.
    pub(crate) fn channels(&self) -> usize {
        let used = self.channel_weights.chunks(WORD_BITS as usize);
        used.filter_map(|word| word.iter().rposition(|weight| *weight != 0)).map(|last| last + 1).max().unwrap_or(0)
    }

    /// How many cycles behind the words of the activation memory the channels count: a register more where lanes have
    /// one there.
    pub(crate) fn channel_delay(&self) -> usize {
        usize::from(self.options.pipe == 3)
    }
}

impl Row {
    /// Makes of the row of a convolution that of a depthwise layer: a pass a plane, the most significant first.
    ///
    /// `plane` is the step from one plane of a pixel to the next, `across` and `down` those from tap to tap.
    pub(super) fn count_channels(&mut self, plane: u32, across: u32, down: u32) {
        let (last, [kernel_rows, kernel_columns]) = (self.planes, self.window.kernel);
        self.depthwise = true;
        (self.passes, self.planes, self.shift) = (last, 0, 0);
        self.padding.tail = u32::MAX; // channels past the last one have no weight
        self.padding.border = self.padding.border.reverse_bits() >> (31 - last);
        self.input.base = self.input.base.wrapping_add(last * plane);
        self.input.tap = across;
        self.input.line = down.wrapping_sub(kernel_columns * across);
        self.input.pass = 0_u32.wrapping_sub(kernel_rows * down + kernel_columns * across + plane);
        self.weights.back = 1_u32.wrapping_sub((kernel_rows + 1) * (kernel_columns + 1));
    }
}
