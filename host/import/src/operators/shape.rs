//! Sizes and order.

use super::arithmetic::IDENTITY;
use super::broadcast::{expand, sizes};
use super::call::{Call, Outputs};
use super::compound::{Writer, input};
use super::operator::{Operator, Role, Types};
use crate::array::transposed;
use crate::{Array, SourceNode};

pub(crate) static RESHAPE: Operator = Operator::new("Reshape", reshape).role(Role::Sizes);
pub(crate) static FLATTEN: Operator = Operator::new("Flatten", flatten).role(Role::Sizes);
pub(crate) static TRANSPOSE: Operator = Operator::new("Transpose", transpose).role(Role::Transpose);
/// A node without inputs.
pub(crate) static CONSTANT: Operator = Operator::new("Constant", constant);

pub(super) static ROWS: &[&Operator] = &[
    &RESHAPE,
    &FLATTEN,
    &TRANSPOSE,
    &CONSTANT,
    &Operator::new("Squeeze", squeeze).role(Role::Sizes),
    &Operator::new("Unsqueeze", unsqueeze).role(Role::Sizes),
    &Operator::new("Concat", concat).role(Role::Joined),
    &Operator::new("Gather", gather),
    &Operator::new("Slice", slice),
    &Operator::new("Pad", pad).expands(expand_pad),
    &Operator::new("Shape", shape).role(Role::SizesOf).types(Types::Indices),
    &Operator::new("Size", |c| Ok(Array::scalar(c.input(0)?.values.len() as f64))).types(Types::Indices),
    &Operator::new("Expand", stretch),
    &Operator::new("ConstantOfShape", constant_of_shape).types(Types::Unknown),
    &Operator::several("Split", split),
];

/// The same values under other sizes.
fn sized(x: &Array, dims: Vec<usize>) -> Result<Array, String> {
    match Array::count(&dims) {
        Some(count) if count == x.values.len() => Ok(Array::new(dims, x.values.clone())),
        _ => Err(format!("sizes {:?} cannot become {dims:?}", x.dims)),
    }
}

fn shape(call: &Call<'_>) -> Result<Array, String> {
    let dims = &call.input(0)?.dims;
    let rank = dims.len() as i64;
    let at = |name: &str, default: i64| {
        let at = call.node.int(name).unwrap_or(default);
        (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
    };
    let dims = dims.get(at("start", 0)..at("end", rank)).unwrap_or(&[]);
    Ok(Array::new([dims.len()], dims.iter().map(|&size| size as f64).collect()))
}

/// Sizes as an input gives them.
fn wanted(call: &Call<'_>, at: usize) -> Result<Vec<usize>, String> {
    let size = |&size: &f64| if size >= 0.0 { Ok(size as usize) } else { Err(format!("size {size}")) };
    call.input(at)?.values.iter().map(size).collect()
}

fn stretch(call: &Call<'_>) -> Result<Array, String> {
    let (x, to) = (call.input(0)?, wanted(call, 1)?);
    let dims = sizes(call, &[&x.dims, &to])?;
    Ok(Array::new(dims.clone(), expand(x, &dims)))
}

fn constant_of_shape(call: &Call<'_>) -> Result<Array, String> {
    let dims = wanted(call, 0)?;
    let value = match call.node.attributes.get("value") {
        Some(crate::Attribute::Array(array)) if array.values.len() == 1 => array.values[0],
        None => 0.0,
        _ => return Err("its value is not one number".into()),
    };
    let count = call.room(&dims, 1)?;
    Ok(Array::new(dims, vec![value; count]))
}

/// Parts along an axis: of sizes that are given, or as many as there are outputs, all alike but the last.
fn split(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axis = call.axis(call.node.int("axis").unwrap_or(0), x.dims.len())?;
    let size = x.dims[axis];
    let parts = match call.whole("split", 1) {
        Some(parts) => parts.iter().map(|&part| usize::try_from(part)).collect::<Result<_, _>>(),
        None => {
            let count = call.node.outputs.len().max(1);
            let each = size.div_ceil(count);
            Ok((0..count).map(|at| each.min(size.saturating_sub(at * each))).collect())
        }
    };
    let parts: Vec<usize> = parts.map_err(|_| "a part is negative")?;
    if parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part)) != Some(size) {
        return Err(format!("parts {parts:?} of {size} along axis {axis}"));
    }
    let mut start = 0;
    let mut part = |count: usize| {
        start += count;
        pick(x, axis, &(start - count..start).collect::<Vec<_>>())
    };
    Ok(parts.into_iter().map(&mut part).collect())
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
    if wanted.iter().filter(|&&size| size == -1).count() > 1 {
        return Err(format!("sizes {wanted:?} leave more than one open"));
    }
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
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("names an axis twice".into());
    }
    let mut dims = x.dims.clone();
    for axis in axes {
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
    call.room(&dims, 1)?;
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
    let dims = [&x.dims[..axis], &indices.dims, &x.dims[axis + 1..]].concat();
    call.room(&dims, 1)?;
    sized(&pick(x, axis, &picked), dims)
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
        let (size, step) = (result.dims[axis] as i64, steps[at]);
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

/// Borders, or less than the whole where a border is negative.
fn pad(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let rank = x.dims.len();
    let given = call.whole("pads", 1).ok_or("has no pads")?;
    let axes = call.whole("axes", 3).unwrap_or_else(|| (0..rank as i64).collect());
    if given.len() != 2 * axes.len() || given.iter().any(|pad| pad.unsigned_abs() > 1 << 28) {
        return Err(format!("pads {given:?} for {} axes", axes.len()));
    }
    let fill = match (call.node.float("value"), call.optional(2)) {
        (Some(value), _) => value,
        (None, Some(_)) => call.number(2)?,
        (None, None) => 0.0,
    };
    let mut result = x.clone();
    for (at, &axis) in axes.iter().enumerate() {
        let axis = call.axis(axis, rank)?;
        let (before, after, size) = (given[at], given[at + axes.len()], result.dims[axis] as i64);
        let mut dims = result.dims.clone();
        dims[axis] = usize::try_from(before + size + after).map_err(|_| format!("pads {given:?} leave nothing"))?;
        call.room(&dims, 1)?;
        let reads = border(call, before, size, size + after)?;
        let filled = |value: Option<usize>, array: &Array| value.map_or(fill, |at| array.values[at]);
        let [outer, inner]: [usize; 2] = [dims[..axis].iter().product(), dims[axis + 1..].iter().product()];
        let mut values = Vec::with_capacity(outer * reads.len() * inner);
        for row in 0..outer {
            for read in &reads {
                let first = read.map(|at| (row * size as usize + at) * inner);
                values.extend((0..inner).map(|place| filled(first.map(|first| first + place), &result)));
            }
        }
        result = Array::new(dims, values);
    }
    Ok(result)
}

/// For each place from `-before` to `end` the place of an axis of `size` that it repeats; `None` for the constant.
fn border(call: &Call<'_>, before: i64, size: i64, end: i64) -> Result<Vec<Option<usize>>, String> {
    let mode = call.node.text("mode").unwrap_or("constant");
    if size == 0 && mode != "constant" {
        return Err(format!("pads nothing in mode {mode}"));
    }
    let read: fn(i64, i64) -> i64 = match mode {
        "constant" => |at, _| at,
        "edge" => |at, size| at.clamp(0, size - 1),
        "wrap" => |at, size| at.rem_euclid(size),
        "reflect" => |at, size| {
            let at = at.rem_euclid((2 * (size - 1)).max(1));
            at.min(2 * (size - 1) - at)
        },
        other => return Err(format!("mode {other} is not known")),
    };
    let place = |at: i64| usize::try_from(read(at, size)).ok().filter(|&at| at < size as usize);
    Ok((-before..end).map(place).collect())
}

/// PyTorch before 2 writes a border of nothing before each average pool: it is left out.
fn expand_pad(writer: &mut Writer<'_>, node: &SourceNode) -> Result<(), String> {
    let is_zero = |array: &Array| array.values.iter().all(|&pad| pad == 0.0);
    let given = node.inputs.get(1).and_then(|name| writer.source.constants.get(name));
    let is_nothing =
        given.map_or_else(|| node.ints("pads").is_some_and(|pads| pads.iter().all(|&pad| pad == 0)), is_zero);
    if is_nothing {
        IDENTITY.write(writer, node, "nothing", vec![input(node, 0)?], node.outputs[0].clone());
    } else {
        writer.nodes.push(node.clone());
    }
    Ok(())
}
