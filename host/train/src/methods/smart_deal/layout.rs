//! Where coefficients and bases of a filter lie, and coefficients as integers.

use super::decompose::SIDE;
use crate::weights::grid::{SPAN, exp2, nearest_power};

/// Values of a basis.
pub(super) const BASIS: usize = SIDE * SIDE;

/// Latent numbers of one filter: its weights padded to rows of three.
pub(super) fn padded(fan_in: usize) -> usize {
    fan_in.next_multiple_of(SIDE)
}

/// The exponent of the smallest power that a group may use.
pub(super) fn lowest_power(weights: &[f32], mask: &[bool]) -> i32 {
    let kept = weights.iter().zip(mask).filter(|(_, is_kept)| **is_kept);
    nearest_power(kept.fold(1e-12f32, |largest, (c, _)| largest.max(c.abs()))) - SPAN
}

/// `+-2^0..6`, or zero where nothing is kept.
pub(super) fn code(c: f32, is_kept: bool, lowest: i32) -> f32 {
    if !is_kept {
        return 0.0;
    }
    let exponent = if c == 0.0 { 0 } else { (nearest_power(c) - lowest).clamp(0, SPAN) };
    exp2(exponent).copysign(c)
}

/// A filter without any coefficient gets one, so that it is not dead.
pub(super) fn revive(weights: &mut [f32], extra: &mut [f32], padded: usize, bases: usize) {
    let filters = weights.chunks_exact_mut(padded).zip(extra.chunks_exact_mut(bases));
    for (weights, extra) in filters.filter(|(weights, _)| weights.iter().all(|&c| c == 0.0)) {
        weights[0] = 1.0 / 64.0;
        extra[..BASIS].copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }
}

/// Filters padded to rows of three.
pub(super) fn pad(values: &[f32], fan_in: usize) -> Vec<f32> {
    let padding = padded(fan_in) - fan_in;
    values.chunks_exact(fan_in).flat_map(|filter| filter.iter().copied().chain(vec![0.0; padding])).collect()
}

/// Filters without their padding.
pub(super) fn strip(values: &[f32], fan_in: usize) -> Vec<f32> {
    values.chunks_exact(padded(fan_in)).flat_map(|filter| &filter[..fan_in]).copied().collect()
}
