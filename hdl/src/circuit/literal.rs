//! Constants and ranges as Verilog writes them.

use super::compute::mask;

/// The range of a declaration, with a blank behind it; nothing for one bit.
pub(super) fn range(width: u32) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

/// A constant of a width.
pub(super) fn literal(value: u128, width: u32) -> String {
    if width > 64 || width >= 8 && value == mask(width) {
        format!("{width}'h{value:x}")
    } else {
        format!("{width}'d{value}")
    }
}

/// Hexadecimal digits of fields, the last one highest.
pub(super) fn digits(fields: &[(u64, u32)]) -> String {
    let mut bits: Vec<bool> = Vec::new();
    for &(value, width) in fields {
        bits.extend((0..width).map(|bit| value >> bit & 1 == 1));
    }
    let nibble = |chunk: &[bool]| chunk.iter().rev().fold(0, |value, bit| value << 1 | u32::from(*bit));
    let hex = bits.chunks(4).rev().filter_map(|chunk| char::from_digit(nibble(chunk), 16));
    hex.collect()
}
