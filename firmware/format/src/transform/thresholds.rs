//! Thresholds of accumulators as they are stored: lines, what differs from them, and which channels count down
//! (SPEC.md 7.1).

use super::codes::{Codes, from, word_at};
use super::parts::{Form, Parts};
use crate::tensor::words_of;
use crate::{Reason, WORD_BITS};

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

    /// Channels of the layer.
    #[cfg(feature = "alloc")]
    pub(crate) const fn channels(&self) -> u32 {
        self.parts.channels
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
