//! Operators of TFLite that no operator of ONNX does as its reference kernels do, in a domain of their own.
//!
//! They compute in integers: a tensor of bytes is the integers themselves, not what they stand for.

use super::broadcast::one;
use super::call::Call;
use super::operator::{Operator, Role, TFLITE};
use crate::Array;
use crate::fixed_point::Multiplier;

pub(crate) static REQUANTIZE: Operator = Operator::elementwise("Requantize", requantize).domain(TFLITE);
pub(crate) static ROUND_MEAN: Operator = Operator::elementwise("RoundMean", round_mean).domain(TFLITE);
pub(crate) static TFLITE_SOFTMAX: Operator = Operator::new("Softmax", softmax).role(Role::Ending).domain(TFLITE);
pub(crate) static TFLITE_LOGISTIC: Operator = Operator::new("Logistic", logistic).role(Role::Ending).domain(TFLITE);

pub(super) static ROWS: &[&Operator] = &[&REQUANTIZE, &ROUND_MEAN, &TFLITE_SOFTMAX, &TFLITE_LOGISTIC];

fn logistic(call: &Call<'_>) -> Result<Array, String> {
    one(call, |q| 1.0 / (1.0 + (-real(call, q)).exp()))
}

/// The whole number that a value must be.
fn whole(value: f64) -> Result<i64, String> {
    if value.fract() == 0.0 && value.abs() < 2f64.powi(53) { Ok(value as i64) } else { Err(not_whole(value)) }
}

fn not_whole(value: f64) -> String {
    format!("{value} is no whole number; a TFLite model computes with the integers of its bytes (--input u8 or i8)")
}

/// Adds the zero point and cuts to the range of the attributes.
fn placed(call: &Call<'_>, value: i64) -> f64 {
    let of = |name: &str, default: i64| call.node.int(name).unwrap_or(default).clamp(i32::MIN.into(), i32::MAX.into());
    (value + of("zero", 0)).max(of("min", i32::MIN.into())).min(of("max", i32::MAX.into())) as f64
}

/// Requantisation: `clamp(scaled(x << left) + zero, min, max)`, with one multiplier or one for each place of the second axis; scaled
/// with two roundings, or with one where the attribute `once` says so.
fn requantize(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let lists = call.node.ints("multipliers").zip(call.node.ints("shifts"));
    let (values, shifts) = lists.filter(|(a, b)| a.len() == b.len()).ok_or("has no multipliers and shifts")?;
    let number = |value: i64| i32::try_from(value).map_err(|_| format!("a multiplier or shift of {value}"));
    let one = |(&value, &shift): (&i64, &i64)| Ok(Multiplier { value: number(value)?, shift: number(shift)? });
    let multipliers = values.iter().zip(shifts).map(one).collect::<Result<Vec<Multiplier>, String>>()?;
    let channels = if multipliers.len() == 1 { 1 } else { x.dims.get(1).copied().unwrap_or(1) };
    if multipliers.len() != channels {
        return Err(format!("{} multipliers for sizes {:?}", multipliers.len(), x.dims));
    }
    let left = call.node.int("left").unwrap_or(0).clamp(0, 31);
    let is_once = call.node.int("once") == Some(1);
    let inner = x.dims.iter().skip(2).product::<usize>().max(1);
    let value = |(at, &x): (usize, &f64)| {
        let acc = whole(x)?.clamp(i32::MIN.into(), i32::MAX.into()) << left;
        let multiplier = multipliers[at / inner % channels];
        Ok(placed(call, if is_once { multiplier.apply_once(acc) } else { multiplier.apply(acc) }))
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().enumerate().map(value).collect::<Result<_, String>>()?))
}

/// A mean of `count` integers, rounded to the nearest integer, halves away from zero.
fn round_mean(call: &Call<'_>) -> Result<Array, String> {
    let (x, count) = (call.input(0)?, call.node.int("count").unwrap_or(1).clamp(1, 1 << 32));
    let value = |&mean: &f64| {
        // The sum is a whole number; as a mean it was rounded to 64 bits.
        let (sum, half) = (mean * count as f64, count / 2);
        if (sum - sum.round()).abs() > 1e-6 * sum.abs().max(1.0) {
            return Err(not_whole(sum));
        }
        let sum = sum.round() as i64;
        Ok(placed(call, if sum > 0 { (sum + half) / count } else { (sum - half) / count }))
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().map(value).collect::<Result<_, String>>()?))
}

/// What an integer stands for.
fn real(call: &Call<'_>, value: f64) -> f64 {
    call.node.float("scale").unwrap_or(1.0) * (value - call.node.float("zero").unwrap_or(0.0))
}

/// The probabilities before they are quantised, over the last axis.
fn softmax(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let width = x.dims.last().copied().unwrap_or(1).max(1);
    let mut values = Vec::with_capacity(x.values.len());
    for row in x.values.chunks(width) {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = row.iter().map(|&q| (real(call, q) - real(call, most)).exp()).collect();
        let sum: f64 = powers.iter().sum();
        values.extend(powers.iter().map(|power| power / sum));
    }
    Ok(Array::new(x.dims.clone(), values))
}
