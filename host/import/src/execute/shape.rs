//! Sizes and order.

use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let result = match call.node.op.as_str() {
        "Flatten" => flatten(call),
        "Reshape" => reshape(call),
        "Squeeze" => squeeze(call),
        "Unsqueeze" => unsqueeze(call),
        "Transpose" => transpose(call),
        "Concat" => concat(call),
        "Gather" => gather(call),
        "Slice" => slice(call),
        "Pad" => pad(call),
        "Shape" => call.input(0).map(|x| Array::new([x.dims.len()], x.dims.iter().map(|&d| d as f64).collect())),
        "Constant" => constant(call),
        _ => return None,
    };
    Some(result.map(|array| vec![array]))
}

/// The same values under other sizes.
fn sized(x: &Array, dims: Vec<usize>) -> Result<Array, String> {
    match Array::count(&dims) {
        Some(count) if count == x.values.len() => Ok(Array::new(dims, x.values.clone())),
        _ => Err(format!("sizes {:?} cannot become {dims:?}", x.dims)),
    }
}

fn constant(call: &Call<'_>) -> Result<Array, String> {
    use crate::Attribute::{Array as Whole, Float, Floats, Int, Ints};
    let found = call.node.attributes.iter().find(|(name, _)| name.starts_with("value"));
    match found.map(|(_, value)| value) {
        Some(Whole(array)) => Ok(array.clone()),
        Some(Int(value)) => Ok(Array::scalar(*value as f64)),
        Some(Float(value)) => Ok(Array::scalar(*value)),
        Some(Ints(values)) => Ok(Array::new([values.len()], values.iter().map(|&v| v as f64).collect())),
        Some(Floats(values)) => Ok(Array::new([values.len()], values.clone())),
        _ => Err("a constant without a numeric value".into()),
    }
}

fn flatten(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let axis = call.node.int("axis").unwrap_or(1);
    let axis = if axis == x.dims.len() as i64 { x.dims.len() } else { call.axis(axis, x.dims.len())? };
    sized(x, vec![x.dims[..axis].iter().product(), x.dims[axis..].iter().product()])
}

fn reshape(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let wanted = call.whole("shape", 1).ok_or("has no sizes")?;
    let keeps_zero = call.node.int("allowzero").unwrap_or(0) == 0;
    let mut dims = Vec::new();
    for (axis, &size) in wanted.iter().enumerate() {
        dims.push(match size {
            0 if keeps_zero => *x.dims.get(axis).ok_or("keeps an axis that is not there")?,
            -1 => 1,
            size => usize::try_from(size).map_err(|_| format!("size {size}"))?,
        });
    }
    if let Some(open) = wanted.iter().position(|&size| size == -1) {
        let known = Array::count(&dims).ok_or("too large")?;
        if known == 0 || !x.values.len().is_multiple_of(known) {
            return Err(format!("sizes {:?} cannot become {wanted:?}", x.dims));
        }
        dims[open] = x.values.len() / known;
    }
    sized(x, dims)
}

fn squeeze(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let axes = call.whole("axes", 1);
    let axes: Option<Result<Vec<usize>, String>> =
        axes.map(|axes| axes.iter().map(|&axis| call.axis(axis, x.dims.len())).collect());
    let axes = axes.transpose()?;
    let is_gone = |axis: usize| axes.as_ref().map_or(x.dims[axis] == 1, |axes| axes.contains(&axis));
    if let Some(axis) = (0..x.dims.len()).find(|&axis| is_gone(axis) && x.dims[axis] != 1) {
        return Err(format!("axis {axis} of sizes {:?} is not 1", x.dims));
    }
    sized(x, (0..x.dims.len()).filter(|&axis| !is_gone(axis)).map(|axis| x.dims[axis]).collect())
}

fn unsqueeze(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let axes = call.whole("axes", 1).ok_or("has no axes")?;
    let rank = x.dims.len() + axes.len();
    let mut axes: Vec<usize> = axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_, _>>()?;
    axes.sort_unstable();
    let mut dims = x.dims.clone();
    for axis in axes {
        if axis > dims.len() {
            return Err(format!("axis {axis} is beyond the result"));
        }
        dims.insert(axis, 1);
    }
    sized(x, dims)
}

fn transpose(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let rank = x.dims.len();
    let reversed: Vec<i64> = (0..rank as i64).rev().collect();
    let order = call.node.ints("perm").unwrap_or(&reversed);
    let order: Vec<usize> = order.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<_, _>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(format!("order {order:?} of {rank} axes is not a permutation"));
    }
    let places = transposed(&x.dims, &order);
    let dims: Vec<usize> = order.iter().map(|&axis| x.dims[axis]).collect();
    Ok(Array::new(dims, places.into_iter().map(|place| x.values[place]).collect()))
}

/// For each element of the transposed array the element that it is before; `dims` are the sizes before.
pub(crate) fn transposed(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    let mut places = vec![0];
    for &axis in order {
        let (size, stride) = (dims[axis], strides[axis]);
        places = places.iter().flat_map(|&place| (0..size).map(move |at| place + at * stride)).collect();
    }
    places
}

fn concat(call: &Call<'_>) -> Result<Array, String> {
    let parts: Vec<&Array> = (0..call.inputs.len()).map(|at| call.input(at)).collect::<Result<_, _>>()?;
    let first = parts.first().ok_or("has no inputs")?;
    let axis = call.axis(call.node.int("axis").unwrap_or(0), first.dims.len())?;
    let is_like = |part: &&Array| {
        part.dims.len() == first.dims.len()
            && (0..part.dims.len()).all(|at| at == axis || part.dims[at] == first.dims[at])
    };
    if !parts.iter().all(is_like) {
        return Err("its inputs differ in other axes than the one that they are joined along".into());
    }
    let mut dims = first.dims.clone();
    dims[axis] = parts.iter().map(|part| part.dims[axis]).sum();
    Array::count(&dims).ok_or("the result has too many values")?;
    let outer: usize = dims[..axis].iter().product();
    let mut values = Vec::new();
    for row in 0..outer {
        for part in &parts {
            let length: usize = part.dims[axis..].iter().product();
            values.extend(&part.values[row * length..][..length]);
        }
    }
    Ok(Array::new(dims, values))
}

/// Rows `picked` of an axis.
fn pick(x: &Array, axis: usize, picked: &[usize]) -> Array {
    let (outer, inner): (usize, usize) = (x.dims[..axis].iter().product(), x.dims[axis + 1..].iter().product());
    let mut values = Vec::with_capacity(outer * picked.len() * inner);
    for row in 0..outer {
        for &at in picked {
            values.extend(&x.values[(row * x.dims[axis] + at) * inner..][..inner]);
        }
    }
    let mut dims = x.dims.clone();
    dims[axis] = picked.len();
    Array::new(dims, values)
}

fn gather(call: &Call<'_>) -> Result<Array, String> {
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let axis = call.axis(call.node.int("axis").unwrap_or(0), x.dims.len())?;
    let at = |&index: &f64| call.axis(index as i64, x.dims[axis]);
    let picked: Vec<usize> = indices.values.iter().map(at).collect::<Result<_, _>>()?;
    let found = pick(x, axis, &picked);
    let mut dims = x.dims[..axis].to_vec();
    dims.extend(&indices.dims);
    dims.extend(&x.dims[axis + 1..]);
    sized(&found, dims)
}

fn slice(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let (starts, ends) = (call.whole("starts", 1).ok_or("has no starts")?, call.whole("ends", 2).ok_or("has no ends")?);
    let axes = call.whole("axes", 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.whole("steps", 4).unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() || steps.contains(&0) {
        return Err("starts, ends, axes and steps differ in number, or a step is 0".into());
    }
    let mut result = x.clone();
    for (at, &axis) in axes.iter().enumerate() {
        let axis = call.axis(axis, x.dims.len())?;
        let (size, step) = (x.dims[axis] as i64, steps[at]);
        let clamp = |value: i64, low: i64, high: i64| {
            (if value < 0 { value.saturating_add(size) } else { value }).clamp(low, high)
        };
        let picked: Vec<usize> = if step > 0 {
            let (start, end) = (clamp(starts[at], 0, size), clamp(ends[at], 0, size));
            (start..end).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(|at| at as usize).collect()
        } else {
            let (start, end) = (clamp(starts[at], -1, size - 1), clamp(ends[at], -1, size - 1));
            let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
            (end + 1..=start).rev().step_by(stride).map(|at| at as usize).collect()
        };
        result = pick(&result, axis, &picked);
    }
    Ok(result)
}

/// Borders of a constant.
fn pad(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let rank = x.dims.len();
    if call.node.text("mode").unwrap_or("constant") != "constant" {
        return Err("pads with something else than a constant".into());
    }
    let given = call.whole("pads", 1).ok_or("has no pads")?;
    let axes = call.whole("axes", 3).unwrap_or_else(|| (0..rank as i64).collect());
    let mut pads = vec![(0, 0); rank];
    if given.len() != 2 * axes.len() || given.iter().any(|&p| !(0..1 << 20).contains(&p)) {
        return Err(format!("pads {given:?} for {} axes", axes.len()));
    }
    for (at, &axis) in axes.iter().enumerate() {
        pads[call.axis(axis, rank)?] = (given[at] as usize, given[at + axes.len()] as usize);
    }
    let fill = call.node.float("value").or_else(|| call.number(2).ok()).unwrap_or(0.0);
    let dims: Vec<usize> = x.dims.iter().zip(&pads).map(|(size, (before, after))| size + before + after).collect();
    let count = Array::count(&dims).ok_or("the result has too many values")?;
    let mut values = vec![fill; count];
    let mut places = vec![0];
    for axis in 0..rank {
        let (size, before, whole) = (x.dims[axis], pads[axis].0, dims[axis]);
        places = places.iter().flat_map(|&p: &usize| (0..size).map(move |at| p * whole + before + at)).collect();
    }
    places.iter().zip(&x.values).for_each(|(&place, &value)| values[place] = value);
    Ok(Array::new(dims, values))
}
