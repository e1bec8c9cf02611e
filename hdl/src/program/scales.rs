//! Scaled outputs: `(acc * M + B + half) >> shift`, clamped or not, in terms of what a lane has counted.

use bitfab_format::{Layer, Rescale, Scales, Transform};

use super::{Program, Row, signed_bits};

/// What one channel does with its count `I`: `(I * multiplier + addend) >> shift`, which requantisation clamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Factor of the count.
    pub multiplier: i128,
    /// What is added: offset, rounding, and what the count leaves out of the accumulator.
    pub addend: i128,
    /// Least and greatest sum.
    pub range: (i128, i128),
}

impl Scale {
    /// For `acc = unit * I + constant` and counts of `least` to `most`.
    ///
    /// `shift` is that of the layer, at least the channel's own (the half that a channel without a shift lacks is then
    /// less than one unit and vanishes).
    pub fn new(scale: Rescale, shift: u32, unit: i64, constant: i64, (least, most): (i64, i64)) -> Self {
        let raised = shift - scale.shift;
        let (multiplier, offset) = (i128::from(scale.multiplier) << raised, i128::from(scale.offset) << raised);
        let addend = offset + ((1 << shift) >> 1) + multiplier * i128::from(constant);
        let multiplier = multiplier * i128::from(unit);
        let at = |count: i64| addend + multiplier * i128::from(count);
        Self { multiplier, addend, range: (at(least).min(at(most)), at(least).max(at(most))) }
    }

    /// Without the lowest `bits` bits, which must be zero in the multiplier.
    pub fn reduced(self, bits: u32) -> Self {
        let (least, greatest) = self.range;
        Self {
            multiplier: self.multiplier >> bits,
            addend: self.addend >> bits,
            range: (least >> bits, greatest >> bits),
        }
    }
}

/// Powers of two by which all multipliers of a layer can be divided, as long as `shift` allows.
pub(super) fn common_bits(scales: &[Scale], shift: u32) -> u32 {
    let all = scales.iter().fold(0, |all, scale| all | scale.multiplier);
    if all == 0 { 0 } else { all.trailing_zeros().min(shift) }
}

/// Bits that hold `value` in two's complement.
pub(super) fn wide_bits(value: i128) -> u32 {
    128 - (value ^ (value >> 127)).leading_zeros() + 1
}

/// The largest shift of a layer's channels: all are raised to it.
pub(crate) fn shift(scales: &Scales<'_>) -> u32 {
    scales.iter().map(|scale| scale.shift).max().unwrap_or(1)
}

/// The scales of a layer whose accumulators need them: those of scores that are only moved do not.
pub(crate) fn of<'a>(layer: &Layer<'a>) -> Option<Scales<'a>> {
    match layer.transform {
        Transform::Requant { scales } => Some(scales),
        Transform::Affine { scales } => Some(scales).filter(|scales| !scales.iter().all(|scale| is_plain(&scale))),
        _ => None,
    }
}

/// Whether a scale does nothing but add its offset.
const fn is_plain(scale: &Rescale) -> bool {
    scale.multiplier == 1 && scale.shift == 0
}

/// What the scores of output `o` are moved by, where all of the layer are only moved: a part of the lane's bias.
pub(crate) fn plain_offset(layer: &Layer<'_>, o: u32) -> i64 {
    match layer.transform {
        Transform::Affine { scales } if of(layer).is_none() => scales.get(o).offset,
        _ => 0,
    }
}

/// Whether a factor is 1, 2, 4 and so on.
pub(super) fn is_power(factor: i64) -> bool {
    factor > 0 && factor.count_ones() == 1
}

impl Program {
    /// Bits of the factor of a scaled output; 0 where all factors are the same power of two, a shift.
    pub fn factor_bits(&self) -> u32 {
        let first = self.scales.first().map_or(1, |(factor, _)| *factor);
        if is_power(first) && self.scales.iter().all(|(factor, _)| *factor == first) {
            return 0;
        }
        self.scales.iter().map(|(factor, _)| signed_bits(*factor)).max().unwrap_or(0)
    }

    /// Left shift that does the work of all factors, where they need no multiplier.
    pub(crate) fn factor_shift(&self) -> u32 {
        self.scales.first().map_or(0, |(factor, _)| factor.trailing_zeros())
    }

    /// Bits of a scaled score of `row`: what is left of its sum, at least the sign and at most a word.
    pub(crate) fn score_bits(&self, row: &Row) -> u32 {
        self.scale_bits.saturating_sub(row.scaling.shift).clamp(1, 32)
    }
}
