//! Pools over windows.

use super::window::Windows;
use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let result = match call.node.op.as_str() {
        "MaxPool" | "AveragePool" => windowed(call),
        "GlobalMaxPool" | "GlobalAveragePool" => global(call),
        _ => return None,
    };
    Some(result.map(|array| vec![array]))
}

fn windowed(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    let kernel = call.node.ints("kernel_shape").ok_or("has no kernel_shape")?;
    let kernel: Vec<usize> = kernel.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    if x.dims.len() < 3 {
        return Err(format!("an input of sizes {:?}; batch, channels and at least one axis are needed", x.dims));
    }
    let windows = Windows::new(call, &kernel, &x.dims[2..])?;
    let (pixels, area): (usize, usize) = (windows.input.iter().product(), windows.output.iter().product());
    let mut dims = x.dims[..2].to_vec();
    dims.extend(&windows.output);
    let count = call.room(&dims, windows.taps())?;
    let (is_max, counts_border) = (call.node.op == "MaxPool", call.node.int("count_include_pad").unwrap_or(0) != 0);
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

fn global(call: &Call<'_>) -> Result<Array, String> {
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
    let one = |image: &[f64]| match call.node.op.as_str() {
        "GlobalMaxPool" => image.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => image.iter().sum::<f64>() / area as f64,
    };
    Ok(Array::new(dims, x.values.chunks(area).map(one).collect()))
}
