//! Random output transforms that fit a layer and its bound.

use alloc::vec::Vec;

use super::Random;
use crate::{Bound, DraftTransform, Kind, Layer, Op, Rescale, WORD_BITS};

/// The transform of `layer`; scores are scaled half of the time if `scales_scores`.
pub(super) fn draw(layer: &Layer<'_>, bound: Bound, scales_scores: bool, random: &mut Random) -> DraftTransform {
    let channels = layer.output.shape.channels;
    match (layer.op, layer.output.kind) {
        (Op::MaxPool, _) => DraftTransform::None,
        (Op::Encode, _) => {
            let per_channel = (channels / layer.input.shape.channels) as u8;
            DraftTransform::Encode { per_channel, thresholds: (0..channels).map(|_| random.word() as u8).collect() }
        }
        (_, Kind::I32) if scales_scores && random.once_in(2) => affine(layer, bound, random),
        (_, Kind::I32) => DraftTransform::Raw,
        (_, Kind::Unsigned { bits }) if bits > 4 || random.once_in(4) => requant(layer, bound, random),
        _ => {
            let values = thresholds(layer, bound, random);
            let used = |word: u32| (channels - word * WORD_BITS).min(WORD_BITS);
            let mut direction = |word| random.word() & (u32::MAX >> (WORD_BITS - used(word)));
            let mut directions: Vec<u32> = (0..channels.div_ceil(WORD_BITS)).map(&mut direction).collect();
            if random.once_in(3) {
                directions.fill(0);
            }
            DraftTransform::Thresholds { values, directions }
        }
    }
}

/// Thresholds of every form: anything, lines, lines with rests, multiples of a power of two, small ones, the same.
fn thresholds(layer: &Layer<'_>, bound: Bound, random: &mut Random) -> Vec<i32> {
    let per_channel = (1 << layer.output.kind.planes()) - 1;
    let style = random.word() % 8;
    let (point, rest, unit) = (random.size(0, 7), random.size(1, 3) as i32, random.size(0, 6));
    let spread = threshold_spread(layer).min(1 << 20);
    let mut values = Vec::new();
    for _ in 0..layer.output.shape.channels {
        let step = random.between(0, (1 + spread / per_channel) << point);
        let base = (threshold(layer, bound, random).clamp(-spread, spread) << point) - per_channel / 2 * step;
        let line = |i: i32| (base + i * step) >> point;
        let mut one = |i: i32| match style {
            0 | 1 => threshold(layer, bound, random),
            2 | 3 => line(i),
            4 => line(i) + random.between(-rest, rest),
            5 => random.between(-spread, spread) >> unit << unit,
            6 => random.between(-rest, rest),
            _ => rest - 2,
        };
        let mut of_channel: Vec<i32> = (0..per_channel).map(&mut one).collect();
        of_channel.sort_unstable();
        values.extend(of_channel);
    }
    values
}

/// How far accumulators are likely to lie from the middle.
fn threshold_spread(layer: &Layer<'_>) -> i32 {
    let (_, largest) = layer.input.kind.range();
    let weight = if layer.op.is_weighted() { layer.weights.largest().clamp(1, 1 << 12) as i32 } else { 1 };
    (layer.fan_in().isqrt() as i32 + 1).saturating_mul(largest).saturating_mul(weight)
}

/// A threshold: mostly where accumulators are likely, at times at or past their ends.
fn threshold(layer: &Layer<'_>, bound: Bound, random: &mut Random) -> i32 {
    let middle = bound.low / 2 + bound.high / 2;
    let spread = threshold_spread(layer);
    match random.word() % 16 {
        0 => random.pick(&[i32::MIN, i32::MAX, bound.low, bound.high, bound.low - 1, bound.high + 1]),
        1 => random.between(bound.low, bound.high),
        2..5 => random.between(-2, 2),
        _ => middle.saturating_add(random.between(-spread, spread)),
    }
}

/// Multipliers that spread likely accumulators over the output's range, or all 1; some rise, some fall.
fn requant(layer: &Layer<'_>, bound: Bound, random: &mut Random) -> DraftTransform {
    let channels = layer.output.shape.channels;
    let levels = 1i64 << layer.output.kind.planes();
    let spread = i64::from(threshold_spread(layer).max(1));
    let is_shift = random.once_in(3);
    let common = if is_shift { random.size(1, 12) } else { random.size(4, 30) };
    let one = |random: &mut Random| {
        let shift = if random.once_in(4) { common + random.size(0, 8) } else { common };
        let least = 1.max((levels << shift) / (4 * spread)).min(1 << 28) as i32;
        let multiplier = if is_shift { 1 } else { random.between(least / 2, least) };
        let multiplier = if !is_shift && random.once_in(4) { -multiplier } else { multiplier };
        let centre = random.between(0, levels as i32 - 1);
        let offset = i64::from(centre) << shift;
        let offset = if random.once_in(8) { offset - i64::from(random.between(bound.low, bound.high)) } else { offset };
        Rescale { multiplier, offset, shift }
    };
    DraftTransform::Requant { scales: (0..channels).map(|_| one(random)).collect() }
}

/// Scores of every size: accumulators that are only moved or negated, small numbers full of ties, and such that use
/// most of 32 bits.
fn affine(layer: &Layer<'_>, bound: Bound, random: &mut Random) -> DraftTransform {
    let span = i64::from(bound.high.unsigned_abs().max(bound.low.unsigned_abs()).max(1));
    let style = random.word() % 4;
    let common = random.size(0, 31);
    DraftTransform::Affine {
        scales: (0..layer.output.shape.channels).map(|_| score(random, style, common, span)).collect(),
    }
}

/// Largest magnitude of a score.
const SCORE_ROOM: i64 = (1 << 30) - 2;

/// One score of accumulators up to `span`.
fn score(random: &mut Random, style: u32, common: u32, span: i64) -> Rescale {
    let room = SCORE_ROOM;
    match style {
        0 => {
            let most = (room - span).clamp(0, 1 << 20) as i32;
            Rescale { multiplier: random.pick(&[-1, 1]), offset: random.between(-most, most).into(), shift: 0 }
        }
        1 if span < 1 << 27 => {
            let multiplier = random.pick(&[-5, -3, -1, 1, 1, 3, 7]);
            Rescale { multiplier, offset: random.between(-9, 9).into(), shift: random.size(0, 3) }
        }
        _ => {
            let shift = common + random.size(0, 16);
            let most = ((room << shift.min(32)) / span).min(i64::from(i32::MAX)) as i32;
            let reach = i128::from(room) << shift;
            let reach = reach.min(1 << 61) as i64;
            let offset = (random.bits() % (2 * reach as u64 + 1)) as i64 - reach;
            Rescale { multiplier: random.between(-most, most), offset, shift }
        }
    }
}
