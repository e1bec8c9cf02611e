//! CRC-32, a bit a clock, over what is received or sent.

use crate::checksum;
use crate::circuit::{Builder, Wire};

/// The checksum and the byte that goes into it; a byte takes nine clocks, and no wire is as quick.
pub(super) struct Crc<'b> {
    c: &'b Builder,
    /// What follows a frame.
    pub value: Wire<'b>,
    /// The rest of the byte, and above it a one that says where it ends.
    bits: Wire<'b>,
}

impl<'b> Crc<'b> {
    pub fn new(c: &'b Builder) -> Self {
        // Both are begun before they count.
        Self { c, value: c.data("crc", 32), bits: c.data("crc_bits", 9) }
    }

    /// Whether a byte is still going in.
    pub fn is_busy(&self) -> Wire<'b> {
        self.bits.bits(1, 8).any().named("crc_busy")
    }

    /// Whether it is that of a frame and its own checksum.
    pub fn is_right(&self) -> Wire<'b> {
        checksum::is_right(self.value).named("crc_right")
    }

    /// Byte `index` of it, the lowest first.
    pub fn byte(&self, index: Wire<'b>) -> Wire<'b> {
        self.c.select(index, &[0, 8, 16, 24].map(|at| self.value.bits(at, 8)))
    }

    /// Begins anew where `begins`, else takes `byte` where there is one.
    pub fn next(&self, begins: Wire<'b>, (takes, byte): (Wire<'b>, Wire<'b>)) {
        let Self { c, value, bits } = *self;
        let (begins, busy) = (begins.named("crc_begins"), self.is_busy());
        c.next(value, &[(begins, value.zero()), (busy, checksum::after_bit(c, value, bits.bit(0)))]);
        let rest = c.join(&[bits.bits(1, 8), c.low()]);
        c.next(bits, &[(begins, bits.zero()), (takes, c.join(&[byte, c.high()])), (busy, rest)]);
    }
}
