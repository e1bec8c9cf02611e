//! Arithmetic element by element, norms and casts.

use half::{bf16, f16};

use super::broadcast::{fold, one, two, unary};
use super::call::{Call, Outputs};
use super::operator::{Entry, Operands, Operator, Role, Types};
use crate::Array;

pub(crate) static ADD: Operator =
    Operator::elementwise("Add", |c| fold(c, |a, b| a + b)).operands(Operands::Both).entry(Entry::Scale);
pub(crate) static SUB: Operator =
    Operator::elementwise("Sub", |c| two(c, |a, b| a - b)).operands(Operands::Any).entry(Entry::Scale);
pub(crate) static MUL: Operator =
    Operator::elementwise("Mul", |c| two(c, |a, b| a * b)).operands(Operands::Any).entry(Entry::Scale);
pub(crate) static DIV: Operator = Operator::elementwise("Div", divide).operands(Operands::Left).entry(Entry::Scale);
pub(crate) static CLIP: Operator = Operator::elementwise("Clip", clip).entry(Entry::Scale);
pub(crate) static CAST: Operator = Operator::elementwise("Cast", cast).entry(Entry::Scale).types(Types::Cast);
pub(crate) static IDENTITY: Operator = Operator::elementwise("Identity", |c| c.input(0).cloned()).entry(Entry::Same);
pub(crate) static BATCH_NORM: Operator =
    Operator::elementwise("BatchNormalization", batch_norm).entry(Entry::Norm).turned(1);

pub(super) static ROWS: &[&Operator] = &[
    &ADD,
    &SUB,
    &MUL,
    &DIV,
    &CLIP,
    &CAST,
    &IDENTITY,
    &BATCH_NORM,
    &Operator::new("Sum", |c| fold(c, |a, b| a + b)).role(Role::Residual),
    &Operator::new("Mean", |c| fold(c, |a, b| a + b).map(|sum| unary(&sum, |x| x / c.inputs.len() as f64))),
    &Operator::elementwise("Max", |c| fold(c, f64::max)).operands(Operands::Any),
    &Operator::elementwise("Min", |c| fold(c, f64::min)).operands(Operands::Any),
    &Operator::new("Pow", |c| two(c, f64::powf)),
    &Operator::elementwise("Neg", |c| one(c, |x| -x)),
    &Operator::new("Abs", |c| one(c, f64::abs)),
    &Operator::new("Sqrt", |c| one(c, f64::sqrt)),
    &Operator::new("Reciprocal", |c| one(c, f64::recip)),
    &Operator::new("Exp", |c| one(c, f64::exp)),
    &Operator::new("Log", |c| one(c, f64::ln)),
    &Operator::elementwise("Floor", |c| one(c, f64::floor)),
    &Operator::elementwise("Ceil", |c| one(c, f64::ceil)),
    &Operator::elementwise("Round", |c| one(c, f64::round_ties_even)),
    &Operator::elementwise("Sign", |c| one(c, |x| if x == 0.0 { 0.0 } else { x.signum() })).entry(Entry::Thresholds),
    &Operator::several("Dropout", dropout).role(Role::Elementwise),
];

/// The reader marks a division of integers, which is whole.
fn divide(call: &Call<'_>) -> Result<Array, String> {
    let is_whole = call.node.int("whole") == Some(1);
    two(call, |a, b| if is_whole { (a / b).trunc() } else { a / b })
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
