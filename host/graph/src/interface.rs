//! What is known of the input's values and of the classes: it travels with the network to the device.

use std::collections::BTreeSet;

use crate::limits::{CODING_MULTIPLIER_BITS, MAX_CODING_FRACTION, MAX_CODING_SHIFT};
use crate::{ByteKind, GraphError, Shape, Tensor};
use serde::{Deserialize, Serialize};

/// What one raw count of a sensor is worth: `mantissa / 2^shift` units of a coding's fixed-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// 1 to 2^31 - 1.
    pub mantissa: u32,
    /// 0 to 47.
    pub shift: u8,
}

/// How one real input value becomes a byte, in integers (SPEC 10.3 of the model file).
///
/// `q = floor(x * 2^fraction + 1/2)` limited to 32 bits, `byte = ((q - zero) * multiplier + half) >> shift`, plus `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coding {
    /// Binary digits after the point of `q`, -64 to 64.
    pub fraction: i8,
    /// The `q` whose byte is `base`.
    pub zero: i32,
    /// 0 to 2^30 - 1.
    pub multiplier: u32,
    /// 0 to 47.
    pub shift: u8,
    /// The byte of `zero`, within the limits.
    pub base: i16,
    /// What a raw count is worth; without it a count is the real value of the same number.
    pub count: Option<Count>,
}

/// What is known of the input's values and of the classes; empty lists where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Interface {
    /// How real values become bytes: none (the rows are bytes), one for all, one a channel or one a value.
    pub codings: Vec<Coding>,
    /// The least and the greatest byte that codings give; those of the kind of bytes where `None`.
    pub limits: Option<[i16; 2]>,
    /// Names of the input's values: none, one a channel or one a value.
    pub names: Vec<String>,
    /// Their units: none, one for all, one a channel or one a value.
    pub units: Vec<String>,
    /// Names of the classes: none, or one a channel of the last node.
    pub classes: Vec<String>,
    /// Fingerprints of the rows that were learned from, ascending, each once: the CRC-32 of a row's bytes.
    pub learned: Vec<u32>,
}

impl Interface {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every list has a length that fits the input and the output.
    pub(crate) fn check(&self, input: Tensor, kind: ByteKind, output: Shape) -> Result<(), GraphError> {
        let values = input.shape.elements();
        let channels = u64::from(input.shape.channels);
        let per_input = |count: usize| [0, channels, values].contains(&(count as u64));
        let wrong = |problem: String| Err(GraphError::Interface { problem });
        let lists = [
            ("codings", self.codings.len(), self.codings.len() == 1),
            ("names", self.names.len(), false),
            ("units", self.units.len(), self.units.len() == 1),
        ];
        for (what, count, is_one) in lists {
            // The file counts in 16 bits.
            if !(is_one || per_input(count)) || count > usize::from(u16::MAX) {
                return wrong(format!("{count} {what} for {channels} channels and {values} values"));
            }
        }
        self.check_classes(output).or_else(wrong)?;
        let text = self.names.iter().chain(&self.units).chain(&self.classes);
        if let Some(name) = text.into_iter().find(|name| name.contains('\0')) {
            return wrong(format!("the name {name:?} has a zero byte"));
        }
        let (low, high) = match kind {
            ByteKind::U8 => (0, 255),
            ByteKind::I8 => (-128, 127),
        };
        let [least, greatest] = self.limits.unwrap_or([low, high]);
        if least < low || least > greatest || greatest > high {
            return wrong(format!("limits {least} to {greatest} for bytes of {low} to {high}"));
        }
        if !self.codings.iter().all(|coding| coding.is_valid(least, greatest)) {
            return wrong("a coding has a field out of range".into());
        }
        if !self.learned.is_sorted_by(|a, b| a < b) {
            return wrong("the fingerprints of rows do not ascend".into());
        }
        Ok(())
    }
}

impl Interface {
    /// Whether each class that is named has a name of its own.
    fn check_classes(&self, output: Shape) -> Result<(), String> {
        let count = self.classes.len();
        if ![0, output.channels as usize].contains(&count) || count > usize::from(u16::MAX) {
            return Err(format!("{count} names of classes for {} outputs", output.channels));
        }
        let distinct: BTreeSet<&String> = self.classes.iter().filter(|name| !name.is_empty()).collect();
        if distinct.len() < count { Err("a name of a class is empty or there twice".into()) } else { Ok(()) }
    }
}

impl Coding {
    /// The coding of a rising line: `value` is the byte `base`, and one unit more is `slope` bytes more.
    ///
    /// Fixed-point numbers hold values up to `top` in 31 bits, and `base` is exact to half of their last one.
    /// A slope of zero gives every value the byte `base`.
    ///
    /// # Errors
    /// Values that are too large for 64 binary digits, or steps that are too coarse for a shift.
    pub fn through(value: f64, base: i16, slope: f64, top: f64) -> Result<Self, String> {
        if !(value.is_finite() && slope.is_finite() && top.is_finite() && slope >= 0.0) {
            return Err(format!("a line of {slope} bytes a unit through {value} is none"));
        }
        let top = top.abs().max(value.abs());
        // top * 2^fraction lies in 2^29 to 2^30.
        let exponent = if top > 0.0 { exponent(top) } else { 0 };
        let fraction = (29 - exponent).clamp(-MAX_CODING_FRACTION, MAX_CODING_FRACTION);
        let scale = 2f64.powi(fraction);
        if top * scale >= 2f64.powi(30) {
            return Err(format!("values up to {top} are too large for a coding; divide them"));
        }
        // Halves upwards, as the coding itself rounds.
        let zero = (value * scale + 0.5).floor() as i32;
        let constant = Self { fraction: fraction as i8, zero, multiplier: 0, shift: 0, base, count: None };
        let bytes_a_step = slope / scale;
        if bytes_a_step == 0.0 {
            return Ok(constant);
        }
        let shift = (29 - self::exponent(bytes_a_step)).min(MAX_CODING_SHIFT as i32);
        let multiplier = (bytes_a_step * 2f64.powi(shift)).round().min(f64::from((1u32 << CODING_MULTIPLIER_BITS) - 1));
        if shift < 0 || multiplier < 1.0 {
            return Err(format!("a line of {slope} bytes a unit has no coding for values up to {top}; scale them"));
        }
        Ok(Self { multiplier: multiplier as u32, shift: shift as u8, ..constant })
    }

    fn is_valid(&self, least: i16, greatest: i16) -> bool {
        let is_count = self
            .count
            .is_none_or(|count| (1..1 << 31).contains(&count.mantissa) && u32::from(count.shift) <= MAX_CODING_SHIFT);
        let is_base = (least..=greatest).contains(&self.base);
        is_count
            && is_base
            && i32::from(self.fraction).abs() <= MAX_CODING_FRACTION
            && self.multiplier >> CODING_MULTIPLIER_BITS == 0
            && u32::from(self.shift) <= MAX_CODING_SHIFT
    }
}

/// The largest power of two that is not above a positive number; that of the least normal one for smaller ones.
fn exponent(value: f64) -> i32 {
    (value.to_bits() >> 52 & 0x7ff) as i32 - 1023
}
