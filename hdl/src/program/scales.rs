//! Requantised outputs: `clamp((acc * M + B + half) >> shift)` in terms of what a lane has counted.

use bitfab_format::Rescale;

/// What one channel does with its count `I`: `clamp((I * multiplier + addend) >> shift, 0, 2^bits - 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Factor of the count.
    pub multiplier: i64,
    /// What is added: offset, rounding, and what the count leaves out of the accumulator.
    pub addend: i128,
    /// Least and greatest sum.
    pub range: (i128, i128),
}

impl Scale {
    /// For `acc = unit * I + constant` and counts of `least` to `most`.
    ///
    /// `shift` is that of the layer, at least the channel's own; format and unit keep the multiplier within 49 bits.
    pub fn new(scale: Rescale, shift: u32, unit: i64, constant: i64, (least, most): (i64, i64)) -> Self {
        let raised = shift - scale.shift;
        let (multiplier, offset) = (i64::from(scale.multiplier) << raised, i128::from(scale.offset) << raised);
        let addend = offset + (1 << (shift - 1)) + i128::from(multiplier) * i128::from(constant);
        let multiplier = multiplier * unit;
        let at = |count: i64| addend + i128::from(multiplier) * i128::from(count);
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
pub(crate) fn common_bits(scales: &[Scale], shift: u32) -> u32 {
    let all = scales.iter().fold(0, |all, scale| all | scale.multiplier);
    if all == 0 { 0 } else { all.trailing_zeros().min(shift) }
}

/// Bits that hold `value` in two's complement.
pub(crate) fn wide_bits(value: i128) -> u32 {
    128 - (value ^ (value >> 127)).leading_zeros() + 1
}

/// The largest shift of a layer's channels: all are raised to it.
pub(crate) fn shift(scales: &[[u32; 4]]) -> u32 {
    scales.iter().map(|&words| Rescale::from_words(words).shift).max().unwrap_or(1)
}
