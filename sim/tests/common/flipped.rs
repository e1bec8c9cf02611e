//! A bitstream with wrong memories.

/// Turns a bit of every memory that holds something: twenty answers need not show a single weight, and the placement
/// decides which memory holds what.
pub fn flipped(bits: String) -> String {
    let mut parts = bits.split(".ram_data");
    parts.next().unwrap().to_owned() + &parts.map(with_a_bit_turned).collect::<String>()
}

/// A memory's place and contents, and what follows it, with the first bit turned that is set.
fn with_a_bit_turned(memory: &str) -> String {
    let (place, data) = memory.split_once('\n').unwrap();
    let contents = data.split('.').next().unwrap();
    let Some(at) = contents.find(|digit: char| digit.is_ascii_hexdigit() && digit != '0') else {
        return format!(".ram_data{memory}");
    };
    let digit = u8::from_str_radix(&data[at..=at], 16).unwrap();
    format!(".ram_data{place}\n{}{:x}{}", &data[..at], digit & (digit - 1), &data[at + 1..])
}
