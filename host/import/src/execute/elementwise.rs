//! Arithmetic and activations, element by element.

use half::{bf16, f16};

use super::broadcast::{binary, expand, sizes, unary};
use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let single = arithmetic(call).or_else(|| activation(call)).or_else(|| logic(call));
    match call.node.op.as_str() {
        "Dropout" => Some(dropout(call)),
        _ => single.map(|result| result.map(|array| vec![array])),
    }
}

fn arithmetic(call: &Call<'_>) -> Option<Result<Array, String>> {
    let is_whole = call.node.int("whole") == Some(1);
    Some(match call.node.op.as_str() {
        "Add" | "Sum" => fold(call, |a, b| a + b),
        "Mean" => fold(call, |a, b| a + b).map(|sum| unary(&sum, |x| x / call.inputs.len() as f64)),
        "Max" => fold(call, f64::max),
        "Min" => fold(call, f64::min),
        "Sub" => two(call, |a, b| a - b),
        "Mul" => two(call, |a, b| a * b),
        "Div" => two(call, |a, b| if is_whole { (a / b).trunc() } else { a / b }),
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
        "Identity" => call.input(0).cloned(),
        "Cast" => cast(call),
        "Clip" => clip(call),
        "BatchNormalization" => batch_norm(call),
        _ => return None,
    })
}

fn activation(call: &Call<'_>) -> Option<Result<Array, String>> {
    let of = |name: &str, default: f64| call.node.float(name).unwrap_or(default);
    let (alpha, beta) = (|default| of("alpha", default), |default| of("beta", default));
    Some(match call.node.op.as_str() {
        "Relu" => one(call, |x| x.max(0.0)),
        "LeakyRelu" => one(call, |x| if x < 0.0 { alpha(0.01) * x } else { x }),
        "PRelu" => two(call, |x, slope| if x < 0.0 { slope * x } else { x }),
        "ThresholdedRelu" => one(call, |x| if x > alpha(1.0) { x } else { 0.0 }),
        "Elu" => one(call, |x| if x < 0.0 { alpha(1.0) * x.exp_m1() } else { x }),
        "Selu" => {
            let (alpha, gamma) = (alpha(1.673_263_192_176_818_8), of("gamma", 1.050_700_962_543_487_5));
            one(call, |x| gamma * if x > 0.0 { x } else { alpha * x.exp_m1() })
        }
        "HardTanh" => one(call, |x| x.max(of("min_val", -1.0)).min(of("max_val", 1.0))),
        "HardSigmoid" => one(call, |x| (alpha(0.2) * x + beta(0.5)).clamp(0.0, 1.0)),
        "HardSwish" => one(call, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Sigmoid" => one(call, |x| 1.0 / (1.0 + (-x).exp())),
        "Tanh" => one(call, f64::tanh),
        "Softplus" => one(call, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "Softsign" => one(call, |x| x / (1.0 + x.abs())),
        _ => return None,
    })
}

fn logic(call: &Call<'_>) -> Option<Result<Array, String>> {
    let compare = |f: fn(f64, f64) -> bool| two(call, |a, b| f64::from(u8::from(f(a, b))));
    Some(match call.node.op.as_str() {
        "Equal" => compare(|a, b| a == b),
        "Greater" => compare(|a, b| a > b),
        "GreaterOrEqual" => compare(|a, b| a >= b),
        "Less" => compare(|a, b| a < b),
        "LessOrEqual" => compare(|a, b| a <= b),
        "And" => compare(|a, b| a != 0.0 && b != 0.0),
        "Or" => compare(|a, b| a != 0.0 || b != 0.0),
        "Not" => one(call, |x| f64::from(u8::from(x == 0.0))),
        "Where" => choice(call),
        _ => return None,
    })
}

/// Of the second input where the first is true, else of the third.
fn choice(call: &Call<'_>) -> Result<Array, String> {
    let (condition, x, y) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let dims = sizes(call, &[&condition.dims, &x.dims, &y.dims])?;
    let (condition, x, y) = (expand(condition, &dims), expand(x, &dims), expand(y, &dims));
    let values = condition.iter().zip(x.iter().zip(&y)).map(|(&is, (&x, &y))| if is != 0.0 { x } else { y }).collect();
    Ok(Array::new(dims, values))
}

fn one(call: &Call<'_>, f: impl Fn(f64) -> f64) -> Result<Array, String> {
    Ok(unary(call.input(0)?, f))
}

fn two(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    if call.node.attributes.contains_key("broadcast") {
        return Err("stretches its inputs in the way of ONNX before version 7; convert the model to a later one".into());
    }
    binary(call, call.input(0)?, call.input(1)?, f)
}

fn fold(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    (1..call.inputs.len()).try_fold(call.input(0)?.clone(), |sum, at| binary(call, &sum, call.input(at)?, &f))
}

/// Nothing is dropped when a model is used; the second result says that everything is kept.
fn dropout(call: &Call<'_>) -> Outputs {
    let is_training = call.optional(2).is_some() && call.number(2)? != 0.0;
    if is_training {
        return Err("is in training mode; export the model for inference".into());
    }
    let x = call.input(0)?;
    Ok(vec![x.clone(), unary(x, |_| 1.0)])
}

/// To whole numbers fractions are cut, and what is out of range wraps round, as processors do it.
fn cast(call: &Call<'_>) -> Result<Array, String> {
    let code = call.node.int("to").ok_or("does not say to which type")?;
    let wrapped = |bits: i32, is_signed: bool| {
        let span = 2f64.powi(bits);
        let low = if is_signed { -span / 2.0 } else { 0.0 };
        // The infinities have no whole number; they become 0 rather than no number at all.
        one(call, move |x| if x.is_finite() { low + (x.trunc() - low).rem_euclid(span) } else { 0.0 })
    };
    match code {
        1 | 11 => call.input(0).cloned(),
        10 => one(call, |x| f16::from_f64(x).to_f64()),
        16 => one(call, |x| bf16::from_f64(x).to_f64()),
        9 => one(call, |x| f64::from(u8::from(x != 0.0))),
        2 => wrapped(8, false),
        3 => wrapped(8, true),
        4 => wrapped(16, false),
        5 => wrapped(16, true),
        6 => wrapped(32, true),
        12 => wrapped(32, false),
        // Floats do not hold all of these, so that there is nothing to wrap.
        7 | 13 => one(call, f64::trunc),
        21 => wrapped(4, false),
        22 => wrapped(4, true),
        25 => wrapped(2, false),
        26 => wrapped(2, true),
        other => Err(format!("to type {other}, which is not known")),
    }
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
    let epsilon = call.node.float("epsilon").unwrap_or(f64::from(1e-5f32));
    let inner: usize = x.dims.iter().skip(2).product();
    let normed = |(at, &x): (usize, &f64)| {
        let c = at / inner.max(1) % channels;
        gamma[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().enumerate().map(normed).collect()))
}
