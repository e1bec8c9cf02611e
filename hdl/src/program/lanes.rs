//! The contents of the memories beside the lanes: inverted weights, masks and biases, one column a lane.

use bitfab_format::{Layer, WORD_BITS};

use super::digits::Digits;
use super::units::{Channel, Units};

/// Words of one layer for all lanes: address by address, lane by lane; for each group of lanes pass after pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerImage {
    /// Negative digits of weights; bits that no weight covers are 0.
    pub weights: Vec<u32>,
    /// Bits that a lane sees; same addresses.
    pub masks: Vec<u32>,
    /// Whether any lane must not see a bit that can be set.
    pub masked: bool,
    /// Words of a plane of a tap that a group of lanes reads.
    pub words: u32,
    /// First word of a tap that each group of lanes reads.
    pub starts: Vec<u32>,
    /// What each channel does, dummies up to whole groups included.
    pub channels: Vec<Channel>,
    /// Addresses before those of the first group: the sum of the window.
    pub shared: u32,
}

/// The channels of the input that output channel `o` sees, as a range.
fn seen(layer: &Layer<'_>, o: u32) -> (u32, u32) {
    let per_group = (layer.output.shape.channels / layer.groups).max(1);
    let width = layer.group_channels();
    let group = o / per_group;
    (group * width, (group + 1) * width)
}

/// Whether the front gathers the layer's window into a patch.
pub(crate) fn is_patch(layer: &Layer<'_>) -> bool {
    layer.input.kind.is_bytes()
}

/// First and last word of a tap that the lanes of group `g` see.
fn covering(layer: &Layer<'_>, lanes: u32, g: u32) -> (u32, u32) {
    let outputs = layer.output.shape.channels;
    let first = seen(layer, g * lanes).0;
    let last = seen(layer, (g * lanes + lanes - 1).min(outputs - 1)).1 - 1;
    (first / WORD_BITS, last / WORD_BITS)
}

impl LayerImage {
    /// The image of a weighted layer or a sum-pool.
    pub fn new(layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) -> Self {
        let outputs = layer.output.shape.channels;
        let groups = outputs.div_ceil(lanes);
        let mut image = Self { words: 1, ..Self::default() };
        if layer.op.is_weighted() {
            image.place(layer, lanes, groups);
            if let Some(shared) = digits.shared {
                image.push_sum(layer, shared.ratio, lanes);
            }
            for g in 0..groups {
                (0..digits.passes).for_each(|pass| image.push_group(layer, digits, lanes, g, pass));
            }
        }
        let real: Vec<Channel> = (0..outputs).map(|o| Channel::new(layer, units, digits, o)).collect();
        let dummy = Channel::none(units, &real[0]); // no layer is without outputs
        image.channels = real;
        image.channels.resize((groups * lanes) as usize, dummy);
        if layer.op.is_weighted() {
            image.negate(lanes as usize);
        }
        image
    }

    /// Which words of a tap each group of lanes reads: the same number for all.
    fn place(&mut self, layer: &Layer<'_>, lanes: u32, groups: u32) {
        if is_patch(layer) {
            self.words = (layer.window.taps() * layer.input.shape.channels).div_ceil(WORD_BITS);
            self.starts = vec![0; groups as usize];
            return;
        }
        let spans: Vec<(u32, u32)> = (0..groups).map(|g| covering(layer, lanes, g)).collect();
        self.words = spans.iter().map(|(first, last)| last - first + 1).max().unwrap_or(1);
        let latest = layer.input.shape.channel_words() - self.words;
        self.starts = spans.iter().map(|(first, _)| (*first).min(latest)).collect();
    }

    /// The words of one pass over the window: their taps and numbers.
    fn window(&self, layer: &Layer<'_>, g: u32) -> impl Iterator<Item = (u32, u32)> + use<> {
        let taps = if is_patch(layer) { 1 } else { layer.window.taps() };
        let (words, start) = (self.words, self.starts[g as usize]);
        (0..taps).flat_map(move |tap| (start..start + words).map(move |word| (tap, word)))
    }

    /// Appends the words of one pass of one group of lanes.
    fn push_group(&mut self, layer: &Layer<'_>, digits: &Digits, lanes: u32, g: u32, pass: u32) {
        for (tap, word) in self.window(layer, g) {
            for o in g * lanes..(g + 1) * lanes {
                let (weights, mask, hidden) = word_of(layer, o, tap, word, |index| digits.digit(o, index, pass));
                self.weights.push(weights);
                self.masks.push(mask);
                self.masked |= hidden;
            }
        }
    }

    /// Appends the words that sum up the window, in every lane; negative where the sum is subtracted.
    fn push_sum(&mut self, layer: &Layer<'_>, ratio: i32, lanes: u32) {
        for (tap, word) in self.window(layer, 0) {
            let (weights, mask, _) = word_of(layer, 0, tap, word, |_| ratio.signum());
            self.weights.extend((0..lanes).map(|_| weights));
            self.masks.extend((0..lanes).map(|_| mask));
        }
        self.shared = self.weights.len() as u32 / lanes;
    }

    /// Inverts the weights of the channels that count downwards.
    fn negate(&mut self, lanes: usize) {
        let shared = self.shared as usize * lanes;
        let per_group = (self.weights.len() - shared) / (self.channels.len() / lanes) / lanes;
        let words = self.weights.iter_mut().zip(&self.masks).skip(shared);
        for (at, (weights, mask)) in words.enumerate() {
            let (address, lane) = (at / lanes, at % lanes);
            let channel = &self.channels[address / per_group * lanes + lane];
            if channel.negate {
                *weights = !*weights & mask;
            }
        }
    }
}

/// Negative digits and mask of one word of one tap for channel `o`, and whether the mask hides a channel.
///
/// `digit` knows the digit of each value of the window.
fn word_of(layer: &Layer<'_>, o: u32, tap: u32, word: u32, digit: impl Fn(u32) -> i32) -> (u32, u32, bool) {
    if o >= layer.output.shape.channels {
        return (0, 0, false);
    }
    let (low, high) = seen(layer, o);
    let channels = layer.input.shape.channels;
    let values = if is_patch(layer) { layer.window.taps() * channels } else { channels };
    let (mut weights, mut mask, mut hidden) = (0, 0, false);
    for bit in 0..WORD_BITS {
        let value = word * WORD_BITS + bit;
        if value >= values {
            break;
        }
        let (tap, channel) = if is_patch(layer) { (value / channels, value % channels) } else { (tap, value) };
        let is_seen = (low..high).contains(&channel);
        let digit = if is_seen { digit(tap * (high - low) + channel - low) } else { 0 };
        mask |= u32::from(digit != 0) << bit;
        weights |= u32::from(digit < 0) << bit;
        hidden |= digit == 0;
    }
    (weights, mask, hidden)
}
