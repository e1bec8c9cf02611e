//! How the numbers of thresholds and scales share a section (SPEC.md 7.1).

use super::codes::word_at;
use crate::limits::MAX_RESCALE_SHIFT;
use crate::{Reason, WORD_BITS};

/// The parts of a section: numbers of a width each, one after the other, each of which begins a word.
///
/// A part is named by where the form has its width, so that one loop serves all of them: less code than a line for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Parts {
    /// The word of the form.
    pub form: u32,
    /// At most 2^28.
    pub channels: u32,
    /// Rests of a channel, 1 to 15.
    pub per_channel: u32,
}

impl Parts {
    pub const BASES: u32 = 0;
    pub const STEPS: u32 = 6;
    pub const RESTS: u32 = 12;
    pub const DIRECTIONS: u32 = 24;
    /// Past the last part.
    pub const END: u32 = 30;

    /// Bits of each number of a part; none where the form has the point.
    #[inline]
    pub const fn width(self, part: u32) -> u32 {
        (self.form & 0x0103_ffff) >> part & 63
    }

    /// Binary digits of a line behind the point.
    #[inline]
    pub const fn point(self) -> i32 {
        (self.form << 8) as i32 >> 26
    }

    /// The least shift of scales.
    #[inline]
    pub const fn least_shift(self) -> u32 {
        self.form >> 18 & 63
    }

    /// Whether thresholds can be stored so; one alone is a multiple of a power of two.
    pub const fn suit_thresholds(self) -> bool {
        let (base, step, rest) = (self.width(Self::BASES), self.width(Self::STEPS), self.width(Self::RESTS));
        if base > 32 || self.point() < -31 {
            false
        } else if self.per_channel == 1 {
            step | rest == 0 && self.point() <= 0 && base as i32 - self.point() <= 32
        } else {
            step <= 31 && rest <= 32
        }
    }

    /// Whether scales can be stored so.
    pub const fn suit_scales(self) -> bool {
        let has_directions = self.width(Self::DIRECTIONS) != 0;
        self.width(Self::BASES) <= 32
            && self.width(Self::RESTS) <= 5
            && self.least_shift() <= MAX_RESCALE_SHIFT
            && !has_directions
    }

    /// How many numbers a part has.
    const fn count(self, part: u32) -> u32 {
        if part == Self::RESTS { self.channels.wrapping_mul(self.per_channel) } else { self.channels }
    }

    /// First word of a part; that of [`Self::END`] is how many words a section has.
    /// Of a section that no file can hold at least as many as of any that a file can.
    #[inline(never)]
    pub const fn start(self, part: u32) -> u32 {
        let (mut start, mut before) = (0u32, 0);
        while before < part {
            // At most 15 times 2^28 numbers.
            let bits = self.count(before) as u64 * self.width(before) as u64;
            start = start.saturating_add(((bits + 31) >> 5) as u32);
            before += 6;
        }
        start
    }

    /// Whether the bits behind each part of a section are zero.
    ///
    /// # Errors
    /// That they are not.
    pub fn check_padding(self, section: &[u32]) -> Result<(), Reason> {
        for part in [Self::BASES, Self::STEPS, Self::RESTS, Self::DIRECTIONS] {
            // Only the last bits count, so that the product may wrap.
            let used = self.count(part).wrapping_mul(self.width(part)) % WORD_BITS;
            let last = word_at(section, self.start(part + 6).wrapping_sub(1) as usize);
            if used != 0 && last >> used != 0 {
                return Err(Reason::PadBits);
            }
        }
        Ok(())
    }
}

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
