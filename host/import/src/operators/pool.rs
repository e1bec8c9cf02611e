//! Pools over windows.

use super::call::Call;
use super::operator::{Operator, Places, Role, Types};
use super::window::Windows;
use crate::Array;

pub(crate) static MAX_POOL: Operator =
    Operator::new("MaxPool", |c| windowed(c, true)).role(Role::MaxPool(Places::Kernel)).types(Types::Indexed).turned(1);
pub(crate) static AVERAGE_POOL: Operator =
    Operator::new("AveragePool", |c| windowed(c, false)).role(Role::Mean(Places::Kernel)).turned(1);
pub(crate) static GLOBAL_AVERAGE_POOL: Operator =
    Operator::new("GlobalAveragePool", |c| global(c, mean)).role(Role::Mean(Places::Image));
pub(crate) static GLOBAL_MAX_POOL: Operator =
    Operator::new("GlobalMaxPool", |c| global(c, largest)).role(Role::MaxPool(Places::Image));

pub(super) static ROWS: &[&Operator] = &[&MAX_POOL, &AVERAGE_POOL, &GLOBAL_AVERAGE_POOL, &GLOBAL_MAX_POOL];

fn windowed(call: &Call<'_>, is_max: bool) -> Result<Array, String> {
    let x = call.input(0)?;
    let kernel = call.node.ints("kernel_shape").ok_or("has no kernel_shape")?;
    let kernel: Vec<usize> = kernel.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    if x.dims.len() < 3 {
        return Err(format!("an input of sizes {:?}; batch, channels and at least one axis are needed", x.dims));
    }
    let windows = Windows::new(call.node, &kernel, &x.dims[2..])?;
    let (pixels, area): (usize, usize) = (windows.input.iter().product(), windows.output.iter().product());
    let mut dims = x.dims[..2].to_vec();
    dims.extend(&windows.output);
    let count = call.room(&dims, windows.taps())?;
    let counts_border = call.node.int("count_include_pad").unwrap_or(0) != 0;
    call.room(&[windows.taps(), area], 1)?;
    let (reads, within) = (windows.reads(), windows.within());
    let mut values = vec![if is_max { f64::NEG_INFINITY } else { 0.0 }; count];
    let mut read = vec![0; area];
    for places in reads.chunks(area.max(1)) {
        read.iter_mut().zip(places).for_each(|(read, place)| *read += usize::from(place.is_some()));
    }
    if read.contains(&0) {
        return Err("a window lies on the border alone".into());
    }
    for (results, image) in values.chunks_mut(area.max(1)).zip(x.values.chunks(pixels.max(1))) {
        for places in reads.chunks(area.max(1)) {
            for (result, value) in
                results.iter_mut().zip(places).filter_map(|(result, &place)| Some((result, image[place?])))
            {
                *result = if is_max { result.max(value) } else { *result + value };
            }
        }
        let counts = if counts_border { &within } else { &read };
        if !is_max {
            results.iter_mut().zip(counts).for_each(|(result, &count)| *result /= count as f64);
        }
    }
    Ok(Array::new(dims, values))
}

fn global(call: &Call<'_>, of: fn(&[f64]) -> f64) -> Result<Array, String> {
    let x = call.input(0)?;
    if x.dims.len() < 3 {
        return Err(format!("an input of sizes {:?}; batch, channels and at least one axis are needed", x.dims));
    }
    let area: usize = x.dims[2..].iter().product();
    if area == 0 {
        return Err("an empty image has no largest value and no mean".into());
    }
    let mut dims = x.dims.clone();
    dims[2..].fill(1);
    Ok(Array::new(dims, x.values.chunks(area).map(of).collect()))
}

fn largest(image: &[f64]) -> f64 {
    image.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn mean(image: &[f64]) -> f64 {
    image.iter().sum::<f64>() / image.len() as f64
}
