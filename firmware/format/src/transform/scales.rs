//! The multipliers, offsets and shifts of a layer as they are stored (SPEC.md 7.3).

use super::codes::{Codes, from, word_at};
use super::parts::Parts;
use super::rescale::Rescale;
use crate::limits::{MAX_OFFSET, MAX_RESCALE_SHIFT, MAX_SHIFT_SPREAD};
use crate::{Reason, WORD_BITS};

/// A [`Rescale`] a channel, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scales<'a> {
    parts: Parts,
    section: &'a [u32],
}

impl<'a> Scales<'a> {
    /// The view of a section, which is as long as its parts are; a channel has one rest.
    pub(crate) const fn new(section: &'a [u32], parts: Parts) -> Self {
        Self { parts, section }
    }

    /// Words of the section.
    pub const fn words(&self) -> usize {
        self.section.len()
    }

    /// That of `channel`.
    #[inline]
    pub const fn get(&self, channel: u32) -> Rescale {
        let offsets = from(self.section, self.parts.start(Parts::STEPS));
        let shifts = from(self.section, self.parts.start(Parts::RESTS));
        let shifts = Codes { words: shifts, width: self.parts.width(Parts::RESTS) };
        Rescale {
            multiplier: Codes { words: self.section, width: self.parts.width(Parts::BASES) }.signed(channel),
            offset: long(offsets, self.parts.width(Parts::STEPS), channel),
            shift: self.parts.least_shift().wrapping_add(shifts.unsigned(channel)),
        }
    }

    /// Those of all channels.
    pub fn iter(&self) -> impl Iterator<Item = Rescale> + use<'a> {
        let scales = *self;
        (0..self.parts.channels).map(move |channel| scales.get(channel))
    }

    /// Whether padding is zero, `acc * multiplier + offset` and its rounding stay inside 64 bits, and shifts differ by
    /// 16 at most.
    ///
    /// # Errors
    /// What is not so.
    pub(crate) fn check(&self, least_shift: u32) -> Result<(), Reason> {
        self.parts.check_padding(self.section)?;
        let (mut least, mut most) = (MAX_RESCALE_SHIFT, least_shift);
        let each = self.iter().all(|scale| {
            (least, most) = (least.min(scale.shift), most.max(scale.shift));
            (least_shift..=MAX_RESCALE_SHIFT).contains(&scale.shift)
                && scale.offset.unsigned_abs() <= MAX_OFFSET.unsigned_abs()
        });
        if each && most.saturating_sub(least) <= MAX_SHIFT_SPREAD { Ok(()) } else { Err(Reason::Requant) }
    }
}

/// Number `index` of `width` bits, 0 to 63, in two's complement, packed as [`Codes`]; 0 past the end.
const fn long(words: &[u32], width: u32, index: u32) -> i64 {
    let bit = (index % WORD_BITS).wrapping_mul(width);
    let word = (index / WORD_BITS).wrapping_mul(width).wrapping_add(bit / WORD_BITS) as usize;
    let low = word_at(words, word) as u64 | (word_at(words, word.wrapping_add(1)) as u64) << 32;
    let bit = bit % WORD_BITS;
    // Two shifts, since one by 64 would mean nothing.
    let high = (word_at(words, word.wrapping_add(2)) as u64) << (WORD_BITS - 1 - bit) << (WORD_BITS + 1);
    let unused = 64 - width;
    let bits = low >> bit | high;
    if width == 0 { 0 } else { (bits.wrapping_shl(unused) as i64).wrapping_shr(unused) }
}
