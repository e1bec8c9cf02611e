//! Sums of products of integers with zero points, and integers out of them.

use super::broadcast::binary;
use super::linear::{convolve, mat_mul, turned};
use super::quant::type_range;
use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let result = match call.node.op.as_str() {
        "QLinearMatMul" => linear_mat_mul(call),
        "QLinearConv" => linear_conv(call),
        "QGemm" => gemm(call),
        "MatMulInteger" => mat_mul_integer(call),
        "ConvInteger" => conv_integer(call),
        _ => return None,
    };
    Some(result.map(|array| vec![array]))
}

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

/// `saturate(round(sum * scale / out_scale) + out_zero)` of sums; `inputs` are those of scale and zero point.
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
