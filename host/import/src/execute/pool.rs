//! Pools over windows.

use super::linear::Windows;
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
    let images: usize = dims.iter().product();
    dims.extend(&windows.output);
    let count = Array::count(&dims).ok_or("the result has too many values")?;
    let (is_max, counts_border) = (call.node.op == "MaxPool", call.node.int("count_include_pad").unwrap_or(0) != 0);
    let mut values = vec![0.0; count];
    let whole: usize = kernel.iter().product();
    windows.each(|result, inside| {
        for image in 0..images {
            let from = &x.values[image * pixels..][..pixels];
            let taken = inside.iter().map(|&(_, place)| from[place]);
            values[image * area + result] = if is_max {
                taken.fold(f64::NEG_INFINITY, f64::max)
            } else {
                taken.sum::<f64>() / if counts_border { whole } else { inside.len().max(1) } as f64
            };
        }
    });
    Ok(Array::new(dims, values))
}

fn global(call: &Call<'_>) -> Result<Array, String> {
    let x = call.input(0)?;
    if x.dims.len() < 3 {
        return Err(format!("an input of sizes {:?}; batch, channels and at least one axis are needed", x.dims));
    }
    let area: usize = x.dims[2..].iter().product();
    let mut dims = x.dims.clone();
    dims[2..].fill(1);
    let one = |image: &[f64]| match call.node.op.as_str() {
        "GlobalMaxPool" => image.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => image.iter().sum::<f64>() / area as f64,
    };
    Ok(Array::new(dims, x.values.chunks(area.max(1)).map(one).collect()))
}
