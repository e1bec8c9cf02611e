//! A matrix with three columns as sparse powers of two times a 3 x 3 basis (SmartExchange, Zhao et al. 2020).

use crate::weights::grid::{SPAN, exp2, nearest_power};

/// Values of a row.
pub(super) const SIDE: usize = 3;
/// Alternations at most.
const ROUNDS: usize = 12;

/// `coefficients x basis`, near the matrix that was decomposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposed {
    /// 0 or plus or minus a power of two, as many as the matrix has values.
    pub coefficients: Vec<f32>,
    /// Row by row.
    pub basis: [f32; 9],
    /// Squared error after each round that was kept; falls.
    pub errors: Vec<f64>,
}

/// Alternating fit: the basis has rows of length 1, coefficients below `threshold` are zero, the rest are powers of
/// two, nearest on the straight line and spanning 2^6; then the best basis for them; then the best coefficients for
/// that basis.
///
/// Ends when the error no longer falls, and gives the best round.
///
/// # Panics
/// If the length is no multiple of 3.
pub fn decompose(matrix: &[f32], threshold: f32) -> Decomposed {
    assert!(matrix.len().is_multiple_of(SIDE), "rows of three");
    let mut basis = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0].map(f64::from);
    let mut real: Vec<f64> = matrix.iter().map(|&v| f64::from(v)).collect();
    let mut best: Option<Decomposed> = None;
    let mut errors = Vec::new();
    for _ in 0..ROUNDS {
        normalise(&mut basis, &mut real);
        let coefficients = powers(&real, threshold);
        let fitted = best_basis(matrix, &coefficients);
        let error = squared_error(matrix, &coefficients, &fitted);
        if errors.last().is_some_and(|last| error >= *last) {
            break;
        }
        errors.push(error);
        best = Some(Decomposed { coefficients, basis: fitted.map(|v| v as f32), errors: Vec::new() });
        let Some(inverse) = inverse(&fitted) else { break };
        basis = fitted;
        real = times(matrix, &inverse);
    }
    match best {
        Some(best) => Decomposed { errors, ..best },
        None => Decomposed { coefficients: vec![0.0; matrix.len()], basis: [0.0; 9], errors },
    }
}

/// Rows of the basis to length 1, columns of the coefficients by as much longer.
fn normalise(basis: &mut [f64; 9], real: &mut [f64]) {
    for j in 0..SIDE {
        let row = &mut basis[j * SIDE..(j + 1) * SIDE];
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|v| *v /= length);
            real.iter_mut().skip(j).step_by(SIDE).for_each(|c| *c *= length);
        }
    }
}

/// Powers of two of what is at least `threshold`.
fn powers(real: &[f64], threshold: f32) -> Vec<f32> {
    let largest = real.iter().fold(0.0f64, |largest, c| largest.max(c.abs())) as f32;
    if largest == 0.0 {
        return vec![0.0; real.len()];
    }
    let lowest = nearest_power(largest) - SPAN;
    let one = |&c: &f64| match c as f32 {
        c if c == 0.0 || c.abs() < threshold || c.abs() < exp2(lowest) / 2.0 => 0.0,
        c => exp2(nearest_power(c).max(lowest)).copysign(c),
    };
    real.iter().map(one).collect()
}

/// Least squares: `(C' C) B = C' A`, with a breath of ridge for columns that died.
fn best_basis(matrix: &[f32], coefficients: &[f32]) -> [f64; 9] {
    let (mut square, mut right) = ([0.0; 9], [0.0; 9]);
    for (a, c) in matrix.chunks_exact(SIDE).zip(coefficients.chunks_exact(SIDE)) {
        for i in 0..SIDE {
            for j in 0..SIDE {
                square[i * SIDE + j] += f64::from(c[i]) * f64::from(c[j]);
                right[i * SIDE + j] += f64::from(c[i]) * f64::from(a[j]);
            }
        }
    }
    let ridge = 1e-6 * (square[0] + square[4] + square[8]) + 1e-30;
    for i in 0..SIDE {
        square[i * SIDE + i] += ridge;
    }
    inverse(&square).map_or([0.0; 9], |inverse| product(&inverse, &right))
}

fn squared_error(matrix: &[f32], coefficients: &[f32], basis: &[f64; 9]) -> f64 {
    let built = times(coefficients, basis);
    matrix.iter().zip(built).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum()
}

/// Rows of three times a 3 x 3 matrix.
fn times(rows: &[f32], matrix: &[f64; 9]) -> Vec<f64> {
    let column = |row: &[f32], s: usize| (0..SIDE).map(|j| f64::from(row[j]) * matrix[j * SIDE + s]).sum();
    rows.chunks_exact(SIDE).flat_map(|row| (0..SIDE).map(move |s| column(row, s))).collect()
}

fn product(a: &[f64; 9], b: &[f64; 9]) -> [f64; 9] {
    std::array::from_fn(|at| (0..SIDE).map(|j| a[at / SIDE * SIDE + j] * b[j * SIDE + at % SIDE]).sum())
}

/// By cofactors; none if the rows are as good as dependent.
fn inverse(m: &[f64; 9]) -> Option<[f64; 9]> {
    let minor = |i: usize, j: usize| {
        let at = |row: usize, column: usize| m[(row % SIDE) * SIDE + column % SIDE];
        at(i + 1, j + 1) * at(i + 2, j + 2) - at(i + 1, j + 2) * at(i + 2, j + 1)
    };
    let determinant: f64 = (0..SIDE).map(|j| m[j] * minor(0, j)).sum();
    let size = m.iter().fold(0.0f64, |size, v| size.max(v.abs()));
    let is_sound = determinant.abs() > 1e-14 * size.powi(3) && determinant != 0.0;
    is_sound.then(|| std::array::from_fn(|at| minor(at % SIDE, at / SIDE) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream, symmetric};

    fn random(count: usize) -> Vec<f32> {
        let mut rng = stream(3, Purpose::Weights, 0, 0);
        (0..count).map(|_| symmetric(&mut rng)).collect()
    }

    fn relative(matrix: &[f32], found: &Decomposed) -> f64 {
        let energy: f64 = matrix.iter().map(|&v| f64::from(v).powi(2)).sum();
        (squared_error(matrix, &found.coefficients, &found.basis.map(f64::from)) / energy).sqrt()
    }

    #[test]
    fn inverses_undo_their_matrix() {
        let m = [2.0, 1.0, -1.0, 0.5, 3.0, 0.25, 1.0, -2.0, 4.0];
        let one = product(&m, &inverse(&m).unwrap());
        let unit = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert!(one.iter().zip(unit).all(|(a, b)| (a - b).abs() < 1e-12), "{one:?}");
        assert!(inverse(&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 0.0, 1.0, 0.0]).is_none());
    }

    #[test]
    fn the_error_falls_with_every_round_and_coefficients_are_powers() {
        let matrix = random(60);
        let found = decompose(&matrix, 0.0);
        assert!(found.errors.len() > 1 && found.errors.is_sorted_by(|a, b| a > b), "{:?}", found.errors);
        assert!((found.errors.last().unwrap() - relative(&matrix, &found).powi(2) * energy(&matrix)).abs() < 1e-4);
        assert!(relative(&matrix, &found) < 0.16, "{}", relative(&matrix, &found));
        for &c in found.coefficients.iter().filter(|c| **c != 0.0) {
            assert_eq!(c.abs(), exp2(nearest_power(c)));
        }
        let sizes = || found.coefficients.iter().filter(|c| **c != 0.0).map(|c| nearest_power(*c));
        assert!(sizes().max().unwrap() - sizes().min().unwrap() <= SPAN);
    }

    fn energy(matrix: &[f32]) -> f64 {
        matrix.iter().map(|&v| f64::from(v).powi(2)).sum()
    }

    #[test]
    fn what_is_sparse_powers_times_a_basis_is_found_nearly_exactly() {
        let basis = [0.9f32, 0.1, -0.2, 0.0, 1.0, 0.3, 0.2, -0.1, 0.8];
        let coefficients: Vec<f32> = (0..90).map(|i| [0.0, 0.5, -0.25, 1.0, 0.0, -1.0, 0.125][i * i % 7]).collect();
        let matrix: Vec<f32> = times(&coefficients, &basis.map(f64::from)).iter().map(|&v| v as f32).collect();
        let found = decompose(&matrix, 0.0);
        assert!(relative(&matrix, &found) < 0.12, "{}", relative(&matrix, &found));
    }

    #[test]
    fn thresholds_make_zeros_and_zeros_decompose() {
        let matrix = random(60);
        let zeros = |threshold| decompose(&matrix, threshold).coefficients.iter().filter(|c| **c == 0.0).count();
        assert!(zeros(0.5) > zeros(0.2) && zeros(0.2) > zeros(0.0));
        let none = decompose(&[0.0; 9], 0.1);
        assert!(none.coefficients.iter().all(|&c| c == 0.0) && none.basis.iter().all(|&b| b == 0.0));
    }
}
