//! Real weights as integers times one scale a row (per-channel, symmetric), and the smallest kind that holds them.

use bitfab_graph::{WeightQuantizer, Weights};

/// How far a weight may lie off its grid, in steps of it: exact but for the last bit of a product.
const EXACT: f64 = 1e-10;
/// The same where a file holds products that were rounded to 32 bits.
const ROUNDED: f64 = 3e-5;

/// Integer rows, and what one unit of each is worth.
#[derive(Debug, PartialEq)]
pub(crate) struct Matrix {
    pub integers: Vec<Vec<i32>>,
    pub scales: Vec<f64>,
    /// Rows whose weights lie off the grid by the rounding of 32-bit floats, and by how many steps at most.
    pub snapped: Option<(usize, f64)>,
}

impl Matrix {
    /// The coarsest grid of each row that holds its weights in 8 bits.
    ///
    /// # Errors
    /// The first row that has none.
    pub fn new(rows: &[Vec<f64>]) -> Result<Self, usize> {
        let mut matrix = Self { integers: Vec::new(), scales: Vec::new(), snapped: None };
        for (at, row) in rows.iter().enumerate() {
            let (scale, integers, off) = grid(row).ok_or(at)?;
            if off > EXACT {
                let (count, most) = matrix.snapped.unwrap_or((0, 0.0));
                matrix.snapped = Some((count + 1, most.max(off)));
            }
            matrix.integers.push(integers);
            matrix.scales.push(scale);
        }
        matrix.share();
        Ok(matrix)
    }

    /// One scale for all rows, where that needs no more bits: scores of one unit are compared as they are.
    fn share(&mut self) {
        let bits = |rows: &[Vec<i32>]| {
            let size = rows.iter().flatten().map(|w| w.unsigned_abs()).max().unwrap_or(0);
            u32::BITS - size.leading_zeros()
        };
        let is_live = |row: &Vec<i32>| row.iter().any(|&w| w != 0);
        let live = || self.integers.iter().zip(&self.scales).filter(|(row, _)| is_live(row)).map(|(_, &scale)| scale);
        let Some(least) = live().min_by(f64::total_cmp) else { return };
        let parts: Option<Vec<i32>> = self
            .integers
            .iter()
            .zip(&self.scales)
            .map(|(row, scale)| {
                let part = if is_live(row) { scale / least } else { 1.0 };
                ((part - part.round()).abs() < EXACT * part && part < 128.0).then_some(part.round() as i32)
            })
            .collect();
        let Some(parts) = parts else { return };
        let scaled = self.integers.iter().zip(&parts).map(|(row, part)| row.iter().map(|w| w * part).collect());
        let scaled: Vec<Vec<i32>> = scaled.collect();
        if bits(&scaled) <= bits(&self.integers) {
            self.integers = scaled;
            self.scales.fill(least);
        }
    }

    /// The smallest kind of weights that holds all integers, shaped as given.
    pub fn weights(&self, shape: [u32; 4]) -> Weights {
        let quantizer = self.kind();
        let value = |&integer: &i32| match quantizer {
            WeightQuantizer::SparseBinary { ratio, .. } => f32::from(u8::from(integer != ratio)),
            WeightQuantizer::Planes { bits } => ((integer - 1) / 2) as f32 / (1 << (bits - 1)) as f32,
            _ => integer as f32,
        };
        Weights::new(self.integers.iter().flatten().map(value).collect(), shape, quantizer)
    }

    fn kind(&self) -> WeightQuantizer {
        let all = || self.integers.iter().flatten().copied();
        let (least, most) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
        let has_dead = self.integers.iter().any(|row| row.iter().all(|&w| w == 0));
        let bits = (2..=8).find(|bits| -(1 << (bits - 1)) <= least && most < 1 << (bits - 1)).unwrap_or(8);
        let size = least.unsigned_abs().max(most.unsigned_abs());
        let planes = u32::BITS - size.leading_zeros();
        let (rise, has_two) = (most - least, all().all(|w| w == least || w == most));
        if all().all(|w| w.abs() == 1) {
            WeightQuantizer::Sign
        } else if has_two && rise.count_ones() == 1 && (-rise..rise).contains(&least) {
            WeightQuantizer::SparseBinary { ratio: least, shift: rise.trailing_zeros() }
        } else if size <= 1 && !has_dead {
            WeightQuantizer::Ternary
        } else if all().all(|w| w & 1 == 1) && planes < bits {
            WeightQuantizer::Planes { bits: planes }
        } else if bits > 4 && !has_dead && all().all(|w| w == 0 || w.abs().count_ones() == 1 && w.abs() <= 64) {
            WeightQuantizer::PowerOfTwo
        } else {
            WeightQuantizer::Integer { bits }
        }
    }
}

/// Scale, integers of at most 8 bits, and how far they are off in steps.
fn grid(row: &[f64]) -> Option<(f64, Vec<i32>, f64)> {
    let sizes = || row.iter().map(|w| w.abs()).filter(|&w| w > 0.0);
    let Some(least) = sizes().min_by(f64::total_cmp) else { return Some((1.0, vec![0; row.len()], 0.0)) };
    let most = sizes().max_by(f64::total_cmp).unwrap_or(least);
    let parts = || (1..=128u32).take_while(|&part| most / least * f64::from(part) < 128.5);
    let within = |tolerance: f64| parts().find_map(|part| on_grid(row, least / f64::from(part), tolerance));
    within(EXACT).or_else(|| within(ROUNDED))
}

/// The row in steps of `scale`, if it is bytes and none is further off than `tolerance` steps.
fn on_grid(row: &[f64], scale: f64, tolerance: f64) -> Option<(f64, Vec<i32>, f64)> {
    let (mut integers, mut off) = (Vec::with_capacity(row.len()), 0.0f64);
    for weight in row {
        let ratio = weight / scale;
        off = off.max((ratio - ratio.round()).abs());
        if off > tolerance {
            return None;
        }
        integers.push(ratio.round() as i32);
    }
    let is_byte = integers.iter().all(|w| (-128..=127).contains(w));
    is_byte.then_some((scale, integers, off))
}

/// A row that no grid of 8 bits holds, on the one that reaches its largest weight; any other as it is.
pub(crate) fn nearest(row: Vec<f64>) -> Vec<f64> {
    if Matrix::new(std::slice::from_ref(&row)).is_ok() {
        return row;
    }
    let step = row.iter().map(|weight| weight.abs()).fold(0.0, f64::max) / 127.0;
    row.into_iter().map(|weight| (weight / step).round() * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(rows: &[&[f64]]) -> WeightQuantizer {
        let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.to_vec()).collect();
        let matrix = Matrix::new(&rows).expect("a grid");
        let weights = matrix.weights([rows.len() as u32, 1, 1, rows[0].len() as u32]);
        assert_eq!(weights.quantized(), matrix.integers.concat(), "{:?}", weights.quantizer);
        weights.quantizer
    }

    #[test]
    fn the_smallest_kind_is_taken() {
        use WeightQuantizer::*;
        assert_eq!(kind(&[&[0.3, -0.3, 0.3], &[7.0, 7.0, -7.0]]), Sign);
        assert_eq!(kind(&[&[0.0, 1.0, 0.0], &[1.0, 1.0, 0.0]]), SparseBinary { ratio: 0, shift: 0 });
        assert_eq!(kind(&[&[0.0, -0.5], &[0.5, 0.5]]), Ternary);
        assert_eq!(kind(&[&[0.0, 0.0], &[0.5, -0.5]]), Integer { bits: 2 });
        assert_eq!(kind(&[&[-3.0, 1.0, 3.0, -1.0]]), Planes { bits: 2 });
        assert_eq!(kind(&[&[-3.0, 1.0, 3.0, 0.0]]), Integer { bits: 3 });
        assert_eq!(kind(&[&[-32.0, 1.0, 2.0, 0.0]]), PowerOfTwo);
        assert_eq!(kind(&[&[-4.0, 1.0, 2.0, 0.0]]), Integer { bits: 3 });
        assert_eq!(kind(&[&[-128.0, 1.0, 77.0, 0.0]]), Integer { bits: 8 });
    }

    #[test]
    fn rows_share_a_scale_where_that_is_free() {
        let matrix = Matrix::new(&[vec![0.5, -1.5], vec![1.0, -1.0], vec![0.0, 0.0]]).expect("a grid");
        assert_eq!((matrix.scales, matrix.integers), (vec![0.5; 3], vec![vec![1, -3], vec![2, -2], vec![0, 0]]));
        let matrix = Matrix::new(&[vec![0.5, -0.5], vec![1.0, -1.0]]).expect("a grid");
        assert_eq!(matrix.scales, [0.5, 1.0], "binary stays binary");
    }

    #[test]
    fn rows_off_every_grid_are_named() {
        assert_eq!(Matrix::new(&[vec![1.0, 2.0], vec![1.0, std::f64::consts::FRAC_PI_2]]), Err(1));
        assert_eq!(Matrix::new(&[vec![1.0, 200.0]]), Err(0), "nine bits");
        let rounded: Vec<f64> = [3, -2, 1].map(|q| f64::from(q as f32 * 0.1f32)).into();
        let matrix = Matrix::new(&[rounded]).expect("a grid but for rounding");
        assert_eq!(matrix.integers, [[3, -2, 1]]);
    }
}
