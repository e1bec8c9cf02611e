//! Scales, batch norms and biases behind the last accumulator, folded into a factor and an offset a class
//! (NUMERICS 5.6): exactly where the integers of the format can say it, else as near as 32 bits of score allow.

use bitfab_format::limits::{MAX_OFFSET, MAX_RESCALE_SHIFT};
use bitfab_format::{Bound, DraftTransform, OutputScale, Rescale};

use crate::dyadic::Dyadic;
use crate::fold::{Affine, Line};

/// Bits of the largest score that is aimed at; one more is left for rounding.
const SCORE_BITS: i64 = 30;
/// A constant that is stated beside the unit is rounded by less than the unit over two to this power.
const CONSTANT_BITS: i32 = 7;
/// Offsets in 64-bit floats are rounded by less than their magnitude times two to this power.
const ROUNDED: i32 = -51;
/// Offsets may lie off whole multiples of a unit by that rounding alone, and by less than the unit times two to this
/// power.
const WHOLE: i32 = -20;

/// What makes scores of the last accumulators.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scores {
    pub transform: DraftTransform,
    /// What one unit of a score is worth, to 32 bits.
    pub scale: Option<OutputScale>,
    /// `None` if the scores times the unit, with the constant that is stated, are exactly those of the graph.
    pub error: Option<Error>,
}

/// How far scores lie from those of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// At most so many units.
    pub units: u32,
    /// A unit is two to this power.
    pub exponent: i32,
}

/// The scores of classes that are worth `affines`, for accumulators within `bound`.
///
/// What all of several scores have in common may be stated beside their unit; that of one score is in it, since it is
/// compared with a number and not with others.
///
/// `is_scaled` rules out accumulators as they are: another precision of the file needs more than that.
pub(crate) fn fold(affines: &[Affine], bound: Bound, is_scaled: bool) -> Scores {
    let lines: Vec<Line> = affines.iter().map(Affine::line).collect();
    let is_one = affines.len() == 1;
    let beside = || {
        shared(affines, &lines, bound, is_scaled)
            .or_else(|| moved(affines, &lines, bound, is_scaled))
            .or_else(|| apart(affines, &lines, bound))
    };
    let found = if is_one { moved(affines, &lines, bound, is_scaled) } else { beside() };
    found.or_else(|| whole(&lines, bound)).unwrap_or_else(|| nearest(&lines, bound))
}

/// One slope for all classes, falling or rising, and offsets that are whole multiples of it: its unit is the slope.
fn moved(affines: &[Affine], lines: &[Line], bound: Bound, is_scaled: bool) -> Option<Scores> {
    if !are_as_steep(affines) {
        return None;
    }
    let scales: Option<Vec<Rescale>> =
        affines.iter().zip(lines).map(|(one, line)| move_by(one, line, one.slope())).collect();
    let scales = scales?;
    let is_raw = scales.iter().all(|scale| (scale.multiplier, scale.offset) == (1, 0));
    let transform = if is_raw && !is_scaled { DraftTransform::Raw } else { affine(scales, bound)? };
    Some(Scores { transform, scale: unit(&lines[0].slope.abs(), 0), error: None })
}

/// Whether all rise or fall by the same amount.
fn are_as_steep(affines: &[Affine]) -> bool {
    affines[0].slope() != 0 && affines.iter().all(|one| one.is_as_steep(&affines[0]))
}

/// As [`moved`], for offsets that are whole multiples of the slope apart: what the first one is not is stated.
fn apart(affines: &[Affine], lines: &[Line], bound: Bound) -> Option<Scores> {
    if !are_as_steep(affines) {
        return None;
    }
    let (unit_of, first) = (lines[0].slope.abs(), &lines[0].offset);
    let scale = |(one, line): (&Affine, &Line)| {
        let distance = &line.offset - first;
        let steps = (distance.to_f64() / unit_of.to_f64()).round();
        let steps = (steps.abs() < 2f64.powi(31)).then_some(steps as i64)?;
        let off = (&distance - &(&Dyadic::from_int(steps) * &unit_of)).abs();
        let size = if first.abs().compare(&line.offset.abs()).is_ge() { first.abs() } else { line.offset.abs() };
        let is_whole = off.compare(&size.scaled(ROUNDED)).is_le() && off.compare(&unit_of.scaled(WHOLE)).is_le();
        is_whole.then_some(Rescale { multiplier: one.slope(), offset: steps, shift: 0 })
    };
    let scales: Option<Vec<Rescale>> = affines.iter().zip(lines).map(scale).collect();
    Some(Scores { transform: affine(scales?, bound)?, scale: Some(stated(&unit_of, first)?), error: None })
}

/// `acc + k` or its negative, where the offset is `k` slopes.
fn move_by(one: &Affine, line: &Line, sign: i32) -> Option<Rescale> {
    let steps = (line.offset.to_f64() / line.slope.to_f64()).round();
    let steps = (steps.abs() < 2f64.powi(32)).then_some(steps as i64)?;
    let scale = Rescale { multiplier: sign, offset: i64::from(sign) * steps, shift: 0 };
    one.vanishes(-steps).then_some(scale)
}

/// One rising line for all classes: accumulators are the scores in units of its slope, and its offset is stated.
fn shared(affines: &[Affine], lines: &[Line], bound: Bound, is_scaled: bool) -> Option<Scores> {
    if affines[0].slope() <= 0 || !affines.iter().all(|one| one.is(&affines[0])) {
        return None;
    }
    let scale = match lines[0].offset.signum() {
        0 => unit(&lines[0].slope, 0),
        _ => Some(stated(&lines[0].slope, &lines[0].offset)?),
    };
    let same = vec![Rescale { multiplier: 1, offset: 0, shift: 0 }; affines.len()];
    let transform = if is_scaled { affine(same, bound)? } else { DraftTransform::Raw };
    Some(Scores { transform, scale, error: None })
}

/// Slopes and offsets that are integers in some power of two, so small that scores fit.
fn whole(lines: &[Line], bound: Bound) -> Option<Scores> {
    let is_zero = |line: &Line| line.slope.signum() == 0 && line.offset.signum() == 0;
    if lines.iter().any(|line| !line.is_exact && !is_zero(line)) {
        return None;
    }
    let lowest = lines.iter().flat_map(|line| [line.slope.lowest_bit(), line.offset.lowest_bit()]).flatten().min();
    let exponent = lowest.unwrap_or(0);
    let integer = |number: &Dyadic| number.scaled(-exponent).round();
    let scale = |line: &Line| {
        let multiplier = i32::try_from(integer(&line.slope)?).ok()?;
        Some(Rescale { multiplier, offset: i64::from(i32::try_from(integer(&line.offset)?).ok()?), shift: 0 })
    };
    let scales: Option<Vec<Rescale>> = lines.iter().map(scale).collect();
    let transform = affine(scales?, bound)?;
    Some(Scores { transform, scale: unit(&Dyadic::from_int(1).scaled(exponent), 0), error: None })
}

/// Scores of up to 30 bits, and how far they lie from the true ones.
fn nearest(lines: &[Line], bound: Bound) -> Scores {
    let (low, high) = (Dyadic::from_int(bound.low.into()), Dyadic::from_int(bound.high.into()));
    let ends = |line: &Line| [&low, &high].map(|acc| &(&line.slope * acc) + &line.offset);
    let bits = |numbers: &mut dyn Iterator<Item = Dyadic>| numbers.map(|number| number.bits()).max().unwrap_or(0);
    // Some line is not zero everywhere, since slopes and offsets that are all 0 are integers.
    let exponent = bits(&mut lines.iter().flat_map(ends)) - SCORE_BITS;
    let in_units = |number: &Dyadic| number.scaled(-exponent as i32);
    let steepest = bits(&mut lines.iter().map(|line| in_units(&line.slope)));
    let farthest = bits(&mut lines.iter().map(|line| in_units(&line.offset)));
    let shift = (31 - steepest).min(i64::from(MAX_OFFSET.ilog2()) - farthest).clamp(0, MAX_RESCALE_SHIFT.into()) as i32;
    let (mut scales, mut units) = (Vec::new(), 0);
    for line in lines {
        let round = |number: &Dyadic| in_units(number).scaled(shift).round().unwrap_or(0);
        let multiplier = round(&line.slope).clamp(-i64::from(i32::MAX), i32::MAX.into());
        let scale = Rescale { multiplier: multiplier as i32, offset: round(&line.offset), shift: shift as u32 };
        let found = |acc: &Dyadic| {
            let sum = &(&Dyadic::from_int(multiplier) * acc) + &Dyadic::from_int(scale.offset);
            sum.scaled(-shift)
        };
        for (acc, wanted) in [&low, &high].into_iter().zip(ends(line)) {
            // A straight line is farthest off at one of its ends; rounding takes half a unit more.
            let off = &(&found(acc) - &in_units(&wanted)).abs() + &Dyadic::from_int(1).half();
            units = units.max(off.ceil().unwrap_or(i64::MAX));
        }
        scales.push(scale);
    }
    let error = Error { units: u32::try_from(units).unwrap_or(u32::MAX), exponent: exponent as i32 };
    let scale = unit(&Dyadic::from_int(1).scaled(error.exponent), 0);
    Scores { transform: DraftTransform::Affine { scales }, scale, error: Some(error) }
}

/// The transform, if all scores fit (SPEC.md 7.4).
fn affine(scales: Vec<Rescale>, bound: Bound) -> Option<DraftTransform> {
    let is_score = |score: i64| score > i64::from(i32::MIN) && score < i64::from(i32::MAX);
    let fits = |scale: &Rescale| is_score(scale.value(bound.low)) && is_score(scale.value(bound.high));
    scales.iter().all(fits).then_some(DraftTransform::Affine { scales })
}

/// A unit, and a constant in units of 2^-32, as the header says it.
fn unit(worth: &Dyadic, constant: i64) -> Option<OutputScale> {
    worth.nearest_fraction().map(|(mantissa, shift)| OutputScale { mantissa, shift, constant })
}

/// A unit and a constant, if the header can say both.
fn stated(worth: &Dyadic, constant: &Dyadic) -> Option<OutputScale> {
    let rounded = constant.scaled(32).round()?;
    let off = (constant - &Dyadic::from_int(rounded).scaled(-32)).abs();
    let is_near = off.compare(&worth.scaled(-CONSTANT_BITS)).is_le();
    is_near.then(|| unit(worth, rounded)).flatten()
}

/// What levels are worth that count in steps of `unit` from `constant` on, if the header can say it.
pub(crate) fn worth(unit: f64, constant: f64) -> Option<OutputScale> {
    stated(&Dyadic::from_f64(unit), &Dyadic::from_f64(constant))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound { low: -1000, high: 3000 };

    fn scores(classes: &[[f64; 2]]) -> Scores {
        let one = |&[multiplier, offset]: &[f64; 2]| {
            let mut affine = Affine::identity();
            affine.line_of(multiplier, offset);
            affine
        };
        fold(&classes.iter().map(one).collect::<Vec<_>>(), BOUND, false)
    }

    fn exact(scores: &Scores) -> Vec<(i32, i64, u32)> {
        assert_eq!(scores.error, None);
        let DraftTransform::Affine { scales } = &scores.transform else { panic!("{scores:?}") };
        scales.iter().map(|scale| (scale.multiplier, scale.offset, scale.shift)).collect()
    }

    fn scale(mantissa: u32, shift: u32) -> Option<OutputScale> {
        Some(OutputScale { mantissa, shift, constant: 0 })
    }

    #[test]
    fn whole_steps_of_one_slope_are_exact_and_keep_their_unit() {
        let biased = scores(&[[0.75, 1.5], [0.75, -3.0], [0.75, 0.0]]);
        assert_eq!(exact(&biased), [(1, 2, 0), (1, -4, 0), (1, 0, 0)]);
        assert_eq!(biased.scale, scale(3, 2));
        let falling = scores(&[[0.75, 1.5], [-0.75, 1.5]]);
        assert_eq!(exact(&falling), [(1, 2, 0), (-1, 2, 0)]);
        // 0.1 * 7 is not 7 tenths in floats, but the nearest float to it.
        assert_eq!(exact(&scores(&[[0.1, 0.1 * 7.0], [0.1, 0.1 * -123_457.0]])), [(1, 7, 0), (1, -123_457, 0)]);
        assert_eq!(scores(&[[0.1, 0.0], [0.1, 0.0]]).scale, scale(0xcccc_cccd, 35));
    }

    #[test]
    fn classes_that_share_a_rising_line_stay_accumulators() {
        for offset in [0.0, 0.3, -7.0, 1e9] {
            let same = scores(&[[2.0, offset], [2.0, offset]]);
            let constant = (offset * 2f64.powi(32)).round() as i64;
            let scale = Some(OutputScale { mantissa: 2, shift: 0, constant });
            assert_eq!((&same.transform, same.scale, same.error), (&DraftTransform::Raw, scale, None));
        }
        // What the header cannot say goes into the scores.
        for (slope, offset) in [(2.0, 3e9), (1e-9, 0.3)] {
            assert_ne!(scores(&[[slope, offset], [slope, offset]]).transform, DraftTransform::Raw, "{slope} {offset}");
        }
        assert_ne!(scores(&[[-2.0, 0.3], [-2.0, 0.3]]).transform, DraftTransform::Raw, "the order is reversed");
    }

    #[test]
    fn offsets_that_are_whole_steps_apart_are_exact_and_the_first_is_stated() {
        let unit = f64::from(0.1f32);
        let apart = scores(&[[unit, 0.3], [unit, 0.3 + 7.0 * unit], [unit, 0.3 - 5.0 * unit]]);
        assert_eq!(exact(&apart), [(1, 0, 0), (1, 7, 0), (1, -5, 0)]);
        assert_eq!(apart.scale.expect("a unit").constant, (0.3 * 2f64.powi(32)).round() as i64);
        assert!(scores(&[[unit, 0.3], [unit, 0.3 + 7.001 * unit]]).error.is_some());
    }

    #[test]
    fn one_score_keeps_its_constant() {
        assert_eq!(exact(&scores(&[[32.0, 100.0]])), [(8, 25, 0)]);
        assert_eq!(exact(&scores(&[[0.1, 0.1 * 7.0]])), [(1, 7, 0)]);
        assert_eq!(exact(&scores(&[[-0.5, 1.0]])), [(-1, 2, 0)]);
        let near = scores(&[[0.01, -1.253]]);
        assert_eq!(near.error.expect("it is rounded").units, 1);
        assert_eq!(near.scale.expect("a unit").constant, 0);
        assert_eq!(scores(&[[2.0, 0.0]]).transform, DraftTransform::Raw);
    }

    #[test]
    fn small_powers_of_two_are_exact() {
        let small = scores(&[[0.5, 0.125], [-3.0, 7.0], [2.0, 0.0]]);
        assert_eq!(exact(&small), [(4, 1, 0), (-24, 56, 0), (16, 0, 0)]);
        assert_eq!(small.scale, scale(1, 3));
    }

    #[test]
    fn an_offset_that_leaves_32_bits_is_not_taken_as_it_is() {
        let far = |k: i64| scores(&[[1.0, k as f64], [1.0, 0.0]]);
        let most = i64::from(i32::MAX) - 1 - 3000;
        assert_eq!(exact(&far(most)), [(1, most, 0), (1, 0, 0)]);
        assert!(far(most + 1).error.is_some());
        assert_eq!(exact(&far(i64::from(i32::MIN) + 1 + 1000))[0].0, 1);
        assert!(far(i64::from(i32::MIN) + 1000).error.is_some());
    }

    #[test]
    fn the_error_of_rounded_scores_is_a_bound_and_small() {
        let cases: [&[[f64; 2]]; 6] = [
            &[[0.3, 1.0], [0.7, -2.0], [-0.11, 5.5]],
            &[[1e-9, 1.0], [1.0, 1e9]],
            &[[1e30, 0.1], [1.7e30, 3e31]],
            &[[1e-30, 7.7e-31], [1e-31, 0.0]],
            &[[0.1, 0.017], [0.1, 0.023]],
            &[[1.0 / 3.0, 1e15], [1.0 / 3.0, -1e15]],
        ];
        for classes in cases {
            let found = scores(classes);
            let Some(Error { units, exponent }) = found.error else { panic!("{found:?}") };
            assert!((1..=2).contains(&units), "{units} units");
            let DraftTransform::Affine { scales } = &found.transform else { panic!("{found:?}") };
            let mut largest = 0;
            for (scale, [multiplier, offset]) in scales.iter().zip(classes) {
                for acc in BOUND.low..=BOUND.high {
                    let number = |value: f64| Dyadic::from_f64(value).scaled(-exponent);
                    let wanted = &(&number(*multiplier) * &Dyadic::from_int(acc.into())) + &number(*offset);
                    let off = (&wanted - &Dyadic::from_int(scale.score(acc).into())).abs();
                    assert!(off.compare(&Dyadic::from_int(units.into())).is_le(), "{classes:?}, {acc}");
                    largest = largest.max(scale.score(acc).unsigned_abs());
                }
            }
            assert!((1 << 29..=(1 << 30) + 2).contains(&largest), "{largest} uses too few bits or too many");
        }
    }

    #[test]
    fn another_precision_may_ask_for_scales() {
        let affines = [Affine::identity(), Affine::identity()];
        let plain = Rescale { multiplier: 1, offset: 0, shift: 0 };
        assert_eq!(fold(&affines, BOUND, false).transform, DraftTransform::Raw);
        assert_eq!(fold(&affines, BOUND, true).transform, DraftTransform::Affine { scales: vec![plain; 2] });
    }
}
