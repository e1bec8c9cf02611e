//! How the device's input bytes become the real numbers that the model was trained on.

use std::str::FromStr;

use bitfab_graph::ByteKind;

use crate::Array;

/// `real = (byte - zero) * multiplier / divisor`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputMap {
    /// How a byte is read.
    pub kind: ByteKind,
    /// The byte that stands for zero.
    pub zero: i64,
    /// What one step is worth, times `divisor`.
    pub multiplier: f64,
    /// See `multiplier`; 255 for pictures from 0 to 1.
    pub divisor: f64,
    /// The least and the greatest byte that will come.
    pub range: (i64, i64),
}

/// What rows are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// Bytes, which stand for numbers as the map says.
    Bytes(InputMap),
    /// Real values as the file's input takes them; the model's codings make bytes of them.
    Values,
}

impl FromStr for Entry {
    type Err = String;

    /// `values`, or a map of bytes.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "values" {
            return Ok(Self::Values);
        }
        text.parse().map(Self::Bytes).map_err(|problem: String| format!("{problem}; or `values` for real values"))
    }
}

impl InputMap {
    /// Bytes of a kind, as they are.
    pub fn new(kind: ByteKind) -> Self {
        let range = if kind == ByteKind::U8 { (0, 255) } else { (-128, 127) };
        Self { kind, zero: 0, multiplier: 1.0, divisor: 1.0, range }
    }

    /// The real number of a byte, in 64 bits.
    pub fn real(&self, byte: i64) -> f64 {
        (byte - self.zero) as f64 * self.multiplier / self.divisor
    }

    /// The model's input of sizes `dims` for a row of bytes; `places` says which byte each element is.
    pub(crate) fn reals(&self, dims: &[usize], places: &[u32], bytes: &[u8]) -> Array {
        let real = |&place: &u32| {
            let byte = bytes[place as usize];
            self.real(if self.kind == ByteKind::I8 { i64::from(byte as i8) } else { i64::from(byte) })
        };
        Array::new(dims, places.iter().map(real).collect())
    }
}

impl FromStr for InputMap {
    type Err = String;

    /// `u8` or `i8`, then any of `-ZERO`, `*MULTIPLIER`, `/DIVISOR` in this order: `u8/255`, `u8-128/128`, `i8*0.25`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` does not say how bytes become numbers; write u8 or i8, then -ZERO, *FACTOR or /DIVISOR, as in u8/255 or i8*0.25"
            )
        };
        let (kind, rest) = match text.trim().split_at_checked(2).ok_or_else(wrong)? {
            ("u8", rest) => (ByteKind::U8, rest),
            ("i8", rest) => (ByteKind::I8, rest),
            _ => return Err(wrong()),
        };
        let mut map = Self::new(kind);
        let (rest, divisor) = rest.split_once('/').map_or((rest, None), |(rest, number)| (rest, Some(number)));
        let (rest, factor) = rest.split_once('*').map_or((rest, None), |(rest, number)| (rest, Some(number)));
        let number =
            |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0).ok_or_else(wrong);
        if let Some(divisor) = divisor {
            map.divisor = number(divisor)?;
        }
        if let Some(factor) = factor {
            map.multiplier = number(factor)?;
        }
        if !rest.trim().is_empty() {
            let zero = rest.trim().strip_prefix('-').and_then(|zero| zero.trim().parse().ok());
            map.zero = zero.filter(|zero| (map.range.0..=map.range.1).contains(zero)).ok_or_else(wrong)?;
        }
        Ok(map)
    }
}

impl std::fmt::Display for InputMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.kind == ByteKind::U8 { "u8" } else { "i8" };
        write!(f, "{kind}")?;
        if self.zero != 0 {
            write!(f, "-{}", self.zero)?;
        }
        if self.multiplier != 1.0 {
            write!(f, "*{}", self.multiplier)?;
        }
        if self.divisor != 1.0 { write!(f, "/{}", self.divisor) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_and_written() {
        for text in ["u8", "i8", "u8/255", "u8-128/128", "i8*0.25", "u8-3*0.5/255"] {
            assert_eq!(text.parse::<InputMap>().expect(text).to_string(), text);
        }
        assert_eq!("u8-128/128".parse::<InputMap>().expect("a map").real(64), -0.5);
        for text in ["", "u", "u9", "u8/0", "u8*-1", "u8-300", "i8/x", "u8*nan", "u8+3", "ü"] {
            assert!(text.parse::<InputMap>().is_err(), "{text}");
        }
    }
}
