//! The integer units in which the lanes count, and the biases that turn counts into decisions.
//!
//! A lane only adds up `popcount((x ^ v) & mask)`, shifted or doubled, with `v` the negative digits of its weights
//! (NUMERICS.md 3.4 and 3.6). That sum `I` relates to the accumulator by `acc = unit * I + offset(channel)`;
//! `acc >= t` becomes `I + floor((offset - t) / unit) >= 0`, the sign bit.

use bitfab_format::{Kind, Layer, Op, Transform};

use super::digits::{Digits, Places};
use super::scales::{self, Scale};

/// How a layer's counts relate to its accumulators.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    /// What one count is worth: 2 between signs, else 1, times what divides all weights.
    pub unit: i64,
    /// Left shift of the first plane of the window.
    pub shift: u32,
    /// Left shift of the first plane of the residual.
    pub r_shift: u32,
    /// What one digit of a weight can count.
    scale: i64,
    /// What one digit of a weight is worth in the accumulator.
    worth: i64,
    /// Largest count of the residual.
    r_span: i64,
    /// Largest possible count.
    pub most: i64,
}

impl Units {
    pub fn new(layer: &Layer<'_>, digits: &Digits) -> Self {
        let is_sign = layer.input.kind == Kind::Sign;
        let fine_residual = layer.residual.is_some_and(|r| r.tensor.kind != Kind::Sign && r.shift == 0);
        // Doubled accumulators end in the same bit for all channels, or are not halved.
        let is_raw = layer.output.kind == Kind::I32 && scales::of(layer).is_none();
        let uneven = is_raw && !(digits.is_even() && moves_evenly(layer));
        let has_zeros = layer.op.is_weighted() && layer.needs_mask();
        let halves = is_sign && !(has_zeros || fine_residual || uneven);
        let (low, high) = layer.input.kind.range();
        let (r_shift, r_span) = match layer.residual {
            None => (0, 0),
            Some(r) if r.tensor.kind == Kind::Sign => {
                let shift = r.shift + u32::from(!halves);
                (shift, 1_i64 << shift)
            }
            Some(r) => {
                let shift = r.shift - u32::from(halves);
                (shift, i64::from(r.tensor.kind.range().1) << shift)
            }
        };
        // A factor of all weights is folded into the unit, unless something else is counted in the old one.
        let folds = layer.residual.is_none() && !is_raw;
        let kept = if folds { 0 } else { digits.common };
        let unit = if halves { 2 } else { 1 } << (digits.common - kept);
        let shift = u32::from(is_sign && !halves) + kept;
        let scale = if is_sign { 1 } else { i64::from(high) - i64::from(low) } << shift;
        let most = scale * digits.reach().1 + r_span;
        Self { unit, shift, r_shift, scale, worth: 1 << digits.common, r_span, most }
    }

    /// Least and largest count of a channel whose digits have `places`.
    pub fn reach(&self, places: Places) -> (i64, i64) {
        let (least, most) = places.reach();
        (self.scale * least, self.scale * most + self.r_span)
    }

    /// `acc - unit * I` for a channel whose digits have `places`.
    pub fn offset(&self, layer: &Layer<'_>, places: Places) -> i64 {
        let window = match (layer.op, layer.input.kind) {
            (_, Kind::Sign) => -places.total(),
            (Op::Dense | Op::Conv2d, Kind::I8) => -255 * places.negative - 128 * (places.total() - 2 * places.negative),
            (Op::Dense | Op::Conv2d, kind) => -i64::from(kind.range().1) * places.negative,
            _ => 0,
        };
        let residual = match layer.residual {
            Some(r) if r.tensor.kind == Kind::Sign => -(1_i64 << r.shift),
            _ => 0,
        };
        window * self.worth + residual
    }
}

/// Whether what scores are moved by is even, or odd for all.
fn moves_evenly(layer: &Layer<'_>) -> bool {
    let first = scales::plain_offset(layer, 0);
    (0..layer.output.shape.channels).all(|o| (scales::plain_offset(layer, o) ^ first) & 1 == 0)
}

/// What the lanes do with one output channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Whether the weights are negated, so that `acc < t` becomes `acc >= 1 - t`.
    pub negate: bool,
    /// Whether the count of thresholds is complemented (a direction that weights cannot take).
    pub flip: bool,
    /// What is added before each look at the sign bit; the first includes the offset.
    pub biases: Vec<i64>,
    /// Smallest and largest value of the lane when the sign bit is looked at or sent.
    pub range: (i64, i64),
    /// Least count, 0 or less.
    pub least: i64,
    /// What makes a scaled output of the count.
    pub scale: Option<Scale>,
}

impl Channel {
    /// The channel that always yields 0: lanes past the last channel.
    pub fn none(units: &Units, like: &Self) -> Self {
        let bias = -(units.most + 1);
        let mut biases = vec![0; like.biases.len()];
        biases[0] = bias;
        Self { negate: false, flip: false, biases, range: (bias + like.least, -1), least: 0, scale: None }
    }

    /// Output channel `o` of `layer`.
    pub fn new(layer: &Layer<'_>, units: &Units, digits: &Digits, o: u32) -> Self {
        let places = digits.places(o);
        match layer.transform {
            Transform::Thresholds(all) => {
                let thresholds: Vec<i64> = (0..all.per_channel()).map(|i| all.value(o, i).into()).collect();
                let may_negate = layer.op.is_weighted() && layer.residual.is_none() && !digits.uniform;
                Self::decide(layer, units, places, &thresholds, all.counts_down(o), may_negate)
            }
            Transform::Raw
            | Transform::Requant { .. }
            | Transform::Affine { .. }
            | Transform::None
            | Transform::Encode { .. } => Self::value(layer, units, places, o),
        }
    }

    /// A channel whose output is its accumulator, or is scaled.
    fn value(layer: &Layer<'_>, units: &Units, places: Places, o: u32) -> Self {
        let (offset, (least, most)) = (units.offset(layer, places), units.reach(places));
        let one = |bias: i64, scale: Option<Scale>| Self {
            negate: false,
            flip: false,
            biases: vec![bias],
            range: (bias + least, bias + most),
            least,
            scale,
        };
        match scales::of(layer) {
            Some(scales) => {
                let (scale, shift) = (scales.get(o), scales::shift(&scales));
                one(0, Some(Scale::new(scale, shift, units.unit, offset, (least, most))))
            }
            None => one((offset + scales::plain_offset(layer, o)).div_euclid(units.unit), None),
        }
    }

    /// A channel whose output is the number of thresholds that it reaches.
    fn decide(
        layer: &Layer<'_>,
        units: &Units,
        places: Places,
        thresholds: &[i64],
        down: bool,
        may_negate: bool,
    ) -> Self {
        let negate = down && may_negate;
        let places = if negate { places.negated() } else { places };
        let (offset, (low, high)) = (units.offset(layer, places), units.reach(places));
        let clamp = |t: i64| t.clamp(offset + units.unit * low, offset + units.unit * high + 1);
        // `acc < t` is `-acc >= 1 - t`.
        let thresholds: Vec<i64> = match negate {
            true => thresholds.iter().rev().map(|&t| clamp(1 - t)).collect(),
            false => thresholds.iter().map(|&t| clamp(t)).collect(),
        };
        let levels: Vec<i64> = thresholds.iter().map(|t| (offset - t).div_euclid(units.unit)).collect();
        let steps = levels.windows(2).map(|pair| pair[1] - pair[0]);
        let biases: Vec<i64> = levels.iter().take(1).copied().chain(steps).collect();
        let range = (levels.last().copied().unwrap_or(0) + low, levels.first().copied().unwrap_or(0) + high);
        Self { negate, flip: down && !negate, biases, range, least: low, scale: None }
    }
}
