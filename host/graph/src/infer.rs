//! Shape and kind of one node's result, with every check of its constants.

use crate::ops::{Op, PadValue, Window};
use crate::tensor::{Kind, Tensor};
use crate::weights::{Weights, check_finite};
use crate::{ByteKind, Shape};

/// A tensor or the sentence that says what is wrong.
type Inferred = Result<Tensor, String>;

/// The result of `op` on inputs whose number already fits.
pub(crate) fn infer(op: &Op, inputs: &[Tensor]) -> Inferred {
    let input = inputs[0];
    match op {
        Op::Encode { thresholds, per_channel } => thermometer(input, thresholds, *per_channel),
        Op::Dense { weights } => dense(input, weights),
        Op::Conv2d { weights, window, groups } => conv2d(input, weights, window, *groups),
        Op::MaxPool { window } => max_pool(input, window),
        Op::SumPool { window } => sum_pool(input, window),
        Op::Add { shift } => add(input, inputs[1], *shift),
        Op::Scale { factors } => scale(input, factors),
        Op::Affine { multiplier, offset } => affine(input, multiplier, offset),
        Op::BatchNorm { gamma, beta, mean, variance, epsilon } => {
            batch_norm(input, [gamma, beta, mean, variance], *epsilon)
        }
        Op::Sign => quantized(input, Kind::Sign),
        Op::Quantize { bits, step } => quantize(input, *bits, *step),
        Op::Steps { thresholds, descends, bits } => steps(input, thresholds, descends, *bits),
    }
}

fn thermometer(input: Tensor, thresholds: &[i16], per_channel: u32) -> Inferred {
    if !matches!(input.kind, Kind::Bytes(_)) {
        return Err(format!("reads {}, needs the input's bytes", input.kind));
    }
    let channels = u64::from(input.shape.channels) * u64::from(per_channel);
    if per_channel == 0 || thresholds.len() as u64 != channels {
        return Err(format!(
            "has {} thresholds, needs {} channels x {per_channel} (at least 1) each",
            thresholds.len(),
            input.shape.channels
        ));
    }
    let range = -128..=256;
    if let Some(at) = thresholds.iter().position(|t| !range.contains(t)) {
        return Err(format!("threshold {at} is {}, allowed is -128 to 256", thresholds[at]));
    }
    if !thresholds.chunks(per_channel as usize).all(|one| one.is_sorted()) {
        return Err("thresholds of one channel must not fall".into());
    }
    let shape = Shape::new(input.shape.height, input.shape.width, thresholds.len() as u32);
    Ok(Tensor { shape, kind: Kind::Sign })
}

fn dense(input: Tensor, weights: &Weights) -> Inferred {
    let features = input.shape.elements();
    let [outputs, height, width, depth] = weights.shape;
    if height != 1 || width != 1 || u64::from(depth) != features {
        return Err(format!("weights are shaped {:?}, needs [outputs, 1, 1, {features}]", weights.shape));
    }
    let row_sum = weights.check()?;
    Ok(Tensor { shape: Shape::flat(outputs), kind: accumulator(input.kind, row_sum)? })
}

fn conv2d(input: Tensor, weights: &Weights, window: &Window, groups: u32) -> Inferred {
    let [outputs, height, width, depth] = weights.shape;
    let channels = input.shape.channels;
    if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
        return Err(format!("{groups} groups must divide {channels} input and {outputs} output channels"));
    }
    if [height, width] != window.kernel || depth != channels / groups {
        return Err(format!(
            "weights are shaped {:?}, needs [outputs, {}, {}, {}]",
            weights.shape,
            window.kernel[0],
            window.kernel[1],
            channels / groups
        ));
    }
    let kind = accumulator(input.kind, weights.check()?)?;
    check_pad_value(input.kind, window)?;
    let [rows, columns] = fit(input.shape, window)?;
    Ok(Tensor { shape: Shape::new(rows, columns, outputs), kind })
}

fn max_pool(input: Tensor, window: &Window) -> Inferred {
    let smallest = match input.kind {
        Kind::Sign => PadValue::MinusOne,
        Kind::Unsigned { .. } => PadValue::Zero,
        other => return Err(format!("reads {other}, needs signs or levels")),
    };
    if window.has_padding() && window.pad_value != smallest {
        return Err(format!("a border must hold the smallest value, {smallest:?}"));
    }
    let [rows, columns] = fit(input.shape, window)?;
    Ok(Tensor { shape: Shape::new(rows, columns, input.shape.channels), kind: input.kind })
}

fn sum_pool(input: Tensor, window: &Window) -> Inferred {
    let magnitude = packed_magnitude(input.kind)?;
    check_pad_value(input.kind, window)?;
    if window.has_padding() && matches!(window.pad_value, PadValue::Level(_)) {
        return Err(format!("a border of {:?}, which only convolutions have", window.pad_value));
    }
    let [rows, columns] = fit(input.shape, window)?;
    let area = u64::from(window.kernel[0]) * u64::from(window.kernel[1]);
    Ok(Tensor {
        shape: Shape::new(rows, columns, input.shape.channels),
        kind: bounded(area.checked_mul(u64::from(magnitude)))?,
    })
}

fn add(sum: Tensor, value: Tensor, shift: u32) -> Inferred {
    let Kind::Accumulator { bound } = sum.kind else {
        return Err(format!("first input is {}, needs accumulators", sum.kind));
    };
    if sum.shape != value.shape {
        return Err(format!("adds {} to {}; shapes must be equal", value.shape, sum.shape));
    }
    if shift > 15 {
        return Err(format!("shift {shift}, allowed is 0 to 15"));
    }
    let value = u64::from(packed_magnitude(value.kind)?) << shift;
    Ok(Tensor { shape: sum.shape, kind: bounded(Some(u64::from(bound) + value))? })
}

fn scale(input: Tensor, factors: &[f32]) -> Inferred {
    if factors.len() != 1 && factors.len() as u64 != u64::from(input.shape.channels) {
        return Err(format!("has {} factors, needs 1 or {}", factors.len(), input.shape.channels));
    }
    check_finite("factor", factors)?;
    real(input)
}

fn affine(input: Tensor, multiplier: &[f64], offset: &[f64]) -> Inferred {
    let channels = match input.kind {
        Kind::Accumulator { .. } => input.shape.channels,
        // Levels are not scaled: it says what they are worth.
        Kind::Sign | Kind::Unsigned { .. } => 1,
        other => return Err(format!("reads {other}, needs accumulators, signs or levels")),
    };
    let found = multiplier.len();
    if found != 1 && found as u64 != u64::from(channels) || offset.len() != found {
        return Err(format!("has {found} multipliers and {} offsets, needs 1 or {channels} of both", offset.len()));
    }
    if let Some(at) = multiplier.iter().position(|value| !value.is_finite()) {
        return Err(format!("multiplier {at} is {}, must be finite", multiplier[at]));
    }
    match offset.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("offset {at} is {}, must be finite", offset[at])),
        None => Ok(Tensor { kind: Kind::Reals, ..input }),
    }
}

fn batch_norm(input: Tensor, constants: [&Vec<f32>; 4], epsilon: f32) -> Inferred {
    for (name, values) in ["gamma", "beta", "mean", "variance"].into_iter().zip(constants) {
        if values.len() as u64 != u64::from(input.shape.channels) {
            let (found, need) = (values.len(), input.shape.channels);
            return Err(format!("{name} has {found} values, needs {need}"));
        }
        check_finite(name, values)?;
    }
    if !epsilon.is_finite() || epsilon < 0.0 {
        return Err(format!("epsilon is {epsilon}, must be finite and not negative"));
    }
    let bad = |&v: &f32| v < 0.0 || f64::from(v) + f64::from(epsilon) <= 0.0;
    if let Some(at) = constants[3].iter().position(bad) {
        return Err(format!(
            "variance {at} is {}; it must not be negative, and variance + epsilon must be positive",
            constants[3][at]
        ));
    }
    real(input)
}

fn quantize(input: Tensor, bits: u32, step: f32) -> Inferred {
    if !(1..=8).contains(&bits) {
        return Err(format!("{bits} bits, allowed are 1 to 8"));
    }
    if !step.is_finite() || step <= 0.0 {
        return Err(format!("step is {step}, must be finite and positive"));
    }
    quantized(input, Kind::Unsigned { bits })
}

fn steps(input: Tensor, thresholds: &[i32], descends: &[bool], bits: Option<u32>) -> Inferred {
    if !matches!(input.kind, Kind::Accumulator { .. }) {
        return Err(format!("reads {}, needs accumulators", input.kind));
    }
    let kind = match bits {
        None => Kind::Sign,
        Some(bits @ 1..=8) => Kind::Unsigned { bits },
        Some(bits) => return Err(format!("{bits} bits, allowed are 1 to 8")),
    };
    let (channels, each) = (u64::from(input.shape.channels), (1u64 << bits.unwrap_or(1)) - 1);
    if descends.len() as u64 != channels || thresholds.len() as u64 != channels * each {
        let (found, directions) = (thresholds.len(), descends.len());
        return Err(format!(
            "has {found} thresholds and {directions} directions, needs {each} and 1 for each of {channels} channels"
        ));
    }
    match thresholds.chunks(each as usize).position(|one| !one.is_sorted()) {
        Some(channel) => Err(format!("thresholds of channel {channel} fall; sort them")),
        None => Ok(Tensor { kind, ..input }),
    }
}

/// The same shape as reals.
fn real(input: Tensor) -> Inferred {
    quantized(input, Kind::Reals)
}

/// The same shape with another kind, from accumulators or reals only.
fn quantized(input: Tensor, kind: Kind) -> Inferred {
    match input.kind {
        Kind::Accumulator { .. } | Kind::Reals => Ok(Tensor { kind, ..input }),
        other => Err(format!("reads {other}, needs accumulators or reals")),
    }
}

/// Largest magnitude of signs or levels.
fn packed_magnitude(kind: Kind) -> Result<u32, String> {
    match (kind, kind.max_magnitude()) {
        (Kind::Sign | Kind::Unsigned { .. }, Some(magnitude)) => Ok(magnitude),
        (other, _) => Err(format!("reads {other}, needs signs or levels")),
    }
}

/// The accumulator of a weighted layer whose largest row sum of weight magnitudes is given.
fn accumulator(kind: Kind, row_sum: u64) -> Result<Kind, String> {
    let magnitude = match kind {
        Kind::Bytes(ByteKind::U8 | ByteKind::I8) | Kind::Sign | Kind::Unsigned { .. } => kind.max_magnitude(),
        Kind::Accumulator { .. } | Kind::Reals => None,
    };
    let Some(magnitude) = magnitude else {
        return Err(format!("reads {kind}, needs bytes, signs or levels"));
    };
    bounded(row_sum.checked_mul(u64::from(magnitude)))
}

/// An accumulator if the bound fits an `i32`.
fn bounded(bound: Option<u64>) -> Result<Kind, String> {
    match bound {
        Some(bound) if bound <= i32::MAX as u64 => Ok(Kind::Accumulator { bound: bound as u32 }),
        _ => Err("accumulator may exceed 2^31 - 1; use fewer inputs".into()),
    }
}

/// Only signs know a border of -1 or +1, all others one of any of their integers.
fn check_pad_value(kind: Kind, window: &Window) -> Result<(), String> {
    let fits = match (window.pad_value, kind) {
        (PadValue::Zero, _) | (PadValue::MinusOne | PadValue::PlusOne, Kind::Sign) => true,
        (PadValue::Level(level), Kind::Bytes(ByteKind::U8)) => (0..=255).contains(&level),
        (PadValue::Level(level), Kind::Bytes(ByteKind::I8)) => (-128..=127).contains(&level),
        (PadValue::Level(level), Kind::Unsigned { bits }) => (0..1 << bits).contains(&level),
        _ => false,
    };
    if window.has_padding() && !fits {
        return Err(format!("a border of {:?} on {kind}; use zero or what {kind} can be", window.pad_value));
    }
    Ok(())
}

/// Rows and columns of a window's result.
fn fit(shape: Shape, window: &Window) -> Result<[u32; 2], String> {
    window.output(shape).ok_or_else(|| {
        format!(
            "window {:?} step {:?} border {:?} does not fit {shape}; \
             kernel and step are at least 1 and each border is smaller than the kernel",
            window.kernel, window.stride, window.padding
        )
    })
}
