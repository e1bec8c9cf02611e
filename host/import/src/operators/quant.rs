//! Quantisers of QONNX, FINN and ONNX.
//!
//! Sources: QONNX's operator definitions (Quant, BipolarQuant, Trunc), FINN's MultiThreshold, ONNX's QuantizeLinear.

use super::broadcast::{binary, expand, sizes};
use super::call::Call;
use super::operator::{Entry, Operator, QONNX, Types};
use crate::Array;

pub(crate) static QUANT: Operator = Operator::elementwise("Quant", quant).domain(QONNX).entry(Entry::Bits);
pub(crate) static BIPOLAR_QUANT: Operator =
    Operator::elementwise("BipolarQuant", binary_quant).domain(QONNX).entry(Entry::Signs);
pub(crate) static MULTI_THRESHOLD: Operator =
    Operator::elementwise("MultiThreshold", multi_threshold).domain(QONNX).entry(Entry::Thresholds);
pub(crate) static QUANTIZE_LINEAR: Operator =
    Operator::elementwise("QuantizeLinear", quantize).entry(Entry::ZeroPoint).types(Types::ZeroPoint(2));
pub(crate) static DEQUANTIZE_LINEAR: Operator =
    Operator::elementwise("DequantizeLinear", dequantize).entry(Entry::Dequantiser).types(Types::Of(1));

pub(super) static ROWS: &[&Operator] = &[
    &QUANT,
    &BIPOLAR_QUANT,
    &MULTI_THRESHOLD,
    &QUANTIZE_LINEAR,
    &DEQUANTIZE_LINEAR,
    &Operator::elementwise("IntQuant", quant).domain(QONNX).entry(Entry::Bits),
    &Operator::elementwise("Trunc", trunc).domain(QONNX),
    &Operator::new("FloatQuant", |_| Err("rounds to small floats, which are not whole numbers; use Quant".into()))
        .domain(QONNX),
];

/// A way of rounding by its QONNX name.
fn rounding(name: &str) -> Result<fn(f64) -> f64, String> {
    let away = |x: f64| x.abs().ceil().copysign(x);
    let half_up = |x: f64| (x.abs() + 0.5).floor().copysign(x);
    let half_down = |x: f64| (x.abs() - 0.5).ceil().copysign(x);
    Ok(match name.to_ascii_uppercase().as_str() {
        "ROUND" | "HALF_EVEN" => f64::round_ties_even,
        "CEIL" => f64::ceil,
        "FLOOR" => f64::floor,
        "UP" => away,
        "DOWN" | "ROUND_TO_ZERO" => f64::trunc,
        "HALF_UP" => half_up,
        "HALF_DOWN" => half_down,
        other => return Err(format!("rounding mode {other} is not known")),
    })
}

/// Least and greatest integer of a quantiser of `bits` bits, which need not be whole in QONNX.
fn range(bits: f64, is_signed: bool, is_narrow: bool) -> Result<(f64, f64), String> {
    if !(1.0..=32.0).contains(&bits) {
        return Err(format!("{bits} bits; 1 to 32 are allowed"));
    }
    let narrow = f64::from(u8::from(is_narrow));
    Ok(if is_signed {
        (narrow - (bits - 1.0).exp2(), (bits - 1.0).exp2() - 1.0)
    } else {
        (0.0, bits.exp2() - 1.0 - narrow)
    })
}

/// `(clamp(round(x / scale + zero)) - zero) * scale`.
fn quant(call: &Call<'_>) -> Result<Array, String> {
    let (x, scale, zero, bits) = (call.input(0)?, call.input(1)?, call.input(2)?, call.input(3)?);
    let is = |name: &str, default: i64| call.node.int(name).unwrap_or(default) != 0;
    let (is_signed, is_narrow) = (is("signed", 1), is("narrow", 0));
    let round = rounding(call.node.text("rounding_mode").unwrap_or("ROUND"))?;
    if scale.values.iter().any(|&scale| !scale.is_finite() || scale <= 0.0) {
        return Err("a scale is not positive".into());
    }
    let dims = sizes(call, &[&x.dims, &scale.dims, &zero.dims, &bits.dims])?;
    let ranges: Result<Vec<(f64, f64)>, String> = bits.values.iter().map(|&b| range(b, is_signed, is_narrow)).collect();
    let ranges = ranges?;
    let (x, scale, zero) = (expand(x, &dims), expand(scale, &dims), expand(zero, &dims));
    let which = expand(&Array::new(bits.dims.clone(), (0..ranges.len()).map(|at| at as f64).collect()), &dims);
    let quotient = |at: usize| {
        let quotient = x[at] / scale[at];
        if call.mode.is_single { f64::from(quotient as f32) } else { quotient }
    };
    let one = |at: usize| {
        let (low, high) = ranges[which[at] as usize];
        if is_signed && high == 0.0 {
            // One signed bit is -1 or +1 in QONNX.
            let sign = if quotient(at) + zero[at] >= 0.0 { 1.0 } else { -1.0 };
            return (sign - zero[at]) * scale[at];
        }
        (round((quotient(at) + zero[at]).clamp(low, high)) - zero[at]) * scale[at]
    };
    Ok(Array::new(dims.clone(), (0..x.len()).map(one).collect()))
}

/// `x >= 0` is `scale`, else `-scale`.
fn binary_quant(call: &Call<'_>) -> Result<Array, String> {
    binary(call, call.input(0)?, call.input(1)?, |x, scale| if x >= 0.0 { scale } else { -scale })
}

/// Drops low bits: first to whole numbers, then divided by a power of two and rounded.
fn trunc(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let (scale, zero, bits) = (call.number(1)?, call.number(2)?, call.number(3)?);
    let round = rounding(call.node.text("rounding_mode").unwrap_or("FLOOR"))?;
    // Five inputs: the output's bits. Six (version 2): the output's scale comes before them.
    let (factor, out_scale, out_bits) = match call.inputs.len() {
        5 => {
            let out_bits = call.number(4)?;
            ((bits - out_bits).exp2(), scale, out_bits)
        }
        6 => {
            let out_scale = call.number(4)?;
            ((out_scale / scale).log2().round().exp2(), out_scale, call.number(5)?)
        }
        other => return Err(format!("has {other} inputs, needs 5 or 6")),
    };
    if scale.is_nan() || scale <= 0.0 || out_scale.is_nan() || out_scale <= 0.0 {
        return Err("a scale is not positive".into());
    }
    let is_old = call.inputs.len() == 5;
    let is = |name: &str, default: i64| call.node.int(name).unwrap_or(default) != 0;
    let (low, high) = range(out_bits, is("signed", 1), is("narrow", 0))?;
    let one = |&x: &f64| {
        let whole = (x / scale + zero).round_ties_even();
        let cut = round(whole / factor);
        if is_old { (cut - zero) * scale } else { (cut.clamp(low, high) - zero / factor) * out_scale }
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().map(one).collect()))
}

/// `out_bias + out_scale * number of thresholds t of the channel with x >= t`.
fn multi_threshold(call: &Call<'_>) -> Result<Array, String> {
    let (x, thresholds) = (call.input(0)?, call.input(1)?);
    let [rows, each] = thresholds.dims[..] else {
        return Err(format!("thresholds of sizes {:?}, needs two axes", thresholds.dims));
    };
    let rank = x.dims.len();
    // Without a layout QONNX takes three axes as batch, width, channels.
    let layout = call.node.text("data_layout").filter(|layout| !layout.is_empty());
    let layout = layout.unwrap_or(if rank == 3 { "NWC" } else { "NCHW" });
    let axis = if layout.ends_with('C') || rank < 2 { rank.saturating_sub(1) } else { 1 };
    let channels = x.dims.get(axis).copied().unwrap_or(1);
    if rows != channels && rows != 1 || rows == 0 {
        return Err(format!("thresholds for {rows} channels, the input has {channels}"));
    }
    let inner: usize = x.dims.iter().skip(axis + 1).product();
    call.room(&x.dims, each)?;
    let (scale, bias) = (call.node.float("out_scale").unwrap_or(1.0), call.node.float("out_bias").unwrap_or(0.0));
    let one = |(at, &x): (usize, &f64)| {
        let row = (at / inner.max(1) % channels) % rows;
        let reached = thresholds.values[row * each..][..each].iter().filter(|&&t| x >= t).count();
        bias + scale * reached as f64
    };
    Ok(Array::new(x.dims.clone(), x.values.iter().enumerate().map(one).collect()))
}

/// Scale and zero point at the sizes of `x`; without a zero point it is 0.
fn steps(call: &Call<'_>, x: &Array) -> Result<(Vec<f64>, Vec<f64>), String> {
    let scale = along(call, x, 1)?;
    if scale.iter().any(|&scale| !scale.is_finite() || scale == 0.0) {
        return Err("a scale is zero or not finite".into());
    }
    let zero = if call.optional(2).is_some() { along(call, x, 2)? } else { vec![0.0; x.values.len()] };
    Ok((scale, zero))
}

/// An input at the sizes of `x`: one number, or one for each place along `axis`.
fn along(call: &Call<'_>, x: &Array, at: usize) -> Result<Vec<f64>, String> {
    let constant = call.input(at)?;
    if constant.values.len() == 1 {
        return Ok(vec![constant.values[0]; x.values.len()]);
    }
    let axis = call.axis(call.node.int("axis").unwrap_or(1), x.dims.len())?;
    if constant.values.len() != x.dims[axis] || call.node.int("block_size").unwrap_or(0) != 0 {
        return Err(format!("input {at} has {} values for {} along axis {axis}", constant.values.len(), x.dims[axis]));
    }
    let inner: usize = x.dims[axis + 1..].iter().product();
    Ok((0..x.values.len()).map(|place| constant.values[place / inner.max(1) % x.dims[axis]]).collect())
}

/// The range of a zero point's type, which the reader keeps as an attribute.
pub(super) fn type_range(name: &str) -> Result<(f64, f64), String> {
    Ok(match name {
        "uint8" => (0.0, 255.0),
        "int8" => (-128.0, 127.0),
        "uint16" => (0.0, 65_535.0),
        "int16" => (-32_768.0, 32_767.0),
        "uint4" => (0.0, 15.0),
        "int4" => (-8.0, 7.0),
        "uint2" => (0.0, 3.0),
        "int2" => (-2.0, 1.0),
        "int32" => (f64::from(i32::MIN), f64::from(i32::MAX)),
        other => return Err(format!("quantises to {other}; int8 and uint8 (or 16, 4, 2 bits) are known")),
    })
}

/// `saturate(round(x / scale) + zero)`.
fn quantize(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let (scale, zero) = steps(call, x)?;
    let (low, high) = type_range(call.node.text("zero_point_type").unwrap_or("uint8"))?;
    let one = |at: usize| ((x.values[at] / scale[at]).round_ties_even() + zero[at]).clamp(low, high);
    Ok(Array::new(x.dims.clone(), (0..x.values.len()).map(one).collect()))
}

/// `(x - zero) * scale`.
fn dequantize(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let (scale, zero) = steps(call, x)?;
    Ok(Array::new(x.dims.clone(), (0..x.values.len()).map(|at| (x.values[at] - zero[at]) * scale[at]).collect()))
}
