//! The contents of the memories beside the lanes: inverted weights, masks and biases, one column a lane.

use bitfab_format::{Layer, Packing, WORD_BITS, Weights};

use super::units::{Channel, Units};

/// Words of one layer for all lanes: address by address, lane by lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerImage {
    /// Inverted weights; bits that no weight covers are 0.
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
    pub fn new(layer: &Layer<'_>, units: &Units, lanes: u32) -> Self {
        let outputs = layer.output.shape.channels;
        let groups = outputs.div_ceil(lanes);
        let mut image = Self { words: 1, ..Self::default() };
        if layer.op.is_weighted() {
            image.place(layer, lanes, groups);
            for g in 0..groups {
                image.push_group(layer, lanes, g);
            }
        }
        let real: Vec<Channel> = (0..outputs).map(|o| Channel::new(layer, units, o)).collect();
        let thresholds = real.first().map_or(1, |channel| channel.biases.len());
        image.channels = real;
        image.channels.resize((groups * lanes) as usize, Channel::none(units, thresholds));
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

    /// Appends the words of one group of lanes.
    fn push_group(&mut self, layer: &Layer<'_>, lanes: u32, g: u32) {
        let taps = if is_patch(layer) { 1 } else { layer.window.taps() };
        let (words, start) = (self.words, self.starts[g as usize]);
        for tap in 0..taps {
            for word in start..start + words {
                for o in g * lanes..(g + 1) * lanes {
                    let (weights, mask, hidden) = word_of(layer, o, tap, word);
                    self.weights.push(weights);
                    self.masks.push(mask);
                    self.masked |= hidden;
                }
            }
        }
    }

    /// Inverts the weights of the channels that count downwards.
    fn negate(&mut self, lanes: usize) {
        let per_group = self.weights.len() / (self.channels.len() / lanes) / lanes;
        for (at, (weights, mask)) in self.weights.iter_mut().zip(&self.masks).enumerate() {
            let (address, lane) = (at / lanes, at % lanes);
            let channel = &self.channels[address / per_group * lanes + lane];
            if channel.negate {
                *weights = !*weights & mask;
            }
        }
    }
}

/// Inverted weights and mask of one word of one tap for channel `o`, and whether the mask hides a channel.
fn word_of(layer: &Layer<'_>, o: u32, tap: u32, word: u32) -> (u32, u32, bool) {
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
        if (low..high).contains(&channel) {
            mask |= 1 << bit;
            weights |= u32::from(!weight(layer, o, tap, channel - low)) << bit;
        } else {
            hidden = true;
        }
    }
    (weights, mask, hidden)
}

/// Whether the weight of output channel `o` at `tap` and channel `c` of its group is +1.
fn weight(layer: &Layer<'_>, o: u32, tap: u32, c: u32) -> bool {
    let Weights::Binary(rows) = layer.weights else { return false };
    let channels = layer.group_channels();
    let bit = match layer.packing() {
        Packing::Tap => tap * channels.div_ceil(WORD_BITS) * WORD_BITS + c,
        Packing::Patch => tap * channels + c,
    };
    let word = o * layer.row_words() + bit / WORD_BITS;
    rows[word as usize] >> (bit % WORD_BITS) & 1 == 1
}
