//! Sums of products.

use super::broadcast::{binary, places, sizes, unary};
use super::call::Call;
use super::operator::{Operator, Role};
use super::window::Windows;
use crate::Array;

pub(crate) static MAT_MUL: Operator =
    Operator::new("MatMul", |c| mat_mul(c, c.input(0)?, c.input(1)?)).role(Role::Dense);
pub(crate) static GEMM: Operator = Operator::new("Gemm", gemm).role(Role::Dense);
pub(crate) static CONV: Operator =
    Operator::new("Conv", |c| convolve(c, c.input(0)?, c.input(1)?, c.optional(2))).role(Role::Conv).turned(2);

pub(super) static ROWS: &[&Operator] = &[&MAT_MUL, &GEMM, &CONV];

/// Adds rows of `a` (m x k) times `b` (k x n) to `sums`: row by row of `b`, so that the inner loop is a plain sum of
/// rows.
fn product(a: &[f64], b: &[f64], [m, k, n]: [usize; 3], sums: &mut [f64]) {
    for row in 0..m {
        let sums = &mut sums[row * n..][..n];
        for (at, &factor) in a[row * k..][..k].iter().enumerate() {
            if factor != 0.0 {
                sums.iter_mut().zip(&b[at * n..][..n]).for_each(|(sum, &weight)| *sum += factor * weight);
            }
        }
    }
}

/// As NumPy's: the last two axes are multiplied, leading ones stretched; an operand of one axis is a row or a column.
pub(super) fn mat_mul(call: &Call<'_>, a: &Array, b: &Array) -> Result<Array, String> {
    let wrong = || format!("sizes {:?} and {:?} do not fit each other", a.dims, b.dims);
    let (a_lead, [m, k]) = match a.dims[..] {
        [] => return Err(wrong()),
        [k] => (&[][..], [1, k]),
        [ref lead @ .., m, k] => (lead, [m, k]),
    };
    let (b_lead, [b_k, n]) = match b.dims[..] {
        [] => return Err(wrong()),
        [k] => (&[][..], [k, 1]),
        [ref lead @ .., k, n] => (lead, [k, n]),
    };
    if k != b_k {
        return Err(wrong());
    }
    let mut dims = sizes(call, &[a_lead, b_lead])?;
    let (a_parts, b_parts) = (places(a_lead, &dims), places(b_lead, &dims));
    if a.dims.len() > 1 {
        dims.push(m);
    }
    if b.dims.len() > 1 {
        dims.push(n);
    }
    let mut values = vec![0.0; call.room(&dims, k)?];
    let parts = a_parts.iter().zip(&b_parts);
    for ((&a_part, &b_part), sums) in parts.zip(values.chunks_mut((m * n).max(1))) {
        product(&a.values[a_part * m * k..][..m * k], &b.values[b_part * k * n..][..k * n], [m, k, n], sums);
    }
    Ok(Array::new(dims, values))
}

/// An operand of `Gemm`, turned if the attribute says so.
pub(super) fn turned(call: &Call<'_>, array: &Array, name: &str) -> Result<Array, String> {
    let [rows, columns] = array.dims[..] else {
        return Err(format!("sizes {:?}, needs two axes", array.dims));
    };
    if call.node.int(name).unwrap_or(0) == 0 {
        return Ok(array.clone());
    }
    let values = (0..columns).flat_map(|c| (0..rows).map(move |r| array.values[r * columns + c])).collect();
    Ok(Array::new([columns, rows], values))
}

/// `alpha * A B + beta * C`.
fn gemm(call: &Call<'_>) -> Result<Array, String> {
    let (a, b) = (turned(call, call.input(0)?, "transA")?, turned(call, call.input(1)?, "transB")?);
    let sums = mat_mul(call, &a, &b)?;
    let alpha = call.node.float("alpha").unwrap_or(1.0);
    let scaled = unary(&sums, |x| alpha * x);
    let Some(bias) = call.optional(2) else { return Ok(scaled) };
    let beta = call.node.float("beta").unwrap_or(1.0);
    let dims = scaled.dims.clone();
    let result = binary(call, &scaled, bias, |x, bias| x + beta * bias)?;
    if result.dims == dims { Ok(result) } else { Err(format!("sizes {:?} of C do not fit {dims:?}", bias.dims)) }
}

/// As a product of matrices (im2col): for each image and group the weights times the input's pixels under each tap, one
/// row a tap. The columns of one image are held at a time, for they are as large as all of its windows.
pub(super) fn convolve(call: &Call<'_>, x: &Array, w: &Array, bias: Option<&Array>) -> Result<Array, String> {
    let groups = usize::try_from(call.node.int("group").unwrap_or(1)).unwrap_or(0);
    let fits = x.dims.len() > 2 && w.dims.len() == x.dims.len() && groups > 0;
    if !fits || x.dims[1] != w.dims[1].saturating_mul(groups) || !w.dims[0].is_multiple_of(groups) {
        return Err(format!("sizes {:?} and weights {:?} in {groups} groups do not fit", x.dims, w.dims));
    }
    let windows = Windows::new(call.node, &w.dims[2..], &x.dims[2..])?;
    let [batch, outputs, depth] = [x.dims[0], w.dims[0], w.dims[1]];
    let dims = [&[batch, outputs], windows.output.as_slice()].concat();
    if bias.is_some_and(|bias| bias.values.len() != outputs) {
        return Err(format!("the bias does not have {outputs} values"));
    }
    let (pixels, area) = (windows.input.iter().product(), windows.output.iter().product());
    let rows: usize = w.dims[1..].iter().product();
    let mut values = vec![0.0; call.room(&dims, rows)?];
    let mut columns = vec![0.0; call.room(&[rows, area], 1)?];
    let reads = windows.reads();
    let (each, sizes) = (outputs / groups, [outputs / groups, rows, area]);
    for (part, sums) in values.chunks_mut((each * area).max(1)).enumerate() {
        // Images have the groups one behind the other, as the inputs have them.
        fill(&mut columns, &x.values[part * depth * pixels..][..depth * pixels], &reads, pixels);
        let group = part % groups;
        product(&w.values[group * each * rows..][..each * rows], &columns, sizes, sums);
        for (o, sums) in sums.chunks_mut(area.max(1)).enumerate() {
            let bias = bias.map_or(0.0, |bias| bias.values[group * each + o]);
            sums.iter_mut().for_each(|sum| *sum += bias);
        }
    }
    Ok(Array::new(dims, values))
}

/// The columns of im2col: one row for each channel and tap, the pixels that the tap reads, 0 on the border.
fn fill(columns: &mut [f64], channels: &[f64], reads: &[Option<usize>], pixels: usize) {
    let from = channels.chunks(pixels.max(1)).flat_map(|channel| {
        reads.iter().map(move |place| place.and_then(|place| channel.get(place)).copied().unwrap_or(0.0))
    });
    columns.iter_mut().zip(from).for_each(|(to, from)| *to = from);
}
