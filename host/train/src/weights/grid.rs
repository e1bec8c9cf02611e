//! Even and logarithmic grids: integers, nesting planes, powers of two.

use super::{Exported, Integers};
use bitfab_graph::WeightQuantizer;

/// Exponents of powers of two span at most this.
pub(super) const SPAN: i32 = 6;
/// An even grid reaches this many root mean squares.
const REACH: f64 = 3.0;

/// Three root mean squares: where even grids end, the same for every number of bits.
pub(super) fn reach(weights: &[f32]) -> f32 {
    let sum: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    (REACH * (sum / weights.len().max(1) as f64).sqrt()).max(1e-6) as f32
}

/// `clamp(round(w / step), -2^(bits - 1), 2^(bits - 1) - 1)` with the step that makes [`reach`] the largest.
pub(super) fn integers(weights: &[f32], bits: u32) -> Integers {
    let top = (1i32 << (bits - 1)) as f32;
    // With few bits the whole reach would leave nearly all weights at zero.
    let reach = if bits <= 2 { reach(weights) / 2.0 } else { reach(weights) };
    let step = reach / top;
    let values = weights.iter().map(|w| (w / step).round().clamp(-top, top - 1.0)).collect();
    Integers { values, scales: vec![step] }
}

/// `2 q + 1` with `q = clamp(floor(w / reach * 2^(bits - 1)))`; a weight is that times `reach / 2^bits`.
pub(super) fn planes(weights: &[f32], bits: u32) -> Integers {
    let Exported { values, scales, quantizer, .. } = export_planes(weights, bits);
    Integers { values: values.iter().map(|&v| quantizer.quantize(v) as f32).collect(), scales }
}

/// Values are `w / reach`, the same for every number of bits.
pub(super) fn export_planes(weights: &[f32], bits: u32) -> Exported {
    let reach = reach(weights);
    Exported {
        quantizer: WeightQuantizer::Planes { bits },
        values: weights.iter().map(|w| w / reach).collect(),
        basis: Vec::new(),
        scales: vec![reach / (1u32 << bits) as f32],
    }
}

/// Straight through within the reach.
pub(super) fn within(weights: &[f32], mut gradient: Vec<f32>) -> Vec<f32> {
    let reach = reach(weights);
    for (gradient, w) in gradient.iter_mut().zip(weights) {
        *gradient = if w.abs() <= reach { *gradient } else { 0.0 };
    }
    gradient
}

/// `sign(x) 2^round(log2 |x|)`, zero for zero.
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
pub(super) fn exp2(exponent: i32) -> f32 {
    (exponent as f32).exp2()
}

/// Integers `+-2^0..6` and zero, nearest in the logarithm, and the scale of the smallest.
///
/// What is below half of the smallest power is zero.
pub(super) fn powers(weights: &[f32]) -> (Vec<f32>, f32) {
    let largest = weights.iter().fold(1e-6f32, |largest, w| largest.max(w.abs()));
    let smallest = power_ap2(largest) / exp2(SPAN);
    let one = |w: &f32| match w.abs() / smallest {
        size if size < 0.5 => 0.0,
        size => power_ap2(size).clamp(1.0, exp2(SPAN)).copysign(*w),
    };
    (weights.iter().map(one).collect(), smallest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_lie_on_an_even_grid_that_ends_at_the_reach() {
        let weights = [0.5f32, -0.5, 0.5, -0.5];
        assert!((reach(&weights) - 1.5).abs() < 1e-6);
        assert_eq!(integers(&weights, 4).scales, [1.5 / 8.0]);
        assert_eq!(integers(&weights, 4).values, [3.0, -3.0, 3.0, -3.0]);
        assert_eq!(integers(&[0.0, 0.0, 0.0, 9.0], 3).values, [0.0, 0.0, 0.0, 3.0]);
    }

    #[test]
    fn planes_approach_the_weights_by_half_with_each_bit() {
        let weights: Vec<f32> = (-50..50).map(|i| i as f32 / 50.0).collect();
        let error = |bits| -> f32 {
            let found = planes(&weights, bits).times();
            found.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        for bits in 1..8 {
            assert!(error(bits) <= reach(&weights) / (1 << bits) as f32 * 1.0001, "{bits}");
        }
        let two = planes(&weights, 2);
        let one: Vec<f32> = two.values.iter().map(|v| 2.0 * ((v - 1.0) / 4.0).floor() + 1.0).collect();
        assert_eq!(planes(&weights, 1).values, one);
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

    #[test]
    fn powers_span_at_most_six_and_what_is_smaller_is_zero() {
        let (values, scale) = powers(&[1.0, -0.5, 1.0 / 64.0, 0.009, 0.007, 0.0]);
        assert_eq!((values, scale), (vec![64.0, -32.0, 1.0, 1.0, 0.0, 0.0], 1.0 / 64.0));
    }
}
