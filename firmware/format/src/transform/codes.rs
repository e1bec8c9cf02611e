//! Numbers of a width each in the words of a section (SPEC.md 7.1).

use crate::WORD_BITS;

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

/// Word `at`; 0 past the end.
pub(crate) const fn word_at(words: &[u32], at: usize) -> u32 {
    if at < words.len() { words[at] } else { 0 }
}

/// The words from `start` on.
pub(crate) const fn from(words: &[u32], start: u32) -> &[u32] {
    match words.split_at_checked(start as usize) {
        Some((_, rest)) => rest,
        None => &[],
    }
}
