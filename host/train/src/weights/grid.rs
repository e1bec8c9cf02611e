//! What several rules share: signs, the reach of even grids, powers of two.

/// Exponents of powers of two span at most this.
pub const SPAN: i32 = 6;
/// An even grid reaches this many root mean squares.
const REACH: f64 = 3.0;

/// `w >= 0` is +1, else -1.
pub fn sign(w: f32) -> f32 {
    if w >= 0.0 { 1.0 } else { -1.0 }
}

/// [`sign`] of each.
pub fn signs(weights: &[f32]) -> Vec<f32> {
    weights.iter().map(|&w| sign(w)).collect()
}

/// Three root mean squares: where even grids end, the same for every number of bits.
pub fn reach(weights: &[f32]) -> f32 {
    let sum: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    (REACH * (sum / weights.len().max(1) as f64).sqrt()).max(1e-6) as f32
}

/// Straight through within the reach.
pub fn within(weights: &[f32], mut gradient: Vec<f32>) -> Vec<f32> {
    let reach = reach(weights);
    for (gradient, w) in gradient.iter_mut().zip(weights) {
        *gradient = if w.abs() <= reach { *gradient } else { 0.0 };
    }
    gradient
}

/// `sign(x) 2^round(log2 |x|)`, zero for zero: AP2 of Hubara et al. 2018.
pub fn power_ap2(x: f32) -> f32 {
    let (exponent, fraction) = parts(x);
    if x == 0.0 { 0.0 } else { exp2(exponent + i32::from(fraction > std::f32::consts::SQRT_2)).copysign(x) }
}

/// The exponent of the power of two that is nearest to `|x|` on the straight line, `x` not zero.
pub fn nearest_power(x: f32) -> i32 {
    let (exponent, fraction) = parts(x);
    exponent + i32::from(fraction >= 1.5)
}

/// `|x| = fraction * 2^exponent` with a fraction from 1 to 2, read from the bits: logarithms would take most of a step.
///
/// What is below 2^-126 counts as that.
fn parts(x: f32) -> (i32, f32) {
    let bits = x.abs().max(f32::MIN_POSITIVE).to_bits();
    ((bits >> 23) as i32 - 127, f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000))
}

/// 2 to the power of a small number, exactly.
pub fn exp2(exponent: i32) -> f32 {
    (exponent as f32).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_is_three_root_mean_squares() {
        assert!((reach(&[0.5f32, -0.5, 0.5, -0.5]) - 1.5).abs() < 1e-6);
    }

    #[test]
    fn both_roundings_to_powers_of_two_are_nearest_in_their_sense() {
        for step in 1..4000 {
            let x = step as f32 / 577.0;
            let size = exp2(nearest_power(x));
            assert!((x - size).abs() <= (x - 2.0 * size).abs() && (x - size).abs() <= (x - size / 2.0).abs(), "{x}");
            let log = power_ap2(-x);
            assert!(log < 0.0 && (x.log2() - (-log).log2()).abs() <= 0.5001, "{x}");
        }
        assert_eq!([power_ap2(1e-45), power_ap2(f32::MIN_POSITIVE)], [f32::MIN_POSITIVE; 2]);
        assert_eq!([power_ap2(0.0), power_ap2(1.0), power_ap2(-3.0)], [0.0, 1.0, -4.0]);
        assert_eq!([1.0, 1.49, 1.5, 2.0, 0.25].map(nearest_power), [0, 0, 1, 1, -2]);
    }
}
