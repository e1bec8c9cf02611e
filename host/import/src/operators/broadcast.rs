//! Sizes that fit each other as NumPy has them.

use super::call::Call;
use crate::Array;

/// The sizes of a result of operands of the given sizes.
pub(super) fn sizes(call: &Call<'_>, all: &[&[usize]]) -> Result<Vec<usize>, String> {
    let rank = all.iter().map(|dims| dims.len()).max().unwrap_or(0);
    let mut result = vec![1; rank];
    for dims in all {
        for (axis, &size) in dims.iter().enumerate() {
            let to = &mut result[rank - dims.len() + axis];
            match (*to, size) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => *to = b,
                _ => return Err(format!("sizes {} do not fit each other", listed(all))),
            }
        }
    }
    call.room(&result, 1)?;
    Ok(result)
}

fn listed(all: &[&[usize]]) -> String {
    all.iter().map(|dims| format!("{dims:?}")).collect::<Vec<_>>().join(" and ")
}

/// For each element of an array of sizes `to` the element of one of sizes `from` that it meets.
pub(super) fn places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; to.len()];
    let mut stride = 1;
    for axis in (0..from.len()).rev() {
        strides[to.len() - from.len() + axis] = if from[axis] == 1 { 0 } else { stride };
        stride *= from[axis];
    }
    let mut places = vec![0];
    for (&size, &stride) in to.iter().zip(&strides) {
        places = places.iter().flat_map(|&place| (0..size).map(move |at| place + at * stride)).collect();
    }
    places
}

/// An operand at the sizes of a result.
pub(super) fn expand(array: &Array, to: &[usize]) -> Vec<f64> {
    match array.values.as_slice() {
        [value] => vec![*value; to.iter().product()],
        values if array.dims == to => values.to_vec(),
        values => places(&array.dims, to).into_iter().map(|place| values[place]).collect(),
    }
}

/// A function of two arrays of any sizes that fit each other, element by element.
pub(super) fn binary(call: &Call<'_>, a: &Array, b: &Array, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    let dims = sizes(call, &[&a.dims, &b.dims])?;
    let (a, b) = (expand(a, &dims), expand(b, &dims));
    let values = a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect();
    Ok(Array::new(dims, values))
}

/// A function of one array.
pub(super) fn unary(a: &Array, f: impl Fn(f64) -> f64) -> Array {
    Array::new(a.dims.clone(), a.values.iter().map(|&value| f(value)).collect())
}

/// A function of the first input.
pub(super) fn one(call: &Call<'_>, f: impl Fn(f64) -> f64) -> Result<Array, String> {
    Ok(unary(call.input(0)?, f))
}

/// A function of two inputs.
pub(super) fn two(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    if call.node.attributes.contains_key("broadcast") {
        return Err("stretches its inputs in the way of ONNX before version 7; convert the model to a later one".into());
    }
    binary(call, call.input(0)?, call.input(1)?, f)
}

/// A function of all inputs, two by two.
pub(super) fn fold(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    (1..call.inputs.len()).try_fold(call.input(0)?.clone(), |sum, at| binary(call, &sum, call.input(at)?, &f))
}
