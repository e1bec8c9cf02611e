//! Activations.

use super::broadcast::{one, two};
use super::call::Call;
use super::operator::{Bends, Operator};
use crate::Array;

pub(crate) static RELU: Operator = Operator::elementwise("Relu", |c| one(c, |x| x.max(0.0)));

/// An activation that falls below zero where its slope there is negative.
const ALPHA: Bends = Bends::Attributes(&["alpha"]);

pub(super) static ROWS: &[&Operator] = &[
    &RELU,
    &Operator::elementwise("LeakyRelu", |c| one(c, |x| if x < 0.0 { alpha(c, 0.01) * x } else { x })).bends(ALPHA),
    &Operator::elementwise("PRelu", |c| two(c, |x, slope| if x < 0.0 { slope * x } else { x })).bends(Bends::Input(1)),
    &Operator::elementwise("ThresholdedRelu", |c| one(c, |x| if x > alpha(c, 1.0) { x } else { 0.0 })).bends(ALPHA),
    &Operator::elementwise("Elu", |c| one(c, |x| if x < 0.0 { alpha(c, 1.0) * x.exp_m1() } else { x })).bends(ALPHA),
    &Operator::elementwise("Celu", celu),
    &Operator::elementwise("Selu", selu).bends(Bends::Attributes(&["alpha", "gamma"])),
    &Operator::elementwise("HardTanh", |c| one(c, |x| x.max(of(c, "min_val", -1.0)).min(of(c, "max_val", 1.0)))),
    &Operator::elementwise("HardSigmoid", |c| one(c, |x| (alpha(c, 0.2) * x + of(c, "beta", 0.5)).clamp(0.0, 1.0))),
    &Operator::new("HardSwish", |c| one(c, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0))),
    &Operator::elementwise("Sigmoid", |c| one(c, |x| 1.0 / (1.0 + (-x).exp()))).strict(),
    &Operator::elementwise("Tanh", |c| one(c, f64::tanh)).strict(),
    &Operator::elementwise("Softplus", |c| one(c, |x| x.max(0.0) + (-x.abs()).exp().ln_1p())),
    &Operator::elementwise("Softsign", |c| one(c, |x| x / (1.0 + x.abs()))).strict(),
];

fn of(call: &Call<'_>, name: &str, default: f64) -> f64 {
    call.node.float(name).unwrap_or(default)
}

fn alpha(call: &Call<'_>, default: f64) -> f64 {
    of(call, "alpha", default)
}

/// Rises whatever the sign of `alpha`.
fn celu(call: &Call<'_>) -> Result<Array, String> {
    match alpha(call, 1.0) {
        0.0 => Err("alpha is 0".into()),
        alpha => one(call, |x| if x < 0.0 { alpha * (x / alpha).exp_m1() } else { x }),
    }
}

fn selu(call: &Call<'_>) -> Result<Array, String> {
    let (alpha, gamma) = (alpha(call, 1.673_263_192_176_818_8), of(call, "gamma", 1.050_700_962_543_487_5));
    one(call, |x| gamma * if x > 0.0 { x } else { alpha * x.exp_m1() })
}
