//! What a model says of its input and its classes, for people.

use bitfab_format::{Coding, Limits, Model};
use serde::Serialize;

use crate::table;

/// How one input value becomes a byte.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CodingSummary {
    /// Name of the value or channel, or its number from 1.
    pub name: String,
    /// Its unit; empty if unknown.
    pub unit: String,
    /// The real value in the middle of the least byte's range; `None` where every value has the same byte.
    pub low: Option<f64>,
    /// The real value in the middle of the greatest byte's range.
    pub high: Option<f64>,
    /// The byte that stands for a missing value.
    pub base: i16,
    /// Binary digits after the point of the fixed-point number (SPEC 10.3).
    pub fraction: i8,
    /// The fixed-point number whose byte is the base.
    pub zero: i32,
    /// Factor of the difference from it.
    pub multiplier: u32,
    /// Binary digits that are dropped after that.
    pub shift: u8,
    /// What one raw count is worth in the unit, if the model takes counts.
    pub count: Option<f64>,
    /// The same in steps of the fixed-point number: mantissa and shift (SPEC 10.4).
    pub count_steps: Option<(u32, u8)>,
}

/// What a model says of its input and its classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InterfaceSummary {
    /// None where the caller's bytes are the input; else one for all values, one a channel or one a value.
    pub codings: Vec<CodingSummary>,
    /// The least and the greatest byte.
    pub limits: [i16; 2],
    /// Names of the values or channels.
    pub names: Vec<String>,
    /// Units of the values or channels.
    pub units: Vec<String>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Fingerprints of rows that were learned from, in the file.
    pub fingerprints: usize,
    /// Different rows that were learned from; 0 if unknown.
    pub learned_rows: u64,
}

impl CodingSummary {
    fn new(coding: &Coding, limits: Limits, name: String, unit: String) -> Self {
        let scale = 2f64.powi(i32::from(coding.fraction));
        let value = |byte: i16| {
            let steps = f64::from(byte - coding.base) * 2f64.powi(i32::from(coding.shift));
            (coding.multiplier != 0).then(|| (f64::from(coding.zero) + steps / f64::from(coding.multiplier)) / scale)
        };
        let count = coding.count.map(|count| f64::from(count.mantissa) / 2f64.powi(i32::from(count.shift)) / scale);
        Self {
            name,
            unit,
            low: value(limits.low),
            high: value(limits.high),
            base: coding.base,
            fraction: coding.fraction,
            zero: coding.zero,
            multiplier: coding.multiplier,
            shift: coding.shift,
            count,
            count_steps: coding.count.map(|count| (count.mantissa, count.shift)),
        }
    }
}

impl InterfaceSummary {
    /// What `model` says.
    pub fn new(model: &Model<'_>) -> Self {
        let interface = model.interface();
        let names: Vec<String> = (0..interface.names()).map(|at| interface.name(at).to_owned()).collect();
        let units: Vec<String> = (0..interface.units()).map(|at| interface.unit(at).to_owned()).collect();
        // Lists repeat (SPEC 10.2).
        let of = |list: &[String], at: usize| at.checked_rem(list.len()).map(|at| list[at].clone());
        let coding = |at: usize| {
            let name = match interface.codings() {
                1 => "every value".into(),
                _ => of(&names, at).unwrap_or_else(|| (at + 1).to_string()),
            };
            let unit = of(&units, at).unwrap_or_default();
            Some(CodingSummary::new(&interface.coding(at)?, interface.limits(), name, unit))
        };
        let Limits { low, high } =
            if interface.codings() == 0 { Limits::of(model.input().kind) } else { interface.limits() };
        Self {
            codings: (0..interface.codings()).filter_map(coding).collect(),
            limits: [low, high],
            classes: (0..interface.classes()).filter_map(|at| interface.class(at)).map(str::to_owned).collect(),
            fingerprints: interface.fingerprints().len(),
            learned_rows: interface.learned_rows(),
            names,
            units,
        }
    }

    /// Tables and sentences.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.codings.is_empty() {
            let [low, high] = self.limits;
            parts.push(format!("Input: bytes from {low} to {high} as they are."));
        } else {
            let formula = "byte = ((value * 2^fraction - zero) * multiplier) >> shift, plus base, both rounded";
            parts.push(format!("Input: real values, coded to bytes, {formula}:\n{}", self.grid()));
        }
        if !self.classes.is_empty() {
            parts.push(format!("Classes: {}.", self.classes.join(", ")));
        }
        if self.learned_rows > 0 {
            parts.push(format!(
                "Learned from {} different rows; fingerprints of {} are in the file.",
                table::thousands(self.learned_rows),
                table::thousands(self.fingerprints as u64)
            ));
        }
        parts.join("\n")
    }

    fn grid(&self) -> String {
        let header = ["value", "unit", "low..high", "fraction", "zero", "multiplier", "shift", "base", "a count is"];
        table::grid(&header, self.codings.iter().map(CodingSummary::row))
    }
}

impl CodingSummary {
    /// Its line of the table.
    fn row(&self) -> Vec<String> {
        let range = match (self.low, self.high) {
            (Some(low), Some(high)) => range(low, high),
            _ => "one byte for all".into(),
        };
        vec![
            self.name.clone(),
            self.unit.clone(),
            range,
            self.fraction.to_string(),
            self.zero.to_string(),
            self.multiplier.to_string(),
            self.shift.to_string(),
            self.base.to_string(),
            self.count.map_or("-".into(), real),
        ]
    }
}

/// Both ends, with so many digits that they differ by three of them.
fn range(low: f64, high: f64) -> String {
    let apart = (high - low) / low.abs().max(high.abs());
    let more = if apart > 0.0 { (-apart.log10()).ceil().clamp(0.0, 12.0) as usize } else { 0 };
    format!("{}..{}", digits(low, 6 + more), digits(high, 6 + more))
}

/// Six digits, as a person reads them.
fn real(value: f64) -> String {
    digits(value, 6)
}

fn digits(value: f64, digits: usize) -> String {
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_a_range_differ() {
        assert_eq!(range(-1.0, 2.5), "-1..2.5");
        assert_eq!(range(99_999_872.25, 100_000_127.75), "99999872.25..100000127.75");
        assert_eq!(range(0.0, 0.1), "0..0.1");
    }

    #[test]
    fn the_ends_of_a_coding_are_shown_in_real_units() {
        // 1/256 a step of the byte, byte 128 at 0: -0.5 to 0.49609375.
        let coding = Coding { fraction: 16, zero: 0, multiplier: 1, shift: 8, base: 128, count: None };
        let found = CodingSummary::new(&coding, Limits { low: 0, high: 255 }, "ax".into(), "g".into());
        assert_eq!((found.low, found.high), (Some(-0.5), Some(127.0 / 256.0)));
        let constant = Coding { multiplier: 0, ..coding };
        assert_eq!(CodingSummary::new(&constant, Limits { low: 0, high: 255 }, "ax".into(), "g".into()).low, None);
        assert_eq!((real(-0.5), real(1.0 / 3.0), real(40000.0)), ("-0.5".into(), "0.333333".into(), "40000".into()));
    }
}
