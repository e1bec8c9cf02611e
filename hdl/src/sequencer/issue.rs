//! What the sequencer tells the array every cycle.

/// Bits of [`Issue::flags`].
pub(crate) mod flag {
    /// Add the product of this word to the accumulators.
    pub const RUN: u32 = 1 << 0;
    /// Take the bit of each lane's own channel instead of a product.
    pub const SELECT: u32 = 1 << 1;
    /// The word lies outside the input: all zeros.
    pub const ZERO: u32 = 1 << 2;
    /// The word lies outside the input: all ones.
    pub const ONES: u32 = 1 << 3;
    /// The last word of a tap.
    pub const TAIL: u32 = 1 << 4;
    /// Count the sign before the next bias is added.
    pub const COUNT: u32 = 1 << 5;
    /// The group is done: pack its outputs and clear.
    pub const DONE: u32 = 1 << 6;
    /// The output word is complete.
    pub const FLUSH: u32 = 1 << 7;
    /// The output pixel is complete.
    pub const PIXEL: u32 = 1 << 8;
    /// Send or store the accumulator of one lane.
    pub const EMIT: u32 = 1 << 9;
    /// Take the word into the running maximum.
    pub const POOL: u32 = 1 << 10;
    /// The first tap of a maximum.
    pub const FIRST: u32 = 1 << 11;
    /// The most significant plane of a tap of a maximum.
    pub const MOST: u32 = 1 << 12;
    /// The maximum is complete.
    pub const POOLED: u32 = 1 << 13;
    /// A row of the table begins (not delayed).
    pub const LOAD: u32 = 1 << 14;
    /// Double the accumulators before this word is added; in depthwise rows those of all channels.
    pub const DOUBLE: u32 = 1 << 15;
    /// Keep what lane 0 has counted as the sum of the window, and clear; in depthwise rows clear all channels.
    pub const KEEP: u32 = 1 << 16;
    /// Add the sum of the window; in depthwise rows what the channels of the group have counted.
    pub const ADD: u32 = 1 << 17;
    /// The digits of this word are negative: take the complement of the word of activations.
    pub const INVERT: u32 = 1 << 31;
    /// Group within the output word, or the lane to emit: 5 bits from here.
    pub const SLOT: u32 = 18;
    /// Left shift: 5 bits from here.
    pub const SHIFT: u32 = 23;
    /// Plane of a maximum: 3 bits from here.
    pub const PLANE: u32 = 28;
}

/// One issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issue {
    /// Word of the activation memory.
    pub x: u32,
    /// Address of weights.
    pub w: u32,
    /// Address of signs.
    pub s: u32,
    /// Address of a bias, 0 for none.
    pub b: u32,
    /// What to do with them: [`flag`].
    pub flags: u32,
}
