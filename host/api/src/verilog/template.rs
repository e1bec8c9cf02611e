//! Texts with places that are filled.

use std::fmt::Write;

/// A template with or without the lines that belong to a load port: those after `@loaded`, or after `@contents`, up to
/// `@end`.
pub fn optional(template: &str, is_loaded: bool) -> String {
    let mut is_kept = true;
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        // Comments of Verilog, VHDL and YAML.
        match line.trim().trim_start_matches(['/', '-', '#', ' ']) {
            "@loaded" => is_kept = is_loaded,
            "@contents" => is_kept = !is_loaded,
            "@end" => is_kept = true,
            _ if is_kept => text = text + line + "\n",
            _ => {}
        }
    }
    text
}

/// One byte a line, as `$readmemh` wants it.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(3 * bytes.len()), |mut text, byte| {
        // A String takes everything.
        let _ = writeln!(text, "{byte:02x}");
        text
    })
}

/// Puts numbers in the places of a template.
pub fn fill(template: &str, values: &[(&str, u64)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), &value.to_string()))
}
