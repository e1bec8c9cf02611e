//! Over whole axes: means, softmax, the largest.

use super::call::{Call, Outputs};
use super::operator::{Operator, Places, Role, Types};
use crate::Array;

pub(crate) static REDUCE_SUM: Operator =
    Operator::new("ReduceSum", |c| reduce(c, Join::Sum)).role(Role::Mean(Places::Sum));
pub(crate) static ARG_MAX: Operator =
    Operator::new("ArgMax", |c| arg_max(c, false)).role(Role::Ending).types(Types::Indices);
pub(crate) static SOFTMAX: Operator =
    Operator::new("Softmax", |c| softmax(c, |x, sum| x.exp() / sum)).role(Role::Ending);

pub(super) static ROWS: &[&Operator] = &[
    &REDUCE_SUM,
    &ARG_MAX,
    &SOFTMAX,
    &Operator::new("ReduceMean", |c| reduce(c, Join::Mean)).role(Role::Mean(Places::Axes)),
    &Operator::new("ReduceMax", |c| reduce(c, Join::Max)).role(Role::Reduction),
    &Operator::new("ReduceMin", |c| reduce(c, Join::Min)).role(Role::Reduction),
    &Operator::new("LogSoftmax", |c| softmax(c, |x, sum| x - sum.ln())).role(Role::Ending),
    &Operator::new("ArgMin", |c| arg_max(c, true)).types(Types::Indices),
    &Operator::several("TopK", top_k).role(Role::Ending).types(Types::Indexed),
];

/// How the values of an axis become one.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    Sum,
    Mean,
    Max,
    Min,
}

/// Outer, axis and inner counts of one axis.
fn parts(dims: &[usize], axis: usize) -> [usize; 3] {
    [dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product()]
}

fn reduce(call: &Call<'_>, join: Join) -> Result<Array, String> {
    let x = call.input(0)?;
    let rank = x.dims.len();
    let axes = call.whole("axes", 1).filter(|axes| !axes.is_empty());
    if axes.is_none() && call.node.int("noop_with_empty_axes") == Some(1) {
        return Ok(x.clone());
    }
    let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
    let axes: Vec<usize> = axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_, _>>()?;
    let (first, two): (f64, fn(f64, f64) -> f64) = match join {
        Join::Max => (f64::NEG_INFINITY, f64::max),
        Join::Min => (f64::INFINITY, f64::min),
        Join::Sum | Join::Mean => (0.0, |sum, value| sum + value),
    };
    if join != Join::Sum && axes.iter().any(|&axis| x.dims[axis] == 0) {
        return Err("an empty axis has no largest value and no mean".into());
    }
    let mut result = x.clone();
    for &axis in &axes {
        result = joined(&result, axis, first, two);
    }
    if join == Join::Mean {
        let count: usize = axes.iter().map(|&axis| x.dims[axis]).product();
        result.values.iter_mut().for_each(|value| *value /= count as f64);
    }
    if call.node.int("keepdims") == Some(0) {
        let dims = (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| x.dims[axis]).collect::<Vec<_>>();
        result = Array::new(dims, result.values);
    }
    Ok(result)
}

/// All of one axis joined, `first` before them; the axis stays, of size 1.
fn joined(x: &Array, axis: usize, first: f64, join: fn(f64, f64) -> f64) -> Array {
    let [outer, size, inner] = parts(&x.dims, axis);
    let mut values = vec![first; outer * inner];
    for row in 0..outer {
        for at in 0..size {
            for place in 0..inner {
                let to = &mut values[row * inner + place];
                *to = join(*to, x.values[(row * size + at) * inner + place]);
            }
        }
    }
    let mut dims = x.dims.clone();
    dims[axis] = 1;
    Array::new(dims, values)
}

/// Before version 13 over all axes from `axis` on, then over `axis` alone.
fn softmax(call: &Call<'_>, f: impl Fn(f64, f64) -> f64) -> Result<Array, String> {
    let x = call.input(0)?;
    let is_old = call.opset < 13;
    let axis = call.axis(call.node.int("axis").unwrap_or(if is_old { 1 } else { -1 }), x.dims.len())?;
    let [outer, mut size, mut inner] = parts(&x.dims, axis);
    if is_old {
        (size, inner) = (size * inner, 1);
    }
    let mut values = x.values.clone();
    for row in 0..outer {
        for place in 0..inner {
            let at = |at: usize| (row * size + at) * inner + place;
            let most = (0..size).map(|i| x.values[at(i)]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..size).map(|i| (x.values[at(i)] - most).exp()).sum();
            (0..size).for_each(|i| values[at(i)] = f(x.values[at(i)] - most, sum));
        }
    }
    Ok(Array::new(x.dims.clone(), values))
}

/// The places of the largest values along an axis, largest first, of equals the first; `k` of them.
fn largest(x: &Array, axis: usize, k: usize, is_smallest: bool, takes_last: bool) -> (Vec<f64>, Vec<f64>) {
    let [outer, size, inner] = parts(&x.dims, axis);
    let (mut values, mut indices) = (vec![0.0; outer * k * inner], vec![0.0; outer * k * inner]);
    for row in 0..outer {
        for place in 0..inner {
            let value = |at: usize| x.values[(row * size + at) * inner + place];
            let mut order: Vec<usize> = (0..size).collect();
            if takes_last {
                order.reverse();
            }
            order.sort_by(
                |&a, &b| if is_smallest { value(a).total_cmp(&value(b)) } else { value(b).total_cmp(&value(a)) },
            );
            for (rank, &at) in order.iter().take(k).enumerate() {
                values[(row * k + rank) * inner + place] = value(at);
                indices[(row * k + rank) * inner + place] = at as f64;
            }
        }
    }
    (values, indices)
}

fn arg_max(call: &Call<'_>, is_smallest: bool) -> Result<Array, String> {
    let x = call.input(0)?;
    let axis = call.axis(call.node.int("axis").unwrap_or(0), x.dims.len())?;
    if x.dims[axis] == 0 {
        return Err("an empty axis has no largest value".into());
    }
    let takes_last = call.node.int("select_last_index") == Some(1);
    let (_, indices) = largest(x, axis, 1, is_smallest, takes_last);
    let mut dims = x.dims.clone();
    dims[axis] = 1;
    if call.node.int("keepdims") == Some(0) {
        dims.remove(axis);
    }
    Ok(Array::new(dims, indices))
}

fn top_k(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axis = call.axis(call.node.int("axis").unwrap_or(-1), x.dims.len())?;
    let k = call.node.int("k").or_else(|| call.number(1).ok().map(|k| k as i64)).unwrap_or(0);
    let k = usize::try_from(k).ok().filter(|&k| k >= 1 && k <= x.dims[axis]);
    let k = k.ok_or_else(|| format!("k is not from 1 to {}", x.dims[axis]))?;
    let (values, indices) = largest(x, axis, k, call.node.int("largest") == Some(0), false);
    let mut dims = x.dims.clone();
    dims[axis] = k;
    Ok(vec![Array::new(dims.clone(), values), Array::new(dims, indices)])
}
