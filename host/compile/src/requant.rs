//! Scales and batch norms before a quantiser of many levels, folded into one multiplication that gives exactly the
//! same levels for every accumulator (NUMERICS 5.5), or the nearest one and what it costs.

use std::ops::RangeInclusive;

use bitfab_format::limits::{MAX_OFFSET, MAX_RESCALE_SHIFT, MAX_SHIFT_SPREAD};
use bitfab_format::{Bound, DraftTransform, Rescale};

use crate::dyadic::Dyadic;
use crate::fold::{self, Affine, Steps};

/// How many multipliers above and below the slope are tried at every shift.
const NEAR: i32 = 8;

/// What a nearest multiplication does not do as exact arithmetic would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rounding {
    /// Channels that have no exact one.
    pub channels: u32,
    /// Accumulators of these channels that get another level than their own.
    pub accumulators: u64,
    /// Accumulators that these channels can have.
    pub of: u64,
    /// The most levels by which one is off.
    pub levels: u32,
}

impl Rounding {
    /// Counts a channel.
    fn add(&mut self, bound: Bound, (accumulators, levels): (u64, u32)) {
        self.channels += 1;
        self.accumulators += accumulators;
        self.of += u64::from(bound.high.abs_diff(bound.low)) + 1;
        self.levels = self.levels.max(levels);
    }
}

/// One channel: where it reaches each level, and its slope in levels.
struct Channel {
    steps: Steps,
    slope: f64,
    /// The sums that can be.
    bound: Bound,
}

/// The requantisation that reaches level `i` exactly where `affines` reach `steps[i - 1]`, by the smallest shifts.
///
/// Sums that are much finer than the levels may have no such multiplier of 32 bits; then the nearest one is taken,
/// and what differs is counted.
///
/// `bounds` are the sums of each channel that can be: levels beyond them ask for nothing.
pub(crate) fn fold(affines: &[Affine], steps: &[Dyadic], bounds: &[Bound]) -> (DraftTransform, Rounding) {
    let channels = affines.iter().zip(bounds).map(|(affine, &bound)| Channel::new(affine, steps, bound));
    scales(&channels.collect::<Vec<_>>())
}

/// As [`fold`], for thresholds that are integers already.
pub(crate) fn fit(steps: &[Steps], bounds: &[Bound]) -> (DraftTransform, Rounding) {
    scales(&steps.iter().zip(bounds).map(|(steps, &bound)| Channel::of(steps, bound)).collect::<Vec<_>>())
}

fn scales(channels: &[Channel]) -> (DraftTransform, Rounding) {
    let exact: Option<Vec<Rescale>> = channels.iter().map(|one| one.exact(1..=MAX_RESCALE_SHIFT)).collect();
    if let Some(scales) = exact.filter(|scales| spread(scales) <= MAX_SHIFT_SPREAD) {
        return (DraftTransform::Requant { scales }, Rounding::default());
    }
    // The steepest channel says which shifts all can have.
    let lowest =
        channels.iter().map(Channel::largest_shift).min().unwrap_or(1).min(MAX_RESCALE_SHIFT - MAX_SHIFT_SPREAD);
    let window = lowest..=lowest + MAX_SHIFT_SPREAD;
    let mut rounding = Rounding::default();
    let mut scale = |channel: &Channel| {
        channel.exact(window.clone()).unwrap_or_else(|| {
            let scale = channel.nearest(lowest + MAX_SHIFT_SPREAD);
            rounding.add(channel.bound, channel.differing(&scale));
            scale
        })
    };
    let scales = channels.iter().map(&mut scale).collect();
    (DraftTransform::Requant { scales }, rounding)
}

/// How far the shifts lie apart.
fn spread(scales: &[Rescale]) -> u32 {
    let shifts = || scales.iter().map(|scale| scale.shift);
    shifts().max().unwrap_or(0) - shifts().min().unwrap_or(0)
}

impl Channel {
    fn new(affine: &Affine, steps: &[Dyadic], bound: Bound) -> Self {
        // From so many levels a unit on, all lie between two neighbouring accumulators: steeper makes no difference.
        let (size, steepest) = (2.0 * steps[0].to_f64(), 2.0 * steps.len() as f64);
        let slope = (affine.slope_f64() / size).clamp(-steepest, steepest);
        Self { steps: fold::thresholds(affine, steps, bound), slope, bound }
    }

    /// The slope in the middle of those with which some offset reaches every level where it should be, or else at most
    /// half a level beside it.
    fn of(steps: &Steps, bound: Bound) -> Self {
        let mut channel = Self { steps: steps.clone(), slope: 0.0, bound };
        let sign = if steps.descends { -1.0 } else { 1.0 };
        let mut levels: Vec<Begin> = channel
            .levels()
            .map(|(level, value)| {
                let (reached, missed) = neighbours(value, steps.descends, bound);
                (level as f64, reached.map(|acc| sign * acc as f64), missed.map(|acc| sign * acc as f64))
            })
            .collect();
        levels.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Thresholds within the bound; a channel of one level has none, and no slope.
        let within: Vec<(f64, f64)> = levels
            .iter()
            .filter_map(|&(level, reached, missed)| reached.zip(missed).map(|(acc, _)| (level, acc)))
            .collect();
        let Some((first, last)) = within.first().zip(within.last()) else { return channel };
        let middle = [0.0, 0.5].into_iter().find_map(|slack| {
            let (least, most) = slopes(&levels, slack);
            (least < most).then_some((least + most) / 2.0)
        });
        // No line does it: the one through the first and the last threshold is near.
        let through = || if last.1 > first.1 { (last.0 - first.0) / (last.1 - first.1) } else { levels.len() as f64 };
        channel.slope = sign * middle.unwrap_or_else(through);
        channel
    }

    /// The multiplier nearest to the slope at `shift`, if it fits.
    fn multiplier(&self, shift: u32) -> Option<i32> {
        let multiplier = (self.slope * 2f64.powi(shift as i32)).round();
        (multiplier.abs() <= f64::from(i32::MAX)).then_some(multiplier as i32)
    }

    fn largest_shift(&self) -> u32 {
        (1..=MAX_RESCALE_SHIFT).rev().find(|&shift| self.multiplier(shift).is_some()).unwrap_or(1)
    }

    /// The smallest of `shifts` at which a multiplier near the slope has an offset with which every level is reached
    /// where it should be and not before: the one nearest to zero of those that do.
    fn exact(&self, mut shifts: RangeInclusive<u32>) -> Option<Rescale> {
        shifts.find_map(|shift| {
            let nearest = self.multiplier(shift)?;
            // Away from the slope, one step up and one down in turn.
            let apart = (0..=2 * NEAR).map(|at| if at % 2 == 0 { at / 2 } else { -(at / 2) - 1 });
            apart.filter_map(|apart| nearest.checked_add(apart)).find_map(|multiplier| {
                let (low, high) = self.offsets(multiplier, shift);
                (low <= high).then(|| Rescale { multiplier, offset: 0i128.clamp(low, high) as i64, shift })
            })
        })
    }

    /// The scale by the largest shift up to `most`, its offset halfway between what the levels want that are reached
    /// and missed: those that are always or never reached may be beyond a limit, where no line can follow.
    fn nearest(&self, most: u32) -> Rescale {
        let shift = self.largest_shift().min(most);
        let multiplier = self.multiplier(shift).unwrap_or(0);
        let (low, high) = self.offsets_where(multiplier, shift, |value| (i32::MIN + 1..i32::MAX).contains(&value));
        let offset = ((low + high) / 2).clamp(-i128::from(MAX_OFFSET), i128::from(MAX_OFFSET)) as i64;
        Rescale { multiplier, offset, shift }
    }

    /// Least and greatest offset with which no level is reached late and none early; crossed if there is none.
    fn offsets(&self, multiplier: i32, shift: u32) -> (i128, i128) {
        self.offsets_where(multiplier, shift, |_| true)
    }

    /// As [`offsets`](Self::offsets), for the thresholds that count.
    fn offsets_where(&self, multiplier: i32, shift: u32, counts: impl Fn(i32) -> bool) -> (i128, i128) {
        let half = 1i128 << (shift - 1);
        // acc * m + offset + half >= level << shift
        let least =
            |level: usize, acc: i64| ((level as i128) << shift) - half - i128::from(acc) * i128::from(multiplier);
        let (mut low, mut high) = (-i128::from(MAX_OFFSET), i128::from(MAX_OFFSET));
        for (level, value) in self.levels().filter(|&(_, value)| counts(value)) {
            let (reached, missed) = neighbours(value, self.steps.descends, self.bound);
            low = low.max(reached.map_or(-i128::from(MAX_OFFSET), |acc| least(level, acc)));
            high = high.min(missed.map_or(i128::from(MAX_OFFSET), |acc| least(level, acc) - 1));
        }
        (low, high)
    }

    /// Levels and their thresholds. Thresholds ascend; those of a falling channel are reached from above, the highest
    /// level at the lowest.
    fn levels(&self) -> impl Iterator<Item = (usize, i32)> + '_ {
        let (count, descends) = (self.steps.values.len(), self.steps.descends);
        self.steps
            .values
            .iter()
            .enumerate()
            .map(move |(index, &value)| (if descends { count - index } else { index + 1 }, value))
    }

    /// Accumulators within the bound that get another level than their own, and by how many levels at most.
    fn differing(&self, scale: &Rescale) -> (u64, u32) {
        let (low, high) = (i64::from(self.bound.low), i64::from(self.bound.high));
        let (bits, descends) = (usize::BITS - self.steps.values.len().leading_zeros(), self.steps.descends);
        let at = |distance: i64| if descends { high - distance } else { low + distance };
        // Distance from the side where no level is reached yet to the first accumulator that reaches `level`.
        let found = |level: usize| {
            let (mut before, mut reached) = (-1, high - low + 1);
            while reached - before > 1 {
                let middle = before + (reached - before) / 2;
                let is_reached = scale.apply(at(middle) as i32, bits) as usize >= level;
                (before, reached) = if is_reached { (before, middle) } else { (middle, reached) };
            }
            reached
        };
        let wanted = |value: i32| match (value, descends) {
            (i32::MIN, false) | (i32::MAX, true) => 0,
            (i32::MAX, false) | (i32::MIN, true) => high - low + 1,
            (value, true) => (high - i64::from(value)).clamp(0, high - low + 1),
            (value, false) => (i64::from(value) - low).clamp(0, high - low + 1),
        };
        // Where a level begins in either way, from one side to the other: between two such places nothing changes.
        let begins = self.levels().flat_map(|(level, value)| [(found(level), 1i64), (wanted(value), -1)]);
        let mut begins: Vec<(i64, i64)> = begins.chain([(high - low + 1, 0)]).collect();
        begins.sort_unstable();
        let (mut count, mut most, mut ahead, mut from) = (0, 0, 0i64, 0);
        for (place, step) in begins {
            if place > from && ahead != 0 {
                count += (place - from) as u64;
                most = most.max(ahead.unsigned_abs() as u32);
            }
            (from, ahead) = (place, ahead + step);
        }
        (count, most)
    }
}

/// A level, the first accumulator in the direction of rising levels that has it, and the last that does not.
type Begin = (f64, Option<f64>, Option<f64>);

/// The slopes with which some offset reaches every level at most `slack` levels beside where it should; crossed if
/// there is none.
///
/// A line reaches a level in time if it lies above a point, and not before it if it lies below one.
fn slopes(levels: &[Begin], slack: f64) -> (f64, f64) {
    let (mut least, mut most) = (0.0f64, 2.0 * levels.len() as f64);
    for &(level, reached, _) in levels {
        let Some(reached) = reached else { continue };
        for &(other, _, missed) in levels {
            let Some(missed) = missed else { continue };
            let (run, rise) = (reached - missed, level - other - 2.0 * slack);
            if run > 0.0 {
                least = least.max(rise / run);
            } else if run < 0.0 {
                most = most.min(rise / run);
            } else if rise >= 0.0 {
                return (most, least.min(most));
            }
        }
    }
    (least, most)
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
            let (transform, rounding) = fold(&[affine.clone()], &steps, &[bound]);
            let DraftTransform::Requant { scales } = transform else { panic!("a requantisation") };
            assert_eq!(rounding, Rounding::default());
            let found: Vec<i32> = (bound.low..=bound.high).map(|acc| scales[0].apply(acc, 8)).collect();
            assert_eq!(found, levels(&affine, &steps, bound), "{constants:?}");
        }
    }

    #[test]
    fn evenly_spaced_thresholds_have_a_multiplier() {
        let bound = Bound { low: -70_000, high: 70_000 };
        for (slope, middle) in [(0.0021, 17.3), (0.31, -255.9), (1.0, 0.0), (3.7, 4000.2), (1e-3, 90_000.0)] {
            for descends in [false, true] {
                let values: Vec<i32> =
                    (1..256).map(|i| ((f64::from(i) - 128.5) / slope + middle).ceil() as i32).collect();
                let steps = Steps { values, descends };
                let (transform, rounding) = fit(std::slice::from_ref(&steps), &[bound]);
                let DraftTransform::Requant { scales } = transform else { panic!("a requantisation") };
                assert_eq!(rounding, Rounding::default(), "{slope} {middle}");
                let is_reached = |acc: i32, t: i32| if descends { acc <= t } else { acc >= t };
                for acc in bound.low..=bound.high {
                    let level = steps.values.iter().filter(|t| is_reached(acc, **t)).count() as i32;
                    assert_eq!(scales[0].apply(acc, 8), level, "{slope} {middle} {acc}");
                }
            }
        }
    }

    #[test]
    fn levels_beyond_what_a_channel_can_sum_ask_for_nothing() {
        // Only the first 40 of 255 levels can be reached by sums up to 200; the largest threshold means never.
        let reached = (1..=40).map(|i| 5 * i - 2);
        let values: Vec<i32> = reached.chain(std::iter::repeat_n(i32::MAX, 215)).collect();
        let (narrow, wide) = (Bound { low: -200, high: 200 }, Bound { low: -90_000, high: 90_000 });
        let steps = [Steps { values, descends: false }];
        let (transform, rounding) = fit(&steps, &[narrow]);
        let DraftTransform::Requant { scales } = transform else { panic!("a requantisation") };
        assert_eq!(rounding, Rounding::default());
        for acc in -200..=200 {
            assert_eq!(scales[0].apply(acc, 8), ((acc + 2) / 5).clamp(0, 40), "{acc}");
        }
        assert_ne!(fit(&steps, &[wide]).1, Rounding::default(), "no line stops at level 40");
    }

    #[test]
    fn what_the_nearest_one_changes_is_counted() {
        // A slope of 10^-5 levels over two million sums: 255 steps to place within one unit need more than 32 bits
        // only where the format's window of shifts is narrowed by a steep neighbour.
        let bound = Bound { low: -1_000_000, high: 1_000_000 };
        let steps: Vec<Dyadic> = (1..256).map(|i| Dyadic::from_int(2 * i - 1).half()).collect();
        let constants = [[300.0, 3.0, 0.0, 1.0, 0.0], [1.234_567e-4, 127.3, 0.0, 1.7, 0.0]];
        let affines = constants.map(|constants| {
            let mut affine = Affine::identity();
            assert!(affine.normalise(constants));
            affine
        });
        let (DraftTransform::Requant { scales }, rounding) = fold(&affines, &steps, &[bound; 2]) else { panic!() };
        let differing = affines.iter().zip(&scales).map(|(affine, scale)| {
            let wanted = levels(affine, &steps, bound);
            let found = (bound.low..=bound.high).map(|acc| scale.apply(acc, 8));
            found.zip(wanted).filter(|(found, wanted)| found != wanted).count() as u64
        });
        assert_eq!(differing.sum::<u64>(), rounding.accumulators);
        let channel = Channel::new(&affines[1], &steps, bound);
        for (most, is_near) in [(18, true), (11, false)] {
            let narrow = channel.nearest(most);
            let wanted = levels(&affines[1], &steps, bound);
            let off = (bound.low..=bound.high).zip(wanted).map(|(acc, level)| narrow.apply(acc, 8).abs_diff(level));
            let off: Vec<u32> = off.filter(|&off| off > 0).collect();
            let largest = off.iter().copied().max().unwrap_or(0);
            assert_eq!(channel.differing(&narrow), (off.len() as u64, largest), "{most} bits");
            assert!(!off.is_empty() && (largest == 1) == is_near, "{most} bits: {largest}");
        }
    }
}
