//! Sums of products of integers with zero points, and integers out of them.

use super::arithmetic::ADD;
use super::broadcast::binary;
use super::call::Call;
use super::compound::{Writer, input};
use super::linear::{CONV, GEMM, MAT_MUL, convolve, mat_mul, turned};
use super::operator::{MICROSOFT, Operator, Role, Types};
use super::pool::{AVERAGE_POOL, GLOBAL_AVERAGE_POOL};
use super::quant::{DEQUANTIZE_LINEAR, QUANTIZE_LINEAR, type_range};
use crate::{Array, Attribute, SourceNode};

pub(super) static ROWS: &[&Operator] = &[
    &Operator::new("QLinearConv", linear_conv)
        .role(Role::Compound)
        .types(Types::ZeroPoint(7))
        .expands(|writer, node| product(writer, node, &CONV, 0, Some(8), 6)),
    &Operator::new("QLinearMatMul", linear_mat_mul)
        .role(Role::Compound)
        .types(Types::ZeroPoint(7))
        .expands(|writer, node| product(writer, node, &MAT_MUL, 1, None, 6)),
    &Operator::new("QGemm", gemm)
        .domain(MICROSOFT)
        .role(Role::Compound)
        .types(Types::ZeroPoint(8))
        .expands(|writer, node| product(writer, node, &GEMM, i64::from(node.int("transB") != Some(1)), Some(6), 7)),
    &Operator::compound("QLinearAdd", sum).domain(MICROSOFT),
    &Operator::compound("QLinearGlobalAveragePool", |writer, node| mean(writer, node, &GLOBAL_AVERAGE_POOL))
        .domain(MICROSOFT),
    &Operator::compound("QLinearAveragePool", |writer, node| mean(writer, node, &AVERAGE_POOL)).domain(MICROSOFT),
    &Operator::new("MatMulInteger", mat_mul_integer).types(Types::Sums),
    &Operator::new("ConvInteger", conv_integer).types(Types::Sums),
];

/// A scale or zero point for an operand of so many axes: one number, or one for each place of `axis`.
fn along(constant: &Array, axis: usize, rank: usize) -> Result<Array, String> {
    match constant.dims[..] {
        [] | [1] => Ok(Array::scalar(constant.values.first().copied().unwrap_or(0.0))),
        [count] if axis < rank => {
            let mut dims = vec![1; rank];
            dims[axis] = count;
            Ok(Array::new(dims, constant.values.clone()))
        }
        // Whole stacks of matrices have a number for each row or column.
        _ if constant.dims.len() == rank => Ok(constant.clone()),
        _ => Err(format!("a scale or zero point of sizes {:?} for {rank} axes", constant.dims)),
    }
}

/// Operand `at` less its zero point.
fn centred(call: &Call<'_>, at: usize, zero: usize, axis: usize) -> Result<Array, String> {
    let array = call.input(at)?;
    let Some(zero) = call.optional(zero) else { return Ok(array.clone()) };
    let zero = along(zero, axis, array.dims.len())?;
    same(array, binary(call, array, &zero, |x, zero| x - zero)?)
}

/// A result that must have the sizes of its operand.
fn same(array: &Array, result: Array) -> Result<Array, String> {
    if result.dims == array.dims {
        return Ok(result);
    }
    Err(format!("a scale or zero point stretches sizes {:?} to {:?}", array.dims, result.dims))
}

/// Requantisation: `saturate(round(sum * scale / out_scale) + out_zero)` of sums; `inputs` are those of scale and zero point.
fn requantised(call: &Call<'_>, sums: &Array, scale: &Array, inputs: [usize; 2]) -> Result<Array, String> {
    let (out_scale, out_zero) = (call.number(inputs[0])?, call.number(inputs[1])?);
    let (low, high) = type_range(call.node.text("zero_point_type").unwrap_or("uint8"))?;
    let scaled = binary(call, sums, scale, |sum, scale| {
        ((sum * scale / out_scale).round_ties_even() + out_zero).clamp(low, high)
    })?;
    same(sums, scaled)
}

/// The product of both operands' scales, for sums whose rows or columns they belong to.
fn scales(call: &Call<'_>, a: [usize; 2], b: [usize; 2], rank: usize) -> Result<Array, String> {
    let (a, b) = (along(call.input(a[0])?, a[1], rank)?, along(call.input(b[0])?, b[1], rank)?);
    binary(call, &a, &b, |a, b| a * b)
}

fn linear_mat_mul(call: &Call<'_>) -> Result<Array, String> {
    let rank = |at: usize| call.input(at).map(|array| array.dims.len());
    let (row, column) = (rank(0)?.wrapping_sub(2), rank(3)?.wrapping_sub(1));
    let sums = mat_mul(call, &centred(call, 0, 2, row)?, &centred(call, 3, 5, column)?)?;
    let rank = sums.dims.len();
    let scale = scales(call, [1, rank.wrapping_sub(2)], [4, rank.wrapping_sub(1)], rank)?;
    requantised(call, &sums, &scale, [6, 7])
}

fn linear_conv(call: &Call<'_>) -> Result<Array, String> {
    let (x, w) = (centred(call, 0, 2, usize::MAX)?, centred(call, 3, 5, 0)?);
    let sums = convolve(call, &x, &w, call.optional(8))?;
    let scale = scales(call, [1, usize::MAX], [4, 1], sums.dims.len())?;
    requantised(call, &sums, &scale, [6, 7])
}

/// `A B + C` in integers, then as reals if no output scale is given.
fn gemm(call: &Call<'_>) -> Result<Array, String> {
    let column = usize::from(call.node.int("transB").unwrap_or(0) == 0);
    let (a, b) = (centred(call, 0, 2, usize::MAX)?, centred(call, 3, 5, column)?);
    let mut sums = mat_mul(call, &turned(call, &a, "transA")?, &turned(call, &b, "transB")?)?;
    let alpha = call.node.float("alpha").unwrap_or(1.0);
    if let Some(bias) = call.optional(6) {
        // The bias is in units of both scales and of `alpha`.
        let dims = sums.dims.clone();
        sums = binary(call, &sums, bias, |sum, bias| sum + bias)?;
        if sums.dims != dims {
            return Err(format!("sizes {:?} of C do not fit {dims:?}", bias.dims));
        }
    }
    let scale = scales(call, [1, usize::MAX], [4, 1], 2)?;
    let scale = Array::new(scale.dims.clone(), scale.values.iter().map(|scale| alpha * scale).collect());
    match call.optional(7) {
        Some(_) => requantised(call, &sums, &scale, [7, 8]),
        None => same(&sums, binary(call, &sums, &scale, |sum, scale| sum * scale)?),
    }
}

fn mat_mul_integer(call: &Call<'_>) -> Result<Array, String> {
    let rank = |at: usize| call.input(at).map(|array| array.dims.len());
    let (row, column) = (rank(0)?.wrapping_sub(2), rank(1)?.wrapping_sub(1));
    mat_mul(call, &centred(call, 0, 2, row)?, &centred(call, 1, 3, column)?)
}

fn conv_integer(call: &Call<'_>) -> Result<Array, String> {
    convolve(call, &centred(call, 0, 2, usize::MAX)?, &centred(call, 1, 3, 0)?, None)
}

/// A product of a value and weights, with an integer bias: dequantised, computed in reals, and quantised again.
fn product(
    writer: &mut Writer<'_>,
    node: &SourceNode,
    operator: &Operator,
    axis: i64,
    bias: Option<usize>,
    out: usize,
) -> Result<(), String> {
    let mut inputs = vec![real(writer, node, 0, 0)?, real(writer, node, 3, axis)?];
    if let Some(name) = bias.and_then(|at| node.inputs.get(at)).filter(|name| !name.is_empty()) {
        let (x, w) = (writer.constant(&node.inputs[1])?, writer.constant(&node.inputs[4])?);
        let bias = writer.constant(name)?;
        let scale = |at: usize| x.values[0] * w.values[at % w.values.len().max(1)];
        if x.values.len() != 1 || w.values.is_empty() {
            return Err("its input has several scales; one is needed".into());
        }
        let values = bias.values.iter().enumerate().map(|(at, bias)| bias * scale(at)).collect();
        let bias = Array::new(bias.dims.clone(), values);
        let name = format!("{}.bias", node.name);
        writer.source.constants.insert(name.clone(), bias);
        inputs.push(name);
    }
    let is_last = node.inputs.get(out).is_none_or(String::is_empty);
    let output = if is_last { node.outputs[0].clone() } else { format!("{}.sum", node.outputs[0]) };
    let made = operator.write(writer, node, "sum", inputs, output.clone());
    made.attributes = node.attributes.clone();
    if is_last { Ok(()) } else { quantised(writer, node, output, out) }
}

fn sum(writer: &mut Writer<'_>, node: &SourceNode) -> Result<(), String> {
    let inputs = vec![real(writer, node, 0, 0)?, real(writer, node, 3, 0)?];
    let output = format!("{}.sum", node.outputs[0]);
    ADD.write(writer, node, "sum", inputs, output.clone());
    quantised(writer, node, output, 6)
}

fn mean(writer: &mut Writer<'_>, node: &SourceNode, operator: &Operator) -> Result<(), String> {
    if node.int("channels_last") == Some(1) {
        return Err("has channels last; export it with channels first".into());
    }
    let input = real(writer, node, 0, 0)?;
    let output = format!("{}.mean", node.outputs[0]);
    let made = operator.write(writer, node, "mean", vec![input], output.clone());
    made.attributes = node.attributes.clone();
    quantised(writer, node, output, 3)
}

/// The real value of a quantised input: it, its scale and its zero point are three inputs from `at` on; there may be
/// several scales along `axis`.
fn real(writer: &mut Writer<'_>, node: &SourceNode, at: usize, axis: i64) -> Result<String, String> {
    let inputs = (0..3).map(|more| input(node, at + more)).collect::<Result<Vec<_>, _>>()?;
    let output = format!("{}.real{at}", node.outputs[0]);
    let made = DEQUANTIZE_LINEAR.write(writer, node, &format!("input{at}"), inputs, output.clone());
    made.attributes.insert("axis".into(), Attribute::Int(axis));
    Ok(output)
}

/// Quantises `value` to the node's output; scale and zero point are inputs `at` and `at + 1`.
fn quantised(writer: &mut Writer<'_>, node: &SourceNode, value: String, at: usize) -> Result<(), String> {
    let (scale, zero) = (input(node, at)?, input(node, at + 1)?);
    // The reader knows the type of a zero point that is computed, too.
    let kind = node.text("zero_point_type").or_else(|| writer.source.type_of(&zero)).unwrap_or("uint8").to_string();
    let made = QUANTIZE_LINEAR.write(writer, node, "output", vec![value, scale, zero], node.outputs[0].clone());
    made.attributes.insert("zero_point_type".into(), Attribute::Text(kind));
    Ok(())
}
