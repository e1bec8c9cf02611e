//! Scales and batch norms before a quantiser of many levels, folded into one multiplication that gives exactly the
//! same levels for every accumulator (NUMERICS 5.5).

use bitfab_format::{Bound, DraftTransform, Rescale};

use crate::dyadic::Dyadic;
use crate::fold::{self, Affine, Steps};

/// The largest shift of the format.
const MAX_SHIFT: u32 = 47;
/// The largest offset of the format.
const MAX_OFFSET: i128 = 1 << 61;
/// How far the shifts of a layer may lie apart.
const MAX_SPREAD: u32 = 16;

/// The requantisation that reaches level `i` exactly where `affines` reach `steps[i - 1]`, each channel by the
/// smallest shift that can; or the first channel for which no shift of the format can.
pub(crate) fn fold(affines: &[Affine], steps: &[Dyadic], bound: Bound) -> Result<DraftTransform, usize> {
    // The real slope in levels. From so many levels a unit on, all lie between two neighbouring accumulators:
    // steeper makes no difference.
    let (size, steepest) = (2.0 * steps[0].to_f64(), 2.0 * steps.len() as f64);
    let scale = |(index, affine): (usize, &Affine)| {
        let slope = (affine.slope_f64() / size).clamp(-steepest, steepest);
        channel(&fold::thresholds(affine, steps, bound), slope, bound).ok_or(index)
    };
    let scales: Vec<Rescale> = affines.iter().enumerate().map(scale).collect::<Result<_, _>>()?;
    let most = scales.iter().map(|scale| scale.shift).max().unwrap_or(1);
    let raised =
        scales.iter().enumerate().map(|(index, scale)| raise(*scale, most.saturating_sub(MAX_SPREAD)).ok_or(index));
    Ok(DraftTransform::Requant { scales: raised.collect::<Result<_, _>>()? })
}

/// The same values by a shift of at least `least`; `None` where multiplier or offset leave the format.
fn raise(scale: Rescale, least: u32) -> Option<Rescale> {
    let by = least.saturating_sub(scale.shift);
    let multiplier = i32::try_from(i64::from(scale.multiplier) << by.min(32)).ok()?;
    let offset = i128::from(scale.offset) << by;
    (offset.abs() <= MAX_OFFSET).then_some(Rescale { multiplier, offset: offset as i64, shift: scale.shift + by })
}

/// The scale of one channel with the smallest shift for which the multiplier nearest to the slope has an offset.
fn channel(steps: &Steps, slope: f64, bound: Bound) -> Option<Rescale> {
    (1..=MAX_SHIFT).find_map(|shift| {
        let multiplier = (slope * 2f64.powi(shift as i32)).round();
        let is_small = multiplier.abs() <= f64::from(i32::MAX);
        let multiplier = is_small.then_some(multiplier as i32)?;
        offset(steps, multiplier, bound, shift).map(|offset| Rescale { multiplier, offset, shift })
    })
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
            let Ok(DraftTransform::Requant { scales }) = fold(&[affine.clone()], &steps, bound) else {
                panic!("{constants:?} cannot be folded")
            };
            let found: Vec<i32> = (bound.low..=bound.high).map(|acc| scales[0].apply(acc, 8)).collect();
            assert_eq!(found, levels(&affine, &steps, bound), "{constants:?}");
        }
    }
}
