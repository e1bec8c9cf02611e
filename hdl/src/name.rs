//! The name of the top module, which all its modules carry.

use std::fmt;
use std::str::FromStr;

use crate::HdlError;
use crate::circuit::keyword;

/// Most characters of a name: tools cut long ones, and blocks and memories put theirs behind it.
const MOST: usize = 48;

/// The name of the top module, and what the names of all other modules begin with, so that several models stand in one
/// design: a letter, then letters, digits and single underscores, as Verilog, SystemVerilog and VHDL all take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleName(String);

impl Default for ModuleName {
    /// `bitfab`.
    fn default() -> Self {
        Self("bitfab".into())
    }
}

impl FromStr for ModuleName {
    type Err = HdlError;

    fn from_str(name: &str) -> Result<Self, HdlError> {
        let wrong = |why: &'static str| Err(HdlError::Name { name: name.chars().take(2 * MOST).collect(), why });
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return wrong("it must start with a letter from a to z");
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return wrong("letters from a to z, digits and underscores alone are possible");
        }
        if name.contains("__") || name.ends_with('_') {
            return wrong("VHDL takes underscores one by one and between other characters alone");
        }
        if name.len() > MOST {
            return wrong("48 characters are the most");
        }
        match keyword(name) {
            Some("VHDL") => wrong("it is a keyword of VHDL"),
            Some(_) => wrong("it is a keyword of Verilog or SystemVerilog"),
            None => Ok(Self(name.into())),
        }
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_language_takes_are_taken_and_no_others() {
        for name in ["bitfab", "Digits2", "a", "kws_8_lanes", "top"] {
            assert_eq!(name.parse::<ModuleName>().unwrap().to_string(), name);
        }
        let long = "a".repeat(49);
        for (name, why) in [
            ("", "start with a letter"),
            ("7segments", "start with a letter"),
            ("_a", "start with a letter"),
            ("a b", "alone are possible"),
            ("a$b", "alone are possible"),
            ("m\u{fc}ll", "alone are possible"),
            ("a__b", "one by one"),
            ("a_", "one by one"),
            (long.as_str(), "48 characters"),
            ("module", "keyword of Verilog"),
            ("always_ff", "keyword of Verilog"),
            ("SIGNAL", "keyword of VHDL"),
            ("Entity", "keyword"),
            ("logic", "keyword"),
            ("always_ff", "keyword"),
        ] {
            let error = name.parse::<ModuleName>().unwrap_err().to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
    }
}
