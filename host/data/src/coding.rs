//! How real values become bytes: learned from the rows to learn from, applied as a device applies it.

use crate::error::{DataError, form_error, option_error};
use crate::missing::Missing;
use crate::rows::{Rows, Values};
use bitfab_format::Limits;
use bitfab_format::limits::{MAX_CODING_FRACTION, MAX_CODING_SHIFT};
use bitfab_graph::{Coding, Count};

/// Steps of the fixed-point number from the lowest to the highest value, at least; where an `f32` has fewer, its own.
const MIN_STEPS: f64 = 65536.0;

/// How codings are learned.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CodingOptions {
    /// The values of byte 0 and byte 255 of every column; learned if `None`.
    pub range: Option<(f32, f32)>,
    /// Share of the values of a column that may lie outside its range at either end, 0 to below 0.5.
    pub tails: f64,
    /// What one raw count of a sensor is worth in the unit of the values; counts are those values if `None`.
    pub count: Option<f64>,
}

/// How the values of rows are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reading {
    /// Real values, or bytes where there are no codings.
    #[default]
    Values,
    /// Bytes as a model takes them, codings or not.
    Bytes,
    /// Raw counts of a sensor, whole numbers of 16 bits.
    Counts,
}

/// Rows as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// `rows * width` bytes, in two's complement where the limits are signed.
    pub bytes: Vec<u8>,
    /// How many values of each column or channel lay outside the range of its coding and were moved to its end.
    pub clamped: Vec<u64>,
    /// How many values were missing and took the base of their coding.
    pub filled: u64,
}

/// One coding a channel from the rows to learn from, such that the lowest value is byte 0 and the highest 255; none if
/// all rows are bytes, arrays by their type and tables by their values, and nothing else was asked for.
///
/// The base of a coding is the byte of the column's mean. A column of one value always has byte 0.
///
/// # Errors
/// [`DataError::Form`] on options out of range, infinite values, values too small or too large for a coding.
pub fn learn(train: &Rows, others: &[&Rows], options: &CodingOptions) -> Result<Vec<Coding>, DataError> {
    check(options).map_err(|problem| option_error("coding", problem))?;
    let is_plain = options == &CodingOptions::default();
    if is_plain && [&[train], others].concat().iter().all(|rows| are_bytes(rows)) {
        return Ok(Vec::new());
    }
    let channels = train.shape.channels as usize;
    if channels > usize::from(u16::MAX) {
        return Err(form_error(&train.name, format!("{channels} columns of real values, 65535 are the most")));
    }
    (0..channels).map(|channel| learned(train, channel, options)).collect()
}

fn check(options: &CodingOptions) -> Result<(), String> {
    if let Some((low, high)) = options.range.filter(|(low, high)| !(low.is_finite() && high.is_finite() && low < high))
    {
        return Err(format!("the range {low} to {high} is none"));
    }
    if !(0.0..0.5).contains(&options.tails) {
        return Err(format!("tails of {} of the values, allowed is 0 to below 0.5", options.tails));
    }
    if options.range.is_some() && options.tails != 0.0 {
        return Err("a range that is given has no tails to learn".into());
    }
    match options.count.filter(|count| !(count.is_finite() && *count > 0.0)) {
        Some(count) => Err(format!("a count worth {count}, needs a number above 0")),
        None => Ok(()),
    }
}

/// Whether every value is a byte: by the type of an array, by the values of a table.
fn are_bytes(rows: &Rows) -> bool {
    match &rows.values {
        Values::Bytes(_) => true,
        Values::Reals(values) if rows.item.is_none() => {
            values.iter().all(|&value| (0.0..=255.0).contains(&value) && value.fract() == 0.0)
        }
        _ => false,
    }
}

/// The coding of one channel.
fn learned(train: &Rows, channel: usize, options: &CodingOptions) -> Result<Coding, DataError> {
    let channels = train.shape.channels as usize;
    let all = (channel..train.values.len()).step_by(channels).map(|at| train.values.real(at));
    let mut values: Vec<f32> = all.filter(|value| !value.is_nan()).collect();
    let error = |problem: String| form_error(&train.name, format!("column {}: {problem}", train.value_name(channel)));
    if values.is_empty() {
        return Err(error("no row to learn from has a value; leave the column out (--drop)".into()));
    }
    if values.iter().any(|value| value.is_infinite()) && options.range.is_none() {
        return Err(error("infinite values have no range; give one (--range), or leave such rows out".into()));
    }
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    let (low, high) = match options.range {
        Some(range) => range,
        None => {
            values.sort_unstable_by(f32::total_cmp);
            let last = values.len() - 1;
            let tail = (options.tails * last as f64) as usize;
            let inner = (values[tail], values[last - tail]);
            // A column that is nearly constant keeps its whole range.
            if inner.0 < inner.1 { inner } else { (values[0], values[last]) }
        }
    };
    coding(low, high, mean, options.count).map_err(error)
}

/// The coding by which `low` is byte 0 and `high` byte 255.
fn coding(low: f32, high: f32, mean: f64, count: Option<f64>) -> Result<Coding, String> {
    let (low, high) = (f64::from(low), f64::from(high));
    let top = low.abs().max(high.abs());
    let constant = Coding::through(low, 0, 0.0, top)?;
    let scale = 2f64.powi(constant.fraction.into());
    let count = count.map(|count| self::count(count * scale)).transpose()?;
    if low == high {
        return Ok(Coding { count, ..constant });
    }
    let steps = (high - low) * scale;
    if i32::from(constant.fraction) == MAX_CODING_FRACTION && steps < MIN_STEPS {
        return Err(format!("values from {low} to {high} are too small for a coding; multiply the column"));
    }
    // With few steps the lowest value alone is a number of the grid for certain.
    let base = if steps < MIN_STEPS { 0.0 } else { ((mean - low) * 255.0 / (high - low)).round().clamp(0.0, 255.0) };
    let value = low + base * (high - low) / 255.0;
    Ok(Coding { count, ..Coding::through(value, base as i16, 255.0 / (high - low), top)? })
}

/// What a count of `worth` steps of the fixed-point number is.
fn count(worth: f64) -> Result<Count, String> {
    let shift = (30 - exponent(worth)).min(MAX_CODING_SHIFT as i32);
    if !(0..=MAX_CODING_SHIFT as i32).contains(&shift) || worth * 2f64.powi(shift) < 1.0 {
        return Err("a count is worth too much or too little beside the values".into());
    }
    // Below 2^31, for rounding may reach it.
    let mantissa = (worth * 2f64.powi(shift)).round().min(2_147_483_647.0);
    Ok(Count { mantissa: mantissa as u32, shift: shift as u8 })
}

/// The largest power of two that is not above a positive number.
fn exponent(value: f64) -> i32 {
    let bits = (value.to_bits() >> 52 & 0x7ff) as i32;
    // Numbers of 32 bits and their ratios are far above the smallest of 64 bits.
    bits - 1023
}

/// The codings of a graph as a device computes them.
pub(crate) fn of_graph(codings: &[Coding]) -> Vec<bitfab_format::Coding> {
    let count = |count: Count| bitfab_format::Count { mantissa: count.mantissa, shift: count.shift };
    let coding = |c: &Coding| bitfab_format::Coding {
        fraction: c.fraction,
        zero: c.zero,
        multiplier: c.multiplier,
        shift: c.shift,
        base: c.base,
        count: c.count.map(count),
    };
    codings.iter().map(coding).collect()
}

/// The bytes of rows by codings (none, one, one a channel or one a value) as a device computes them.
///
/// Without codings, and where rows hold bytes already, values must be the bytes themselves.
/// Infinite values are moved to the ends and counted.
/// A missing value takes the base of its coding if the rows say so ([`Missing::Mean`]).
///
/// # Errors
/// [`DataError::Form`] names row and column of a value that is missing, that is no byte where there are no codings, or
/// that is no count.
pub fn apply(
    rows: &Rows,
    codings: &[bitfab_format::Coding],
    limits: Limits,
    reading: Reading,
) -> Result<Coded, DataError> {
    let width = rows.width();
    let codings = if reading == Reading::Bytes { &[] } else { codings };
    let mut coded = Coded { bytes: Vec::with_capacity(rows.values.len()), clamped: vec![0; codings.len()], filled: 0 };
    for at in 0..rows.values.len() {
        let value = rows.values.real(at);
        let error = |problem: String| {
            let (place, column) = (rows.place(at / width), rows.value_name(at % width));
            form_error(&rows.name, format!("{place}, column {column}: {problem}"))
        };
        let Some(column) = (at % width).checked_rem(codings.len()) else {
            coded.bytes.push(plain(value, limits).map_err(error)?);
            continue;
        };
        let coding = &codings[column];
        if value.is_nan() {
            if rows.missing != Missing::Mean {
                return Err(error("no number".into()));
            }
            coded.filled += 1;
            coded.bytes.push(coding.base as u8);
            continue;
        }
        let byte = byte(coding, value, limits, reading).map_err(error)?;
        coded.clamped[column] += u64::from(byte.is_clamped);
        coded.bytes.push(byte.byte);
    }
    Ok(coded)
}

/// The byte of a number.
fn byte(
    coding: &bitfab_format::Coding,
    value: f32,
    limits: Limits,
    reading: Reading,
) -> Result<bitfab_format::Coded, String> {
    if reading == Reading::Counts {
        let is_count = value.fract() == 0.0 && (f32::from(i16::MIN)..=f32::from(i16::MAX)).contains(&value);
        let problem = || format!("{value} is no raw count, which are whole numbers from -32768 to 32767");
        return is_count.then(|| coding.code_count(value as i16, limits)).ok_or_else(problem);
    }
    coding.code_real(value, limits).ok_or_else(|| "no number".into())
}

/// A value that is the byte itself.
fn plain(value: f32, limits: Limits) -> Result<u8, String> {
    let is_within = (f32::from(limits.low)..=f32::from(limits.high)).contains(&value);
    if is_within && value.fract() == 0.0 {
        return Ok(value as i16 as u8);
    }
    if value.is_nan() {
        return Err("no number, and without codings no mean is known; drop such rows".into());
    }
    Err(format!("{value} is no byte from {} to {}, and these are taken as they are", limits.low, limits.high))
}
