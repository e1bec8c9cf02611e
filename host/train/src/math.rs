//! Matrix products and sums over both cores whose bits do not depend on the number of threads.
//!
//! Work is cut into pieces by shape alone, each piece is computed by one thread,
//! and partial sums are added in the order of the pieces.
//! (`matrixmultiply` chooses its kernel by the processor's features, so bits may differ between kinds of processors.)

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Smallest number of rows or columns worth a piece of its own.
const PIECE: usize = 64;
/// Rows of one partial sum.
const SUM_ROWS: usize = 64;
/// Elements of one piece of an element-wise loop.
pub(crate) const ELEMENTS: usize = 16 * 1024;

/// A row-major view; `values` holds at least `rows * columns` elements.
///
/// # Panics
/// If it holds fewer: a broken promise inside this crate.
pub(crate) fn view(values: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    let exact = &values[..rows * columns];
    ArrayView2::from_shape((rows, columns), exact).expect("length was cut to rows * columns")
}

/// A row-major mutable view, see [`view`].
///
/// # Panics
/// If `values` is too short.
pub(crate) fn view_mut(values: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    let exact = &mut values[..rows * columns];
    ArrayViewMut2::from_shape((rows, columns), exact).expect("length was cut to rows * columns")
}

/// `c = a b`, cut along the longer side of `c`.
pub(crate) fn product(a: ArrayView2<f32>, b: ArrayView2<f32>, mut c: ArrayViewMut2<f32>) {
    let (rows, columns) = c.dim();
    if rows >= columns {
        let piece = piece(rows);
        c.axis_chunks_iter_mut(Axis(0), piece)
            .into_par_iter()
            .zip(a.axis_chunks_iter(Axis(0), piece))
            .for_each(|(mut c, a)| general_mat_mul(1.0, &a, &b, 0.0, &mut c));
    } else {
        let piece = piece(columns);
        c.axis_chunks_iter_mut(Axis(1), piece)
            .into_par_iter()
            .zip(b.axis_chunks_iter(Axis(1), piece))
            .for_each(|(mut c, b)| general_mat_mul(1.0, &a, &b, 0.0, &mut c));
    }
}

/// A quarter of the side, rounded up to whole multiples of the kernel, at least [`PIECE`].
fn piece(side: usize) -> usize {
    side.div_ceil(4).next_multiple_of(16).max(PIECE)
}

/// Per channel: two sums over rows in `f64`.
///
/// `f(row of x, row of y, sums)` adds one row; both slices hold rows of `channels` values.
pub(crate) fn channel_sums(
    x: &[f32],
    y: &[f32],
    channels: usize,
    f: impl Fn(&[f32], &[f32], &mut [[f64; 2]]) + Sync,
) -> Vec<[f64; 2]> {
    let piece = SUM_ROWS * channels;
    let parts: Vec<Vec<[f64; 2]>> = x
        .par_chunks(piece)
        .zip(y.par_chunks(piece))
        .map(|(x, y)| {
            let mut sums = vec![[0.0; 2]; channels];
            for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact(channels)) {
                f(x, y, &mut sums);
            }
            sums
        })
        .collect();
    let mut total = vec![[0.0; 2]; channels];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            total[0] += part[0];
            total[1] += part[1];
        }
    }
    total
}

/// Adds vectors of equal length in their order.
pub(crate) fn add_in_order(parts: Vec<Vec<f32>>, length: usize) -> Vec<f32> {
    let mut total = vec![0.0; length];
    total.par_chunks_mut(ELEMENTS / 4).enumerate().for_each(|(piece, total)| {
        let start = piece * (ELEMENTS / 4);
        for part in &parts {
            for (total, value) in total.iter_mut().zip(&part[start..]) {
                *total += value;
            }
        }
    });
    total
}

/// `f` of every value.
pub(crate) fn map(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut result = vec![0.0; x.len()];
    result.par_chunks_mut(ELEMENTS).zip(x.par_chunks(ELEMENTS)).for_each(|(out, x)| {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f(x);
        }
    });
    result
}

/// `f(value, constants of its channel)` of every value; `constants` has one entry a channel.
pub(crate) fn map_channels<T: Copy + Sync>(x: &[f32], constants: &[T], f: impl Fn(f32, T) -> f32 + Sync) -> Vec<f32> {
    let mut result = x.to_vec();
    let channels = constants.len();
    result.par_chunks_mut(SUM_ROWS * channels).for_each(|rows| {
        for row in rows.chunks_exact_mut(channels) {
            for (value, &constants) in row.iter_mut().zip(constants) {
                *value = f(*value, constants);
            }
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream, symmetric};

    fn random(count: usize, index: u64) -> Vec<f32> {
        let mut rng = stream(9, Purpose::Weights, index, 0);
        (0..count).map(|_| symmetric(&mut rng)).collect()
    }

    #[test]
    fn product_is_the_same_on_one_and_four_threads() {
        let (m, k, n) = (300, 217, 131);
        let (a, b) = (random(m * k, 0), random(k * n, 1));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut c = vec![0.0; m * n];
                product(view(&a, m, k), view(&b, k, n), view_mut(&mut c, m, n));
                let mut t = vec![0.0; m * n];
                let (at, bt) = (view(&a, m, k), view(&b, k, n));
                product(bt.t(), at.t(), view_mut(&mut t, n, m));
                let sums = channel_sums(&a, &a, k, |x, _, sums| {
                    for (sum, &x) in sums.iter_mut().zip(x) {
                        sum[0] += f64::from(x) / 3.0;
                    }
                });
                (c, t, sums)
            })
        };
        let one = run(1);
        assert_eq!(one, run(4));
        let naive: f32 = (0..k).map(|i| a[5 * k + i] * b[i * n + 7]).sum();
        assert!((one.0[5 * n + 7] - naive).abs() < 1e-4);
        assert!((one.1[7 * m + 5] - naive).abs() < 1e-4);
    }
}
