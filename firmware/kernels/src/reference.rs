//! The naive truth: NUMERICS.md as loops over plain integers.
//!
//! Every fast kernel and every circuit is compared with this module.
//! It panics where slices are shorter than the layer states; it is for laptops.

use bitfab_format::{Kind, Layer, Op, Rescale, Transform};

/// Computes one layer on plain values: `input`, `residual` and `output` hold one integer a value,
/// pixel by pixel, channels innermost.
///
/// # Panics
/// If a slice is shorter than its tensor.
pub fn run(layer: &Layer<'_>, input: &[i32], residual: &[i32], output: &mut [i32]) {
    run_with(layer, &layer.integer_weights(), input, residual, output);
}

/// As [`run`], with the layer's [`Layer::integer_weights`] decoded already.
///
/// # Panics
/// As [`run`].
pub fn run_with(layer: &Layer<'_>, weights: &[i32], input: &[i32], residual: &[i32], output: &mut [i32]) {
    let shape = layer.output.shape;
    for row in 0..shape.height as usize {
        for column in 0..shape.width as usize {
            for channel in 0..shape.channels as usize {
                let index = (row * shape.width as usize + column) * shape.channels as usize + channel;
                let at = Place { row, column, channel };
                output[index] = match layer.op {
                    Op::Encode => encode(layer, input, index),
                    Op::MaxPool => max_pool(layer, input, at),
                    Op::SumPool => transform(layer, sum_pool(layer, input, at), residual, index),
                    Op::Dense | Op::Conv2d => transform(layer, weighted(layer, weights, input, at), residual, index),
                };
            }
        }
    }
}

/// One output value's place.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    channel: usize,
}

/// NUMERICS 2.
fn encode(layer: &Layer<'_>, input: &[i32], index: usize) -> i32 {
    let Transform::Encode { per_channel, thresholds } = layer.transform else { panic!("not an encoding") };
    let pixel = index / layer.output.shape.channels as usize;
    let channel = index % layer.output.shape.channels as usize;
    let x = input[pixel * layer.input.shape.channels as usize + channel / per_channel as usize];
    let byte = thresholds[channel];
    let threshold = if layer.input.kind.range().0 < 0 { i32::from(byte as i8) } else { i32::from(byte) };
    if x >= threshold { 1 } else { -1 }
}

/// The value of `channel` under tap `(down, right)` of the window at `at`; `None` outside the input.
fn tap(layer: &Layer<'_>, input: &[i32], at: Place, [down, right]: [usize; 2], channel: usize) -> Option<i32> {
    let [stride_down, stride_right] = layer.window.stride;
    let row = (at.row * stride_down as usize + down).checked_sub(layer.window.padding[0] as usize)?;
    let column = (at.column * stride_right as usize + right).checked_sub(layer.window.padding[1] as usize)?;
    let shape = layer.input.shape;
    if row >= shape.height as usize || column >= shape.width as usize {
        return None;
    }
    Some(input[(row * shape.width as usize + column) * shape.channels as usize + channel])
}

/// Calls `each` with the number and position of every tap.
fn for_each_tap(layer: &Layer<'_>, mut each: impl FnMut(usize, [usize; 2])) {
    let [height, width] = layer.window.kernel;
    for down in 0..height as usize {
        for right in 0..width as usize {
            each(down * width as usize + right, [down, right]);
        }
    }
}

/// NUMERICS 3.
fn weighted(layer: &Layer<'_>, weights: &[i32], input: &[i32], at: Place) -> i32 {
    let row = &weights[at.channel * layer.fan_in() as usize..];
    let group_channels = layer.group_channels() as usize;
    let group_outputs = layer.output.shape.channels as usize / layer.groups as usize;
    let first = at.channel / group_outputs * group_channels;
    let mut acc = 0;
    for_each_tap(layer, |number, position| {
        for channel in 0..group_channels {
            let x = tap(layer, input, at, position, first + channel).unwrap_or(layer.pad_value.value());
            acc += x * row[number * group_channels + channel];
        }
    });
    acc
}

/// NUMERICS 4.1.
fn max_pool(layer: &Layer<'_>, input: &[i32], at: Place) -> i32 {
    let mut largest = i32::MIN;
    for_each_tap(layer, |_, position| {
        if let Some(x) = tap(layer, input, at, position, at.channel) {
            largest = largest.max(x);
        }
    });
    largest
}

/// NUMERICS 4.2.
fn sum_pool(layer: &Layer<'_>, input: &[i32], at: Place) -> i32 {
    let mut sum = 0;
    for_each_tap(layer, |_, position| sum += tap(layer, input, at, position, at.channel).unwrap_or(0));
    sum
}

/// NUMERICS 5.
fn transform(layer: &Layer<'_>, acc: i32, residual: &[i32], index: usize) -> i32 {
    let acc = acc + layer.residual.map_or(0, |from| residual[index] << from.shift);
    let channel = index % layer.output.shape.channels as usize;
    match layer.transform {
        Transform::Thresholds(thresholds) => {
            let (channel, all) = (channel as u32, thresholds.per_channel());
            let reached = (0..all).filter(|&i| acc >= thresholds.value(channel, i)).count() as i32;
            let count = if thresholds.counts_down(channel) { all as i32 - reached } else { reached };
            if layer.output.kind == Kind::Sign { 2 * count - 1 } else { count }
        }
        Transform::Requant { scales } => scales.get(channel as u32).apply(acc, layer.output.kind.planes()),
        Transform::Affine { scales } => scaled(scales.get(channel as u32), acc),
        Transform::None | Transform::Encode { .. } | Transform::Raw => acc,
    }
}

/// NUMERICS 5.6, from the numbers of the clause rather than by shifts.
fn scaled(Rescale { multiplier, offset, shift }: Rescale, acc: i32) -> i32 {
    let half = if shift == 0 { 0 } else { 2i128.pow(shift - 1) };
    let sum = i128::from(acc) * i128::from(multiplier) + i128::from(offset) + half;
    sum.div_euclid(2i128.pow(shift)) as i32
}
