//! Sums of products.

use super::broadcast::{binary, unary};
use super::quant::type_range;
use super::{Call, Outputs};
use crate::Array;

pub(super) fn apply(call: &Call<'_>) -> Option<Outputs> {
    let result = match call.node.op.as_str() {
        "MatMul" => call.input(0).and_then(|a| mat_mul(a, call.input(1)?)),
        "Gemm" => gemm(call),
        "Conv" => conv(call),
        "QLinearMatMul" => q_mat_mul(call),
        "QLinearConv" => q_conv(call),
        _ => return None,
    };
    Some(result.map(|array| vec![array]))
}

/// Rows of `a` (m x k) times `b` (k x n): row by row of `b`, so that the inner loop is a plain sum of rows.
fn product(a: &[f64], b: &[f64], [m, k, n]: [usize; 3]) -> Vec<f64> {
    let mut result = vec![0.0; m * n];
    for row in 0..m {
        let sums = &mut result[row * n..][..n];
        for (at, &factor) in a[row * k..][..k].iter().enumerate() {
            if factor != 0.0 {
                sums.iter_mut().zip(&b[at * n..][..n]).for_each(|(sum, &weight)| *sum += factor * weight);
            }
        }
    }
    result
}

/// As NumPy's: the last two axes, any leading ones of `a` stacked; `b` has two axes or one.
fn mat_mul(a: &Array, b: &Array) -> Result<Array, String> {
    let wrong = || format!("sizes {:?} and {:?} do not fit each other", a.dims, b.dims);
    let (k, n) = match b.dims[..] {
        [k] => (k, 1),
        [k, n] => (k, n),
        _ => return batched(a, b),
    };
    let Some((&last, leading)) = a.dims.split_last() else { return Err(wrong()) };
    if last != k {
        return Err(wrong());
    }
    let m = leading.iter().product();
    let mut dims = leading.to_vec();
    if b.dims.len() == 2 {
        dims.push(n);
    }
    Array::count(&dims).ok_or_else(wrong)?;
    Ok(Array::new(dims, product(&a.values, &b.values, [m, k, n])))
}

/// Both with the same leading axes.
fn batched(a: &Array, b: &Array) -> Result<Array, String> {
    let (ra, rb) = (a.dims.len(), b.dims.len());
    if ra != rb || ra < 3 || a.dims[..ra - 2] != b.dims[..rb - 2] || a.dims[ra - 1] != b.dims[rb - 2] {
        return Err(format!("sizes {:?} and {:?} do not fit each other", a.dims, b.dims));
    }
    let [m, k, n] = [a.dims[ra - 2], a.dims[ra - 1], b.dims[rb - 1]];
    let mut dims = a.dims.clone();
    dims[ra - 1] = n;
    let parts: usize = a.dims[..ra - 2].iter().product();
    Array::count(&dims).ok_or("the result has too many values")?;
    let one = |part: usize| product(&a.values[part * m * k..][..m * k], &b.values[part * k * n..][..k * n], [m, k, n]);
    Ok(Array::new(dims, (0..parts).flat_map(one).collect()))
}

fn transposed(a: &Array) -> Array {
    let [rows, columns] = [a.dims[0], a.dims[1]];
    let values = (0..columns).flat_map(|c| (0..rows).map(move |r| a.values[r * columns + c])).collect();
    Array::new([columns, rows], values)
}

/// `alpha * A B + beta * C`.
fn gemm(call: &Call<'_>) -> Result<Array, String> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    if a.dims.len() != 2 || b.dims.len() != 2 {
        return Err(format!("sizes {:?} and {:?}, both need two axes", a.dims, b.dims));
    }
    let turned = |array: &Array, name: &str| {
        if call.node.int(name) == Some(1) { transposed(array) } else { array.clone() }
    };
    let sums = mat_mul(&turned(a, "transA"), &turned(b, "transB"))?;
    let alpha = call.node.float("alpha").unwrap_or(1.0);
    let scaled = unary(&sums, |x| alpha * x);
    match call.optional(2) {
        Some(bias) => {
            let beta = call.node.float("beta").unwrap_or(1.0);
            binary(&scaled, bias, |x, bias| x + beta * bias)
        }
        None => Ok(scaled),
    }
}

/// Where a window reads along each axis.
pub(super) struct Windows {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    /// Border before and after each axis.
    pub pads: Vec<(usize, usize)>,
    /// Sizes of the input and of the result.
    pub input: Vec<usize>,
    pub output: Vec<usize>,
}

impl Windows {
    /// From a node's attributes, for an input of sizes batch, channels, `input`.
    pub fn new(call: &Call<'_>, kernel: &[usize], input: &[usize]) -> Result<Self, String> {
        let axes = input.len();
        let list = |name: &str, count: usize, default: i64| -> Result<Vec<usize>, String> {
            let values = call.node.ints(name).map_or(vec![default; count], <[i64]>::to_vec);
            let sizes: Option<Vec<usize>> = values.iter().map(|&v| usize::try_from(v).ok()).collect();
            sizes.filter(|sizes| sizes.len() == count).ok_or_else(|| format!("{name} {values:?} for {axes} axes"))
        };
        let (stride, dilation) = (list("strides", axes, 1)?, list("dilations", axes, 1)?);
        let given = list("pads", 2 * axes, 0)?;
        if kernel.len() != axes || kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
            return Err(format!("kernel {kernel:?}, strides {stride:?} for {axes} axes; all must be at least 1"));
        }
        let (mut pads, mut output) = (Vec::new(), Vec::new());
        for axis in 0..axes {
            let span = (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
            let total =
                ((input[axis].div_ceil(stride[axis]).max(1) - 1) * stride[axis] + span).saturating_sub(input[axis]);
            let (less, more) = (total / 2, total - total / 2);
            let (before, after) = match call.node.text("auto_pad").unwrap_or("NOTSET") {
                "NOTSET" => (given[axis], given[axis + axes]),
                "VALID" => (0, 0),
                "SAME_UPPER" => (less, more),
                "SAME_LOWER" => (more, less),
                other => return Err(format!("auto_pad {other} is not known")),
            };
            let padded = input[axis].saturating_add(before).saturating_add(after);
            let Some(room) = padded.checked_sub(span).filter(|_| before < 1 << 20 && after < 1 << 20) else {
                return Err(format!("kernel {kernel:?} does not fit an input of {input:?}"));
            };
            let mut size = room / stride[axis] + 1;
            if call.node.int("ceil_mode") == Some(1) {
                size = room.div_ceil(stride[axis]) + 1;
                // A window must begin inside the input or its first border.
                size -= usize::from((size - 1) * stride[axis] >= input[axis] + before);
            }
            pads.push((before, after));
            output.push(size);
        }
        Ok(Self { kernel: kernel.into(), stride, dilation, pads, input: input.into(), output })
    }

    /// For each place of the result the input's places under its window, with their place in the kernel.
    pub fn each(&self, mut found: impl FnMut(usize, &[(usize, usize)])) {
        let results: usize = self.output.iter().product();
        let taps: usize = self.kernel.iter().product();
        let mut inside = Vec::with_capacity(taps);
        for result in 0..results {
            inside.clear();
            for tap in 0..taps {
                if let Some(place) = self.place(result, tap) {
                    inside.push((tap, place));
                }
            }
            found(result, &inside);
        }
    }

    /// The input's place under a tap; `None` on the border.
    fn place(&self, mut result: usize, mut tap: usize) -> Option<usize> {
        let (mut place, mut stride) = (0, 1);
        for axis in (0..self.input.len()).rev() {
            let at = result % self.output[axis] * self.stride[axis] + tap % self.kernel[axis] * self.dilation[axis];
            let at = at.checked_sub(self.pads[axis].0).filter(|&at| at < self.input[axis])?;
            (result, tap) = (result / self.output[axis], tap / self.kernel[axis]);
            place += at * stride;
            stride *= self.input[axis];
        }
        Some(place)
    }
}

fn conv(call: &Call<'_>) -> Result<Array, String> {
    convolve(call, call.input(0)?, call.input(1)?, call.optional(2))
}

fn convolve(call: &Call<'_>, x: &Array, w: &Array, bias: Option<&Array>) -> Result<Array, String> {
    let groups = usize::try_from(call.node.int("group").unwrap_or(1)).unwrap_or(0);
    let fits = x.dims.len() > 2 && w.dims.len() == x.dims.len() && groups > 0;
    if !fits || x.dims[1] != w.dims[1].saturating_mul(groups) || !w.dims[0].is_multiple_of(groups) {
        return Err(format!("sizes {:?} and weights {:?} in {groups} groups do not fit", x.dims, w.dims));
    }
    let windows = Windows::new(call, &w.dims[2..], &x.dims[2..])?;
    let [batch, outputs, depth] = [x.dims[0], w.dims[0], w.dims[1]];
    let mut dims = vec![batch, outputs];
    dims.extend(&windows.output);
    Array::count(&dims).ok_or("the result has too many values")?;
    if bias.is_some_and(|bias| bias.values.len() != outputs) {
        return Err(format!("the bias does not have {outputs} values"));
    }
    let (pixels, area): (usize, usize) = (windows.input.iter().product(), windows.output.iter().product());
    let taps: usize = windows.kernel.iter().product();
    let mut values = vec![0.0; batch * outputs * area];
    windows.each(|result, inside| {
        for image in 0..batch {
            for o in 0..outputs {
                let first = o / (outputs / groups) * depth;
                let mut sum = bias.map_or(0.0, |bias| bias.values[o]);
                for c in 0..depth {
                    let from = &x.values[(image * x.dims[1] + first + c) * pixels..][..pixels];
                    let weights = &w.values[(o * depth + c) * taps..][..taps];
                    sum += inside.iter().map(|&(tap, place)| from[place] * weights[tap]).sum::<f64>();
                }
                values[(image * outputs + o) * area + result] = sum;
            }
        }
    });
    Ok(Array::new(dims, values))
}

/// An operand less its zero point; one for each row of `axis` where there are several.
fn centred(call: &Call<'_>, at: usize, zero: usize, axis: usize) -> Result<Array, String> {
    let (array, zero) = (call.input(at)?, call.input(zero)?);
    let inner: usize = array.dims.get(axis + 1..).unwrap_or(&[]).iter().product();
    let rows = array.dims.get(axis).copied().unwrap_or(1);
    if zero.values.len() != 1 && zero.values.len() != rows {
        return Err(format!("{} zero points for {rows} rows", zero.values.len()));
    }
    let less = |(place, &value): (usize, &f64)| value - zero.values[place / inner.max(1) % rows % zero.values.len()];
    Ok(Array::new(array.dims.clone(), array.values.iter().enumerate().map(less).collect()))
}

/// Integer sums to the output's integers; `scale(place)` is a sum's worth.
fn requantised(call: &Call<'_>, sums: &Array, scale: impl Fn(usize) -> f64) -> Result<Array, String> {
    let (out_scale, out_zero) = (call.number(6)?, call.number(7)?);
    let (low, high) = type_range(call.node.text("zero_point_type").unwrap_or("uint8"))?;
    let one =
        |(place, &sum): (usize, &f64)| ((sum * scale(place) / out_scale).round_ties_even() + out_zero).clamp(low, high);
    Ok(Array::new(sums.dims.clone(), sums.values.iter().enumerate().map(one).collect()))
}

fn q_mat_mul(call: &Call<'_>) -> Result<Array, String> {
    let last = call.input(3)?.dims.len().saturating_sub(1);
    let (a, b) = (centred(call, 0, 2, usize::MAX - 1)?, centred(call, 3, 5, last)?);
    let sums = mat_mul(&a, &b)?;
    let (a_scale, b_scale) = (call.number(1)?, &call.input(4)?.values);
    requantised(call, &sums, |place| a_scale * b_scale[place % b_scale.len().max(1)])
}

fn q_conv(call: &Call<'_>) -> Result<Array, String> {
    let (x, w) = (centred(call, 0, 2, usize::MAX - 1)?, centred(call, 3, 5, 0)?);
    let sums = convolve(call, &x, &w, call.optional(8))?;
    let (x_scale, w_scale) = (call.number(1)?, &call.input(4)?.values);
    let (outputs, area) = (sums.dims[1], sums.dims[2..].iter().product::<usize>());
    if w_scale.len() != 1 && w_scale.len() != outputs {
        return Err(format!("{} weight scales for {outputs} outputs", w_scale.len()));
    }
    requantised(call, &sums, |place| x_scale * w_scale[place / area.max(1) % outputs % w_scale.len()])
}
