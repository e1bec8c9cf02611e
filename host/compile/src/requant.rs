//! Scales and batch norms before a quantiser of many levels, folded into one multiplication that gives exactly the
//! same levels for every accumulator (NUMERICS 5.5).

use bitfab_format::{Bound, DraftTransform};

use crate::dyadic::Dyadic;
use crate::fold::{self, Affine, Steps};

/// The largest shift of the format.
const MAX_SHIFT: u32 = 47;
/// The largest offset of the format.
const MAX_OFFSET: i128 = 1 << 61;

/// The requantisation that reaches level `i` exactly where `affines` reach `steps[i - 1]`, with the smallest shift
/// that can; or the first channel for which no shift of the format can.
pub(crate) fn fold(affines: &[Affine], steps: &[Dyadic], bound: Bound) -> Result<DraftTransform, usize> {
    let all: Vec<Steps> = affines.iter().map(|affine| fold::thresholds(affine, steps, bound)).collect();
    // The real slope in levels; its sign is that of the thresholds' direction.
    let size = 2.0 * steps[0].to_f64();
    // From so many levels a unit on, all lie between two neighbouring accumulators: steeper makes no difference.
    let steepest = 2.0 * steps.len() as f64;
    let slope = |affine: &Affine| (affine.slope_f64() / size).clamp(-steepest, steepest);
    let slopes: Vec<f64> = affines.iter().map(slope).collect();
    let mut failed = 0;
    for shift in 1..=MAX_SHIFT {
        let channels = all.iter().zip(&slopes).map(|(steps, &slope)| channel(steps, slope, bound, shift));
        let mut found = Vec::with_capacity(all.len());
        for (index, channel) in channels.enumerate() {
            match channel {
                Some(pair) => found.push(pair),
                None => {
                    failed = index;
                    break;
                }
            }
        }
        if found.len() == all.len() {
            let (multipliers, offsets) = found.into_iter().unzip();
            return Ok(DraftTransform::Requant { shift, multipliers, offsets });
        }
    }
    Err(failed)
}

/// Multiplier and offset of one channel at `shift`, if they exist for the multiplier nearest to the slope or for 1.
fn channel(steps: &Steps, slope: f64, bound: Bound, shift: u32) -> Option<(i32, i64)> {
    let nearest = (slope * 2f64.powi(shift as i32)).round();
    if nearest.abs() > f64::from(i32::MAX) {
        return None;
    }
    let multiplier = nearest as i32;
    offset(steps, multiplier, bound, shift).map(|offset| (multiplier, offset))
}

/// An offset with which every step is reached where it should be and not before: the middle of those that do.
fn offset(steps: &Steps, multiplier: i32, bound: Bound, shift: u32) -> Option<i64> {
    let half = 1i128 << (shift - 1);
    // acc * m + offset + half >= level << shift
    let least = |level: usize, acc: i64| ((level as i128) << shift) - half - i128::from(acc) * i128::from(multiplier);
    let (mut low, mut high) = (-MAX_OFFSET, MAX_OFFSET);
    let count = steps.values.len();
    for index in 0..count {
        // Thresholds ascend; those of a falling channel are reached from above, the highest level at the lowest.
        let (level, value) =
            if steps.descends { (count - index, steps.values[index]) } else { (index + 1, steps.values[index]) };
        let (reached, missed) = neighbours(value, steps.descends, bound);
        low = low.max(reached.map_or(-MAX_OFFSET, |acc| least(level, acc)));
        high = high.min(missed.map_or(MAX_OFFSET, |acc| least(level, acc) - 1));
    }
    (low <= high).then(|| (low + (high - low) / 2) as i64)
}

/// The accumulator nearest to the threshold that reaches it, and the one that does not; `None` outside the bound.
fn neighbours(threshold: i32, descends: bool, bound: Bound) -> (Option<i64>, Option<i64>) {
    let (low, high) = (i64::from(bound.low), i64::from(bound.high));
    match (threshold, descends) {
        (i32::MIN, false) => (Some(low), None),
        (i32::MAX, false) => (None, Some(high)),
        (i32::MAX, true) => (Some(high), None),
        (i32::MIN, true) => (None, Some(low)),
        (at, false) => (Some(i64::from(at)), Some(i64::from(at) - 1)),
        (at, true) => (Some(i64::from(at)), Some(i64::from(at) + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_format::requant;

    fn levels(affine: &Affine, steps: &[Dyadic], bound: Bound) -> Vec<i32> {
        let steps = fold::thresholds(affine, steps, bound);
        let is_reached = |acc: i32, t: i32| if steps.descends { acc <= t } else { acc >= t };
        let level = |acc: i32| steps.values.iter().filter(|t| is_reached(acc, **t)).count() as i32;
        (bound.low..=bound.high).map(level).collect()
    }

    #[test]
    fn every_accumulator_gets_its_level() {
        let bound = Bound { low: -900, high: 900 };
        let steps: Vec<Dyadic> = (1..256).map(|i| Dyadic::from_int(2 * i - 1).half()).collect();
        for constants in [
            [0.31, 100.0, 5.0, 1.7, 1e-5],
            [-0.31, 120.5, 5.0, 1.7, 1e-5],
            [0.0, 3.4, 0.0, 1.0, 0.0],
            [2.0, 0.5, 0.0, 4.0, 0.0],
            [0.0, -3.0, 0.0, 1.0, 0.0],
            [1e-6, 255.49, 0.0, 1.0, 0.0],
        ] {
            let mut affine = Affine::identity();
            assert!(affine.normalise(constants));
            let Ok(DraftTransform::Requant { shift, multipliers, offsets }) = fold(&[affine.clone()], &steps, bound)
            else {
                panic!("{constants:?} cannot be folded")
            };
            let found: Vec<i32> =
                (bound.low..=bound.high).map(|acc| requant(acc, multipliers[0], offsets[0], shift, 8)).collect();
            assert_eq!(found, levels(&affine, &steps, bound), "{constants:?}");
        }
    }
}
