//! From accumulators to output values: residual, thresholds, scores (NUMERICS 5).

use bitfab_format::{Codes, Layer, Residual, Scales, Thresholds, Transform, WORD_BITS};

/// Accumulators that are transformed together: the channels of one word.
pub(crate) const BLOCK: usize = WORD_BITS as usize;

/// Transforms the accumulators of word `word` of the channels of output pixel `pixel` and stores the result.
pub(crate) fn store(
    layer: &Layer<'_>,
    pixel: usize,
    word: usize,
    accumulators: &mut [i32],
    residual: &[u32],
    output: &mut [u32],
) {
    if let Some(from) = layer.residual {
        add(from, pixel, word, accumulators, residual);
    }
    let first = pixel.wrapping_mul(layer.output.pixel_words() as usize);
    match layer.transform {
        Transform::Thresholds(thresholds) if thresholds.per_channel() == 1 => {
            if let Some(to) = output.get_mut(first.wrapping_add(word)) {
                *to = signs(accumulators, word, &thresholds);
            }
        }
        Transform::Thresholds(thresholds) => {
            let planes = levels(accumulators, word, &thresholds);
            let stride = layer.output.shape.channel_words() as usize;
            write(output, first.wrapping_add(word), stride, &planes, layer.output.kind.planes() as usize);
        }
        Transform::Raw => {
            let to = output.get_mut(first.wrapping_add(word.wrapping_mul(BLOCK))..).unwrap_or_default();
            to.iter_mut().zip(accumulators).for_each(|(to, acc)| *to = *acc as u32);
        }
        Transform::Requant { scales } if cfg!(feature = "requant") => {
            let bits = layer.output.kind.planes();
            let planes = requantised(accumulators, word, bits, &scales);
            let stride = layer.output.shape.channel_words() as usize;
            write(output, first.wrapping_add(word), stride, &planes, bits as usize);
        }
        Transform::Affine { scales } if cfg!(feature = "affine") => {
            let to = output.get_mut(first.wrapping_add(word.wrapping_mul(BLOCK))..).unwrap_or_default();
            scores(accumulators, word, &scales, to);
        }
        // A checked layer with accumulators has neither of the first two, and `supports` is false for the others.
        Transform::None | Transform::Encode { .. } | Transform::Requant { .. } | Transform::Affine { .. } => {}
    }
}

/// Most planes of a packed value.
pub(crate) const PLANES: usize = 8;

/// Writes the first `count` planes of a word of channels to `output[first]`, `output[first + stride]` and so on.
pub(crate) fn write(output: &mut [u32], first: usize, stride: usize, planes: &[u32; PLANES], count: usize) {
    let mut at = first;
    for &plane in planes.iter().take(count) {
        if let Some(to) = output.get_mut(at) {
            *to = plane;
        }
        at = at.wrapping_add(stride);
    }
}

/// The planes of a word of channels, from `input[first]`, `input[first + stride]` and so on; those past `count` are 0.
pub(crate) fn read(input: &[u32], first: usize, stride: usize, count: usize) -> [u32; PLANES] {
    let (mut planes, mut at) = ([0; PLANES], first);
    for plane in planes.iter_mut().take(count) {
        *plane = input.get(at).copied().unwrap_or(0);
        at = at.wrapping_add(stride);
    }
    planes
}

/// Adds the residual's values, shifted (NUMERICS 5.1).
fn add(from: Residual, pixel: usize, word: usize, accumulators: &mut [i32], residual: &[u32]) {
    let first = pixel.wrapping_mul(from.tensor.pixel_words() as usize).wrapping_add(word);
    let stride = from.tensor.shape.channel_words() as usize;
    let used = from.tensor.kind.planes() as usize;
    let planes = read(residual, first, stride, used);
    let is_signed = from.tensor.kind.range().0 < 0;
    // Signs are 2 bit - 1; unsigned values the sum of their planes.
    let offset = if is_signed { -1i32 } else { 0 }.wrapping_shl(from.shift);
    accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_add(offset));
    let mut shift = from.shift + u32::from(is_signed);
    for mut bits in planes.into_iter().take(used) {
        for acc in accumulators.iter_mut() {
            *acc = acc.wrapping_add(((bits & 1) as i32).wrapping_shl(shift));
            bits >>= 1;
        }
        shift = shift.wrapping_add(1);
    }
}

/// The direction bits of the first `used` channels of a word; they complement what was counted.
fn directions(thresholds: &Thresholds<'_>, word: usize) -> u32 {
    thresholds.directions().get(word).copied().unwrap_or(0)
}

/// One threshold a channel: the word of their signs.
#[inline(never)]
fn signs(accumulators: &[i32], word: usize, thresholds: &Thresholds<'_>) -> u32 {
    let mut bases = Walk::new(thresholds.bases(), word);
    // A sign has no digits behind the point, so that its base is shifted back by that much less.
    let unused = bases.unused();
    let back = unused.wrapping_add_signed(thresholds.form().point.into()) % WORD_BITS;
    let mut signs = 0u32;
    for &acc in accumulators {
        let threshold = (bases.next() << unused) as i32 >> back;
        signs = signs >> 1 | if acc >= threshold { 1 << (WORD_BITS - 1) } else { 0u32 };
    }
    let channels = accumulators.len() as u32;
    signs.wrapping_shr(WORD_BITS.wrapping_sub(channels)) ^ directions(thresholds, word)
}

/// Several thresholds a channel: the planes of the number that each accumulator reaches.
#[inline(never)]
fn levels(accumulators: &[i32], word: usize, thresholds: &Thresholds<'_>) -> [u32; PLANES] {
    let (bases, steps, rests) = (thresholds.bases(), thresholds.steps(), thresholds.rests());
    let all = thresholds.per_channel();
    let mut channel = (word as u32).wrapping_mul(WORD_BITS);
    let mut down = directions(thresholds, word);
    let (mut planes, mut bit) = ([0; PLANES], 1u32);
    for &acc in accumulators {
        let (base, step) = (bases.signed(channel), steps.unsigned(channel));
        // As thresholds ascend, each look at one halves how many may be reached.
        let (mut level, mut half) = (0u32, all / 2 + 1);
        while half != 0 {
            let index = level.wrapping_add(half).wrapping_sub(1);
            let mut threshold = thresholds.shifted(base.wrapping_add(step.wrapping_mul(index) as i32));
            if rests.width != 0 {
                threshold = threshold.wrapping_add(rests.signed(channel.wrapping_mul(all).wrapping_add(index)));
            }
            if acc >= threshold {
                level = level.wrapping_add(half);
            }
            half /= 2;
        }
        // The complement of 2^bits - 1 is that of its bits.
        put(&mut planes, bit, level ^ (all & (down & 1).wrapping_neg()));
        channel = channel.wrapping_add(1);
        bit <<= 1;
        down >>= 1;
    }
    planes
}

/// Values that live on (NUMERICS 5.5): the planes of each.
#[inline(never)]
fn requantised(accumulators: &[i32], word: usize, bits: u32, scales: &Scales<'_>) -> [u32; PLANES] {
    let (mut planes, mut bit) = ([0; PLANES], 1u32);
    for (&acc, channel) in accumulators.iter().zip((word as u32).wrapping_mul(WORD_BITS)..) {
        put(&mut planes, bit, scales.get(channel).apply(acc, bits) as u32);
        bit <<= 1;
    }
    planes
}

/// Scores with a factor and an offset a class (NUMERICS 5.6).
#[inline(never)]
fn scores(accumulators: &[i32], word: usize, scales: &Scales<'_>, output: &mut [u32]) {
    let channels = (word as u32).wrapping_mul(WORD_BITS)..;
    for ((to, &acc), channel) in output.iter_mut().zip(accumulators).zip(channels) {
        *to = scales.get(channel).score(acc) as u32;
    }
}

/// Sets `bit` in the planes of `value`.
fn put(planes: &mut [u32; PLANES], bit: u32, mut value: u32) {
    for plane in planes {
        *plane |= bit & (value & 1).wrapping_neg();
        value >>= 1;
    }
}

/// Numbers of a few bits, read one after the other.
struct Walk<'a> {
    words: core::slice::Iter<'a, u32>,
    width: u32,
    /// Bits that are read but not taken, and how many; none are where numbers have none.
    bits: u32,
    left: u32,
}

impl<'a> Walk<'a> {
    /// At the first of a word of channels, which begins a word here too.
    fn new(codes: Codes<'a>, word: usize) -> Self {
        let words = codes.words.get(word.wrapping_mul(codes.width as usize)..).unwrap_or_default();
        Self { words: words.iter(), width: codes.width, bits: 0, left: 0 }
    }

    /// The next number; the bits above it are anything.
    #[inline(always)]
    fn next(&mut self) -> u32 {
        let bits = self.bits;
        if self.left >= self.width {
            self.bits = bits >> (self.width % WORD_BITS);
            self.left -= self.width;
            return bits;
        }
        let word = self.words.next().copied().unwrap_or(0);
        let taken = self.width.wrapping_sub(self.left);
        // Two shifts, since a whole word may be taken.
        self.bits = word >> 1 >> (taken.wrapping_sub(1) % WORD_BITS);
        let all = bits | word << (self.left % WORD_BITS);
        self.left = WORD_BITS.wrapping_sub(taken);
        all
    }

    /// Bits above a number in a word; 0 where numbers have none, which are 0 anyway.
    const fn unused(&self) -> u32 {
        WORD_BITS.wrapping_sub(self.width) % WORD_BITS
    }
}
