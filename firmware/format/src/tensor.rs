//! Shapes, kinds and places of tensors.

use crate::limits::MAX_VOLUME;
use crate::{Reason, WORD_BITS};

/// Words that hold `bits` bits, of which there are at most 2^32 - 32 (a tensor has fewer values).
pub(crate) const fn words_of(bits: u32) -> u32 {
    // Shorter than `div_ceil`, which fears no overflow.
    bits.wrapping_add(WORD_BITS - 1) / WORD_BITS
}

/// Height, width and channels of one image; a vector is 1 x 1 x n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// Rows, 1 to 65,535.
    pub height: u32,
    /// Columns, 1 to 65,535.
    pub width: u32,
    /// Channels, at least 1.
    pub channels: u32,
}

impl Shape {
    /// A shape of `height` x `width` x `channels`.
    pub const fn new(height: u32, width: u32, channels: u32) -> Self {
        Self { height, width, channels }
    }

    /// A vector of `n` values.
    pub const fn vector(n: u32) -> Self {
        Self::new(1, 1, n)
    }

    /// Height times width.
    pub const fn pixels(&self) -> u32 {
        self.height.wrapping_mul(self.width)
    }

    /// Number of values.
    pub const fn volume(&self) -> u32 {
        self.pixels().wrapping_mul(self.channels)
    }

    /// Words that hold one bit of every channel of one pixel.
    pub const fn channel_words(&self) -> u32 {
        words_of(self.channels)
    }
}

/// What the values of a tensor are and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Bytes 0 to 255; the model's input only, stored by the caller.
    U8,
    /// Bytes -128 to 127; the model's input only, stored by the caller.
    I8,
    /// +1 or -1, one bit each: 1 is +1, 0 is -1.
    Sign,
    /// 0 to 2^bits - 1 as `bits` planes, 1 to 8; the least significant plane first.
    Unsigned {
        /// Number of planes, 1 to 8.
        bits: u8,
    },
    /// Accumulators as they are; the output of the last layer.
    I32,
}

impl Kind {
    #[cfg(feature = "alloc")]
    pub(crate) const fn code(self) -> (u8, u8) {
        match self {
            Self::U8 => (1, 0),
            Self::I8 => (2, 0),
            Self::Sign => (3, 0),
            Self::Unsigned { bits } => (4, bits),
            Self::I32 => (5, 0),
        }
    }

    pub(crate) const fn from_code(code: u8, bits: u8) -> Option<Self> {
        match (code, bits) {
            (1, 0) => Some(Self::U8),
            (2, 0) => Some(Self::I8),
            (3, 0) => Some(Self::Sign),
            (4, 1..=8) => Some(Self::Unsigned { bits }),
            (5, 0) => Some(Self::I32),
            _ => None,
        }
    }

    /// Bit planes that a weighted layer multiplies: 8 for bytes, 1 for signs, `bits` for unsigned values.
    pub const fn planes(self) -> u32 {
        match self {
            Self::U8 | Self::I8 => 8,
            Self::Sign => 1,
            Self::Unsigned { bits } => bits as u32,
            Self::I32 => 0,
        }
    }

    /// Smallest and largest value (`i32` limits for accumulators).
    pub const fn range(self) -> (i32, i32) {
        match self {
            Self::U8 => (0, 255),
            Self::I8 => (-128, 127),
            Self::Sign => (-1, 1),
            Self::Unsigned { bits } => (0, (1 << bits) - 1),
            Self::I32 => (i32::MIN, i32::MAX),
        }
    }

    /// Whether the values are bytes that the caller stores.
    pub const fn is_bytes(self) -> bool {
        matches!(self, Self::U8 | Self::I8)
    }

    /// Whether the values are packed, 32 channels a word.
    pub const fn is_packed(self) -> bool {
        matches!(self, Self::Sign | Self::Unsigned { .. })
    }
}

/// A run of words in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Region {
    /// First word.
    pub start: u32,
    /// Number of words; 0 for a region that is not used.
    pub words: u32,
}

impl Region {
    /// `words` words from `start`; `None` past the largest arena.
    pub(crate) const fn new(start: u32, words: u32) -> Option<Self> {
        match start.checked_add(words) {
            Some(..=MAX_VOLUME) => Some(Self { start, words }),
            _ => None,
        }
    }

    /// One past the last word.
    pub const fn end(&self) -> u32 {
        self.start.wrapping_add(self.words)
    }

    /// The region as an index range; empty regions are 0..0.
    pub const fn range(&self) -> core::ops::Range<usize> {
        let start = if self.words == 0 { 0 } else { self.start };
        start as usize..start.wrapping_add(self.words) as usize
    }

    /// Whether the two share a word.
    pub const fn overlaps(&self, other: &Self) -> bool {
        // The larger start and the smaller end; of an empty region both are the same.
        let start = if self.start > other.start { self.start } else { other.start };
        let end = if self.end() < other.end() { self.end() } else { other.end() };
        start < end
    }
}

/// A tensor: what it holds and where.
///
/// Packed tensors are stored pixel by pixel, row-major; in a pixel plane by plane, least significant first;
/// in a plane word by word; channel `c` is bit `c % 32` of word `c / 32`.
/// Bits past the last channel are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// What the values are.
    pub kind: Kind,
    /// Where in the arena; empty for bytes, which the caller keeps.
    pub region: Region,
}

impl Tensor {
    /// No tensor.
    pub(crate) const EMPTY: Self =
        Self { shape: Shape::new(0, 0, 0), kind: Kind::U8, region: Region { start: 0, words: 0 } };

    /// Checks shape and kind and sizes the region, which starts at `start`.
    #[inline(never)]
    pub(crate) const fn place(&mut self, start: u32) -> Result<(), Reason> {
        let Some(words) = words(self.shape, self.kind) else { return Err(Reason::Shape) };
        match Region::new(start, words) {
            Some(region) => self.region = region,
            None => return Err(Reason::Arena),
        }
        Ok(())
    }

    /// Words of one pixel: planes times channel words for packed tensors, channels for accumulators.
    pub const fn pixel_words(&self) -> u32 {
        match self.kind {
            Kind::I32 => self.shape.channels,
            Kind::U8 | Kind::I8 => 0,
            _ => self.kind.planes().wrapping_mul(self.shape.channel_words()),
        }
    }
}

/// Words that a tensor takes in the arena; `None` for a shape that is empty or too large.
const fn words(shape: Shape, kind: Kind) -> Option<u32> {
    let (1..=0xffff, 1..=0xffff, 1..) = (shape.height, shape.width, shape.channels) else { return None };
    // Both sides are below 2^16, so their product cannot overflow; what overflows below is too large anyway.
    let Some(0..=MAX_VOLUME) = shape.pixels().checked_mul(shape.channels) else { return None };
    let words = match kind {
        Kind::U8 | Kind::I8 => Some(0),
        Kind::I32 => shape.pixels().checked_mul(shape.channels),
        _ => shape.pixels().checked_mul(kind.planes().wrapping_mul(shape.channel_words())),
    };
    match words {
        Some(0..=MAX_VOLUME) => words,
        _ => None,
    }
}
