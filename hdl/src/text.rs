//! Small helpers that write Verilog: widths, columns of tables, memories, optional statements.

use std::fmt::Write;

/// Bits that hold `max`, at least one.
pub(crate) fn width(max: u64) -> u32 {
    (64 - max.leading_zeros()).max(1)
}

/// `text` where `used`, else nothing.
pub(crate) fn when(used: bool, text: &str) -> &str {
    if used { text } else { "" }
}

/// One column of a table: a constant where all rows agree, else a `case` over `index`.
pub(crate) fn column(name: &str, bits: u32, index: &str, values: &[u64]) -> String {
    let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    let first = values.first().copied().unwrap_or(0) & mask;
    let last = bits - 1;
    if values.iter().all(|value| value & mask == first) {
        return format!("wire [{last}:0] {name} = {bits}'d{first};\n");
    }
    let mut text = format!("reg [{last}:0] {name};\nalways @(*) case ({index})\n");
    for (at, value) in values.iter().enumerate().skip(1) {
        let _ = writeln!(text, "  {at}: {name} = {bits}'d{};", value & mask); // a String takes everything
    }
    let _ = writeln!(text, "  default: {name} = {bits}'d{first};\nendcase");
    text
}

/// Declares a memory and its contents, hexadecimal digit strings one an address.
pub(crate) fn memory(name: &str, bits: u32, words: &[String]) -> String {
    styled_memory("block", name, bits, words)
}

/// As [`memory`], in block RAM or in logic, which is cheaper where a wide memory has few addresses.
pub(crate) fn styled_memory(style: &str, name: &str, bits: u32, words: &[String]) -> String {
    let (last, top) = (bits - 1, words.len().max(1) - 1);
    let mut text = format!("(* rom_style = \"{style}\" *) reg [{last}:0] {name} [0:{top}];\ninitial begin\n");
    for (at, word) in words.iter().enumerate() {
        let _ = writeln!(text, "  {name}[{at}] = {bits}'h{word};"); // a String takes everything
    }
    text.push_str("end\n");
    text
}

/// Hexadecimal digits of fields, the last one highest.
pub(crate) fn digits(fields: &[(u64, u32)]) -> String {
    let mut bits: Vec<bool> = Vec::new();
    for &(value, width) in fields {
        bits.extend((0..width).map(|bit| value >> bit & 1 == 1));
    }
    let nibble = |chunk: &[bool]| chunk.iter().rev().fold(0, |value, bit| value << 1 | u32::from(*bit));
    let hex = bits.chunks(4).rev().filter_map(|chunk| char::from_digit(nibble(chunk), 16));
    hex.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_hold_their_numbers() {
        for (max, bits) in [(0, 1), (1, 1), (2, 2), (255, 8), (256, 9)] {
            assert_eq!(width(max), bits);
        }
    }

    #[test]
    fn digits_start_with_the_last_field() {
        assert_eq!(digits(&[(0xabcd, 16), (5, 3), (1, 1)]), "dabcd");
        assert_eq!(digits(&[(1, 1), (0, 1)]), "1");
    }

    #[test]
    fn equal_columns_are_constants() {
        assert!(column("a", 4, "row", &[3, 3]).starts_with("wire"));
        assert!(column("a", 4, "row", &[3, 4]).contains("1: a = 4'd4;"));
    }
}
