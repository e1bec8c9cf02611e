//! Thresholds of accumulators as they are stored: lines, what differs from them, and which channels count down
//! (SPEC.md 7.1).

use crate::parts::Parts;
use crate::tensor::words_of;
use crate::{Reason, WORD_BITS};

/// How the numbers of a layer's channels are stored: threshold `i` of a channel is `(base + i step) / 2^point`, rounded
/// down, plus a rest; a scale has a multiplier as base, an offset as step, and a shift of `point` plus a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Form {
    /// Bits of the base of a channel, 0 to 32.
    pub base: u8,
    /// Bits of the step of a channel, 0 to 31; of an offset, 0 to 63.
    pub step: u8,
    /// Bits of the rest of a threshold, 0 to 32; of a shift, 0 to 5.
    pub rest: u8,
    /// Binary digits of bases and steps behind the point, -31 to 31; the least shift, 0 to 47.
    pub point: i8,
    /// Whether direction bits are stored; else every channel counts up.
    pub has_directions: bool,
}

impl Form {
    /// Bits that a form takes in a layer's record.
    pub(crate) const BITS: u32 = 25;

    /// The form in the low bits of a word of a record.
    pub(crate) const fn from_word(word: u32) -> Self {
        let [base, step, rest] = [word & 63, word >> 6 & 63, word >> 12 & 63];
        let (point, has_directions) = ((word << 8) as i32 >> 26, word >> 24 & 1 == 1);
        Self { base: base as u8, step: step as u8, rest: rest as u8, point: point as i8, has_directions }
    }

    /// The low bits of a word of a record.
    pub(crate) const fn to_word(self) -> u32 {
        let [base, step, rest] = [self.base as u32, self.step as u32, self.rest as u32];
        base | step << 6 | rest << 12 | (self.point as u32 & 63) << 18 | (self.has_directions as u32) << 24
    }

    /// Words of the section of `channels` channels, at most 2^28, with 1 to 15 thresholds each; of a section that no
    /// file can hold at least as many as of any that a file can.
    pub const fn words(self, channels: u32, per_channel: u32) -> u32 {
        Parts { form: self.to_word(), channels, per_channel }.start(Parts::END)
    }
}

/// Numbers of a few bits each, low bits first; 32 of them take as many words as each has bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Codes<'a> {
    /// The words.
    pub words: &'a [u32],
    /// Bits of each number, 0 to 32.
    pub width: u32,
}

impl Codes<'_> {
    /// Number `index`, from 0 up; 0 past the end.
    #[inline(never)]
    pub const fn unsigned(self, index: u32) -> u32 {
        let bit = (index % WORD_BITS).wrapping_mul(self.width);
        let word = (index / WORD_BITS).wrapping_mul(self.width).wrapping_add(bit / WORD_BITS) as usize;
        let (low, high) = (word_at(self.words, word), word_at(self.words, word.wrapping_add(1)));
        let bit = bit % WORD_BITS;
        // Two shifts, since one by 32 would mean nothing.
        let bits = low >> bit | high << 1 << (WORD_BITS - 1 - bit);
        bits & mask(self.width)
    }

    /// Number `index` in two's complement; 0 past the end.
    #[inline]
    pub const fn signed(self, index: u32) -> i32 {
        extend(self.unsigned(index), self.width)
    }
}

/// The low `width` bits.
const fn mask(width: u32) -> u32 {
    if width == 0 { 0 } else { u32::MAX.wrapping_shr(WORD_BITS.wrapping_sub(width)) }
}

/// The low `width` bits as a number in two's complement; nothing else is set in `bits`.
const fn extend(bits: u32, width: u32) -> i32 {
    // No bits at all are shifted by 0.
    let unused = WORD_BITS.wrapping_sub(width);
    (bits.wrapping_shl(unused) as i32).wrapping_shr(unused)
}

pub(crate) const fn word_at(words: &[u32], at: usize) -> u32 {
    if at < words.len() { words[at] } else { 0 }
}

/// The thresholds of a layer, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Thresholds<'a> {
    parts: Parts,
    section: &'a [u32],
}

impl<'a> Thresholds<'a> {
    /// The view of a section, which is as long as its parts are.
    pub(crate) const fn new(section: &'a [u32], parts: Parts) -> Self {
        Self { parts, section }
    }

    /// Thresholds of one channel: 1, 3, 7 or 15.
    #[inline]
    pub const fn per_channel(&self) -> u32 {
        self.parts.per_channel
    }

    /// How they are stored.
    #[inline]
    pub const fn form(&self) -> Form {
        Form::from_word(self.parts.form)
    }

    /// Words of the section.
    pub const fn words(&self) -> usize {
        self.section.len()
    }

    /// Threshold `index` of `channel`, both from 0: an output is the number of thresholds of its channel that the
    /// accumulator is not below, or the number of those that it is below if [`Self::counts_down`].
    pub const fn value(&self, channel: u32, index: u32) -> i32 {
        let rest = self.rests().signed(channel.wrapping_mul(self.parts.per_channel).wrapping_add(index));
        let line = self.bases().signed(channel).wrapping_add(self.steps().unsigned(channel).wrapping_mul(index) as i32);
        self.shifted(line).wrapping_add(rest)
    }

    /// Whether `channel` yields the number of thresholds that its accumulator is below.
    pub const fn counts_down(&self, channel: u32) -> bool {
        word_at(self.directions(), (channel / WORD_BITS) as usize) >> (channel % WORD_BITS) & 1 == 1
    }

    /// A base or a place on its line without the digits behind the point.
    #[inline]
    pub const fn shifted(&self, line: i32) -> i32 {
        let point = self.parts.point();
        if point < 0 { line.wrapping_shl(point.unsigned_abs()) } else { line.wrapping_shr(point as u32) }
    }

    /// The base of every channel, signed.
    #[inline]
    pub const fn bases(&self) -> Codes<'a> {
        Codes { words: self.section, width: self.parts.width(Parts::BASES) }
    }

    /// The step of every channel, unsigned.
    pub const fn steps(&self) -> Codes<'a> {
        Codes { words: self.part(Parts::STEPS), width: self.parts.width(Parts::STEPS) }
    }

    /// The rest of every threshold, signed, channel by channel.
    pub const fn rests(&self) -> Codes<'a> {
        Codes { words: self.part(Parts::RESTS), width: self.parts.width(Parts::RESTS) }
    }

    const fn part(&self, part: u32) -> &'a [u32] {
        from(self.section, self.parts.start(part))
    }

    /// Bit `c % 32` of word `c / 32` says whether channel `c` counts down; empty if none does.
    #[inline]
    pub const fn directions(&self) -> &'a [u32] {
        // They are the end of the section.
        let words = if self.parts.width(Parts::DIRECTIONS) != 0 { words_of(self.parts.channels) } else { 0 };
        from(self.section, (self.section.len() as u32).wrapping_sub(words))
    }

    /// Whether padding is zero, every number fits 32 bits and the thresholds of every channel ascend.
    ///
    /// # Errors
    /// What is not so.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.parts.check_padding(self.section)?;
        (0..self.parts.channels).try_for_each(|channel| self.check_channel(channel))
    }

    fn check_channel(&self, channel: u32) -> Result<(), Reason> {
        let (base, step) = (self.bases().signed(channel), self.steps().unsigned(channel));
        // A step is never negative, so that the last place is the furthest.
        let furthest =
            step.checked_mul(self.parts.per_channel.wrapping_sub(1)).and_then(|far| base.checked_add_unsigned(far));
        let rests = self.rests();
        let (mut last, mut index) = (i32::MIN, channel.wrapping_mul(self.parts.per_channel));
        let mut line = base;
        for _ in 0..self.parts.per_channel {
            let shifted = self.shifted(line);
            let comes_back = self.parts.point() >= 0 || shifted.wrapping_shr(self.parts.point().unsigned_abs()) == line;
            let value = shifted.checked_add(rests.signed(index)).filter(|_| furthest.is_some() && comes_back);
            let value = value.ok_or(Reason::ThresholdRange)?;
            if value < last {
                return Err(Reason::ThresholdOrder);
            }
            (last, index) = (value, index.wrapping_add(1));
            line = line.wrapping_add_unsigned(step);
        }
        Ok(())
    }
}

/// The words from `start` on.
pub(crate) const fn from(words: &[u32], start: u32) -> &[u32] {
    match words.split_at_checked(start as usize) {
        Some((_, rest)) => rest,
        None => &[],
    }
}

#[cfg(feature = "alloc")]
impl Thresholds<'_> {
    /// The thresholds one by one.
    pub(crate) fn draft(&self) -> crate::DraftTransform {
        let channel = |channel| (0..self.per_channel()).map(move |index| self.value(channel, index));
        let values = (0..self.parts.channels).flat_map(channel).collect();
        let words = 0..words_of(self.parts.channels) as usize;
        let directions = words.map(|at| word_at(self.directions(), at)).collect();
        crate::DraftTransform::Thresholds { values, directions }
    }
}
