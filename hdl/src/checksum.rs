//! CRC-32 in circuits (ISO-HDLC, as in zip and Ethernet), its lowest bit first.
//!
//! Registers hold the complement of the CRC's own register, so that they begin at 0 as all others do, and are what follows
//! the bytes.

use crate::circuit::{Builder, Wire};

/// The polynomial, its lowest bit first.
const POLYNOMIAL: u64 = 0xedb8_8320;
/// The register after bytes and their own CRC.
const RESIDUE: u64 = 0x2144_df1c;

/// The register after one more bit.
pub(crate) fn after_bit<'b>(c: &'b Builder, crc: Wire<'b>, bit: Wire<'b>) -> Wire<'b> {
    // The register is a complement, and so is what leaves it.
    let feeds = !(crc.bit(0) ^ bit);
    c.join(&[crc.bits(1, 31), c.high()]) ^ (c.constant(POLYNOMIAL, 32) & feeds.repeat(32))
}

/// The register after all bits of `data`, the lowest first, in one clock.
pub(crate) fn after<'b>(c: &'b Builder, crc: Wire<'b>, data: Wire<'b>) -> Wire<'b> {
    (0..data.width()).fold(crc, |crc, bit| after_bit(c, crc, data.bit(bit)))
}

/// Whether what went in ended with its own CRC.
pub(crate) fn is_right(crc: Wire<'_>) -> Wire<'_> {
    crc.is(RESIDUE)
}
