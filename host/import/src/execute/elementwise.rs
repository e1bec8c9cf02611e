//! Arithmetic and activations, element by element.

use super::broadcast::{binary, unary};
use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let node = call.node;
    let of = |name: &str, default: f64| node.float(name).unwrap_or(default);
    let (alpha, beta) = (|default| of("alpha", default), |default| of("beta", default));
    let result = match node.op.as_str() {
        "Add" | "Sum" => fold(call, |a, b| a + b),
        "Max" => fold(call, f64::max),
        "Min" => fold(call, f64::min),
        "Sub" => two(call, |a, b| a - b),
        "Mul" => two(call, |a, b| a * b),
        "Div" => two(call, |a, b| a / b),
        "Pow" => two(call, f64::powf),
        "Neg" => one(call, |x| -x),
        "Abs" => one(call, f64::abs),
        "Sqrt" => one(call, f64::sqrt),
        "Reciprocal" => one(call, f64::recip),
        "Exp" => one(call, f64::exp),
        "Log" => one(call, f64::ln),
        "Floor" => one(call, f64::floor),
        "Ceil" => one(call, f64::ceil),
        "Round" => one(call, f64::round_ties_even),
        "Sign" => one(call, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        "Relu" => one(call, |x| x.max(0.0)),
        "LeakyRelu" => one(call, |x| if x < 0.0 { alpha(0.01) * x } else { x }),
        "ThresholdedRelu" => one(call, |x| if x > alpha(1.0) { x } else { 0.0 }),
        "HardTanh" => one(call, |x| x.clamp(of("min_val", -1.0), of("max_val", 1.0))),
        "HardSigmoid" => one(call, |x| (alpha(0.2) * x + beta(0.5)).clamp(0.0, 1.0)),
        "Sigmoid" => one(call, |x| 1.0 / (1.0 + (-x).exp())),
        "Tanh" => one(call, f64::tanh),
        "Softsign" => one(call, |x| x / (1.0 + x.abs())),
        "Identity" | "Dropout" => call.input(0).cloned(),
        "Cast" => cast(call),
        "Clip" => clip(call),
        "BatchNormalization" => batch_norm(call),
        _ => return None,
    };
    Some(result.map(|array| vec![array]))
}

fn one(call: &Call<'_>, f: impl Fn(f64) -> f64) -> Result<Array, String> {
    Ok(unary(call.input(0)?, f))
}

fn two(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    binary(call.input(0)?, call.input(1)?, f)
}

fn fold(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    (1..call.inputs.len()).try_fold(call.input(0)?.clone(), |sum, at| binary(&sum, call.input(at)?, &f))
}

/// To a type of whole numbers fractions are cut; ranges are not looked at.
fn cast(call: &Call<'_>) -> Result<Array, String> {
    const FLOATS: [i64; 4] = [1, 10, 11, 16];
    let is_float = call.node.int("to").is_none_or(|to| FLOATS.contains(&to));
    if call.node.int("to") == Some(9) {
        return one(call, |x| f64::from(u8::from(x != 0.0)));
    }
    one(call, |x| if is_float { x } else { x.trunc() })
}

/// Bounds are attributes before version 11, then inputs.
fn clip(call: &Call<'_>) -> Result<Array, String> {
    let bound = |name: &str, at: usize, default: f64| -> Result<f64, String> {
        match (call.node.float(name), call.optional(at)) {
            (Some(bound), _) => Ok(bound),
            (None, Some(_)) => call.number(at),
            (None, None) => Ok(default),
        }
    };
    let (low, high) = (bound("min", 1, f64::NEG_INFINITY)?, bound("max", 2, f64::INFINITY)?);
    one(call, |x| x.max(low).min(high))
}

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, channels on axis 1.
fn batch_norm(call: &Call<'_>) -> Result<Array, String> {
    if call.node.int("training_mode").unwrap_or(0) != 0 {
        return Err("is in training mode; export the model for inference".into());
    }
    let x = call.input(0)?;
    let channels = if x.dims.len() > 1 { x.dims[1] } else { x.dims.first().copied().unwrap_or(1) };
    let mut constants = [&[][..]; 4];
    for (at, constant) in constants.iter_mut().enumerate() {
        *constant = &call.input(at + 1)?.values;
        if constant.len() != channels {
            return Err(format!("input {} has {} values for {channels} channels", at + 1, constant.len()));
        }
    }
    let [gamma, beta, mean, variance] = constants;
    let epsilon = call.node.float("epsilon").unwrap_or(1e-5);
    let inner: usize = x.dims.iter().skip(2).product();
    let normed = |(at, &x): (usize, &f64)| {
        let c = at / inner.max(1) % channels;
        gamma[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().enumerate().map(normed).collect()))
}
