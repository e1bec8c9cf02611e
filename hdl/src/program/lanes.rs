//! The contents of the memories beside the lanes: digits of weights, their signs and biases, one column a lane.

use bitfab_format::{Layer, Op, WORD_BITS};

use super::digits::Digits;
use super::row::WeightLayout;
use super::suits::{can_rebuild, is_patch};
use super::units::{Channel, Units};
use crate::{Options, Weights};

/// Bytes of a word, which listed layers find one by one.
pub(crate) const COLUMNS: usize = 4;

/// Words of one layer for all lanes: address by address, lane by lane; for each group of lanes pass after pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerImage {
    /// Digits of weights that are not zero where masked, else those that are negative; bits that no weight covers are 0.
    pub weights: Vec<u32>,
    /// Negative digits: at the same addresses, or once for all passes of a group of lanes.
    pub signs: Vec<u32>,
    /// How they are kept: masked where any lane must not see a bit that can be set.
    pub layout: WeightLayout,
    /// Words of a plane of a tap that a group of lanes reads.
    pub words: u32,
    /// First word of a tap that each group of lanes reads.
    pub starts: Vec<u32>,
    /// What each channel does, dummies up to whole groups included.
    pub channels: Vec<Channel>,
    /// Where the bytes of listed words lie, from the window's start: address by address, in it read by read, byte by byte.
    pub offsets: Vec<u32>,
    /// Whether the next address is the last of its pass.
    pub ends: Vec<bool>,
    /// Addresses of the longest pass.
    pub longest: u32,
}

/// Negative digits and masks of one pass over the window: position by position, in it lane by lane.
struct Pass {
    /// The first digit of a weight.
    is_first: bool,
    words: Vec<(u32, u32)>,
    /// Where the positions lie, from the window's start.
    offsets: Vec<u32>,
}

impl Pass {
    /// Whether all digits that are not zero are negative, or none is.
    fn is_of_sign(&self, negative: bool) -> bool {
        self.words.iter().all(|(weights, mask)| *weights == if negative { *mask } else { 0 })
    }

    /// For each read and each byte of its words: the positions at which any of its lanes needs that byte.
    fn lists(&self, options: &Options) -> Vec<Vec<usize>> {
        let (lanes, share) = (options.lanes as usize, (options.lanes / options.reads) as usize);
        let needs = |column: usize, position: usize| {
            let first = position * lanes + column / COLUMNS * share;
            self.words[first..first + share].iter().any(|(_, mask)| byte(*mask, column) != 0)
        };
        let positions = 0..self.offsets.len();
        let list = |column| positions.clone().filter(|position| needs(column, *position)).collect();
        (0..options.reads as usize * COLUMNS).map(list).collect()
    }

    /// What `lane` sees at address `at` of the lists.
    fn listed(&self, lists: &[Vec<usize>], at: usize, lane: usize, options: &Options) -> (u32, u32) {
        let (lanes, share) = (options.lanes as usize, (options.lanes / options.reads) as usize);
        let columns = lane / share * COLUMNS..(lane / share + 1) * COLUMNS;
        columns.filter_map(|column| Some((column, lists[column].get(at)?))).fold((0, 0), |sum, (column, position)| {
            let (weights, mask) = self.words[position * lanes + lane];
            (sum.0 | byte(weights, column), sum.1 | byte(mask, column))
        })
    }
}

/// The negative digits of all passes of a group of lanes, where a weight has the same sign in all of them.
fn shared_signs(passes: &[Pass]) -> Option<Vec<u32>> {
    let at = |position: usize| passes.iter().fold(0, |signs, pass| signs | pass.words[position].0);
    let signs: Vec<u32> = (0..passes[0].words.len()).map(at).collect();
    let agrees = |pass: &Pass| pass.words.iter().zip(&signs).all(|((negative, mask), sign)| *negative == sign & mask);
    passes.iter().all(agrees).then_some(signs)
}

/// The byte of `word` that belongs to `column`, where it is.
fn byte(word: u32, column: usize) -> u32 {
    word & 0xff << (8 * (column % COLUMNS))
}

/// Addresses of a listed pass; at least two, since an address announces that the next one is the last.
fn length(lists: &[Vec<usize>]) -> usize {
    lists.iter().map(Vec::len).max().unwrap_or(0).max(2)
}

/// The channels of the input that output channel `o` sees, as a range.
fn seen(layer: &Layer<'_>, o: u32) -> (u32, u32) {
    let per_group = (layer.output.shape.channels / layer.groups).max(1);
    let width = layer.group_channels();
    let group = o / per_group;
    (group * width, (group + 1) * width)
}

/// First and last word of a tap that the lanes of group `g` see.
fn covering(layer: &Layer<'_>, lanes: u32, g: u32) -> (u32, u32) {
    let outputs = layer.output.shape.channels;
    let first = seen(layer, g * lanes).0;
    let last = seen(layer, (g * lanes + lanes - 1).min(outputs - 1)).1 - 1;
    (first / WORD_BITS, last / WORD_BITS)
}

/// How a layer is computed: its digits, what they count in, and its words.
pub(crate) struct Plan {
    pub digits: Digits,
    pub units: Units,
    pub image: LayerImage,
    /// Whether the words come from the rebuilder, so that the image has none.
    pub is_rebuilt: bool,
}

impl Plan {
    /// The plan of `layer` with the fewest cycles, and with those the fewest bits.
    pub fn new(layer: &Layer<'_>, options: &Options) -> Self {
        if options.weights == Weights::Rebuilt && can_rebuild(layer) {
            return Self::rebuilt(layer, options);
        }
        let of = |digits: Digits| {
            let units = Units::new(layer, &digits);
            let image = match layer.op {
                Op::Encode | Op::MaxPool => LayerImage::default(),
                _ => LayerImage::new(layer, &units, &digits, options),
            };
            Self { digits, units, image, is_rebuilt: false }
        };
        let digits = Digits::new(layer, options.lanes);
        // Bits of two's complement are seldom zero, where digits with a sign may be worth a list.
        let complemented = digits.complemented();
        let signed = of(digits);
        complemented.filter(|_| !signed.image.layout.listed).map_or(signed, of)
    }
}

impl Plan {
    /// The plan of a layer whose weights the rebuilder makes: all its digits are masks, those of the first pass negative.
    fn rebuilt(layer: &Layer<'_>, options: &Options) -> Self {
        let digits = Digits::rebuilt(layer);
        let units = Units::new(layer, &digits);
        let channels = LayerImage::channels(layer, &units, &digits, options.lanes);
        let layout = WeightLayout { masked: true, minus: true, sign_pass: 1, ..WeightLayout::default() };
        let mut image = LayerImage { words: 1, channels, layout, ..LayerImage::default() };
        image.place(layer, options.lanes, layer.output.shape.channels.div_ceil(options.lanes));
        Self { digits, units, image, is_rebuilt: true }
    }
}

impl LayerImage {
    /// What each channel does, dummies up to whole groups of `lanes` included.
    fn channels(layer: &Layer<'_>, units: &Units, digits: &Digits, lanes: u32) -> Vec<Channel> {
        let outputs = layer.output.shape.channels;
        let mut channels: Vec<Channel> = (0..outputs).map(|o| Channel::new(layer, units, digits, o)).collect();
        let dummy = Channel::none(units, &channels[0]); // no layer is without outputs
        channels.resize(outputs.next_multiple_of(lanes) as usize, dummy);
        channels
    }

    /// The image of a weighted layer or a sum-pool.
    pub fn new(layer: &Layer<'_>, units: &Units, digits: &Digits, options: &Options) -> Self {
        let groups = layer.output.shape.channels.div_ceil(options.lanes);
        let channels = Self::channels(layer, units, digits, options.lanes);
        let mut image = Self { words: 1, channels, ..Self::default() };
        if layer.op.is_weighted() {
            image.place(layer, options.lanes, groups);
            if !digits.depthwise {
                let passes = image.passes(layer, digits, options.lanes, groups);
                image.fill(layer, digits, &passes, options);
            }
        }
        image
    }

    /// All passes of all groups, the sum of the window first.
    fn passes(&mut self, layer: &Layer<'_>, digits: &Digits, lanes: u32, groups: u32) -> Vec<Pass> {
        let sum = digits.shared.map(|_| self.sum(layer, lanes));
        let steps = (0..groups).flat_map(|g| (0..digits.passes).map(move |pass| (g, pass)));
        let own: Vec<Pass> = steps.map(|(g, pass)| self.pass(layer, digits, lanes, g, pass)).collect();
        sum.into_iter().chain(own).collect()
    }

    /// The words of the passes, one after the other; as lists where that skips a tenth of the addresses.
    fn fill(&mut self, layer: &Layer<'_>, digits: &Digits, passes: &[Pass], options: &Options) {
        let lists: Vec<Vec<Vec<usize>>> = passes.iter().map(|pass| pass.lists(options)).collect();
        let listed: usize = lists.iter().map(|lists| length(lists)).sum();
        let all: usize = passes.iter().map(|pass| pass.offsets.len()).sum();
        // Taps outside the input are told from those inside by walking over all of them.
        let is_walked = layer.window.is_padded() && !is_patch(layer);
        self.layout.listed = !is_walked && 10 * listed <= 9 * all;
        self.layout.masked |= self.layout.listed;
        self.judge(passes);
        if self.layout.listed {
            passes.iter().zip(&lists).for_each(|(pass, lists)| self.push_list(pass, lists, options));
            return;
        }
        self.weights = passes.iter().flat_map(|pass| &pass.words).map(|word| self.bits(*word)).collect();
        if self.layout.signed {
            self.place_signs(passes, digits);
        }
    }

    /// How the digits are kept: with signs, with one sign a pass, or as signs alone.
    fn judge(&mut self, passes: &[Pass]) {
        let is_positive = passes.iter().all(|pass| pass.is_of_sign(false));
        let is_split = passes.iter().all(|pass| pass.is_of_sign(pass.is_first));
        self.layout.minus = self.layout.masked && !is_positive && is_split;
        self.layout.signed = self.layout.masked && !is_positive && !is_split;
        self.layout.sign_pass = 1;
    }

    /// What the memory of weights holds of a word of negative digits and a mask.
    fn bits(&self, (negative, mask): (u32, u32)) -> u32 {
        if self.layout.masked { mask } else { negative }
    }

    /// The signs, once for all passes of a group of lanes where these agree.
    fn place_signs(&mut self, passes: &[Pass], digits: &Digits) {
        let groups = passes.chunks(digits.passes as usize);
        let shared: Option<Vec<Vec<u32>>> = groups.map(shared_signs).collect();
        match shared {
            Some(signs) if digits.passes > 1 => {
                self.layout.sign_pass = 1_u32.wrapping_sub(passes[0].offsets.len() as u32);
                self.signs = signs.concat();
            }
            _ => self.signs = passes.iter().flat_map(|pass| &pass.words).map(|(negative, _)| *negative).collect(),
        }
    }

    /// Appends the words of a pass that lanes need; shorter lists end with bytes that no lane sees.
    fn push_list(&mut self, pass: &Pass, lists: &[Vec<usize>], options: &Options) {
        let length = length(lists);
        self.longest = self.longest.max(length as u32);
        for at in 0..length {
            for lane in 0..options.lanes as usize {
                let word = pass.listed(lists, at, lane, options);
                self.weights.push(self.bits(word));
                if self.layout.signed {
                    self.signs.push(word.0);
                }
            }
            let offset = |list: &Vec<usize>| list.get(at).map_or(0, |position| pass.offsets[*position]);
            self.offsets.extend(lists.iter().map(offset));
            self.ends.push(at + 2 == length);
        }
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
    fn window(&self, layer: &Layer<'_>, g: u32) -> Vec<(u32, u32)> {
        let taps = if is_patch(layer) { 1 } else { layer.window.taps() };
        let (words, start) = (self.words, self.starts[g as usize]);
        (0..taps).flat_map(move |tap| (start..start + words).map(move |word| (tap, word))).collect()
    }

    /// Where the words of `window` lie, from the window's start.
    fn offsets(&self, layer: &Layer<'_>, g: u32, window: &[(u32, u32)]) -> Vec<u32> {
        let start = self.starts[g as usize];
        let line = layer.input.shape.width;
        let pixel = |tap: u32| tap / layer.window.kernel[1] * line + tap % layer.window.kernel[1];
        let offset = |&(tap, word): &(u32, u32)| pixel(tap).wrapping_mul(layer.input.pixel_words()) + word - start;
        window.iter().map(offset).collect()
    }

    /// One pass of one group of lanes.
    fn pass(&mut self, layer: &Layer<'_>, digits: &Digits, lanes: u32, g: u32, pass: u32) -> Pass {
        let window = self.window(layer, g);
        let mut words = Vec::with_capacity(window.len() * lanes as usize);
        for &(tap, word) in &window {
            for o in g * lanes..(g + 1) * lanes {
                let (weights, mask, hidden) = word_of(layer, o, tap, word, |index| digits.digit(o, index, pass));
                // Channels that count downwards have negated weights.
                let weights = if self.channels[o as usize].negate { !weights & mask } else { weights };
                words.push((weights, mask));
                self.layout.masked |= hidden;
            }
        }
        Pass { is_first: pass == 0, words, offsets: self.offsets(layer, g, &window) }
    }

    /// The sum of the window in lane 0.
    fn sum(&mut self, layer: &Layer<'_>, lanes: u32) -> Pass {
        let window = self.window(layer, 0);
        let mut words = vec![(0, 0); window.len() * lanes as usize];
        for (word_of_lanes, &(tap, word)) in words.chunks_mut(lanes as usize).zip(&window) {
            let (weights, mask, _) = word_of(layer, 0, tap, word, |_| 1);
            word_of_lanes[0] = (weights, mask);
        }
        self.layout.masked = true;
        Pass { is_first: false, words, offsets: self.offsets(layer, 0, &window) }
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
