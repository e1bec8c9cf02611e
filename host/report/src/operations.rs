//! What one inference of a layer costs, by class of operation.

use bitfab_format::{Coder, Kind, Layer, Op, Transform, Weights};
use serde::Serialize;

/// Operations of one inference, counted on interior windows (borders do not reduce the count).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Operations {
    /// Products of a weight and a value of the input, as in a network of any precision.
    pub macs: u64,
    /// The same counted once per bit plane of the input: what binary hardware does.
    pub binary_macs: u64,
    /// XNOR and popcount of one 32-bit word (32 binary products); the innermost step of every engine.
    pub xnor_popcount_words: u64,
    /// Comparisons of an accumulator or a byte with a threshold.
    pub compares: u64,
    /// Words or planes of words that a max pool combines.
    pub pool_words: u64,
    /// Additions and subtractions of values: of sum pools, of residuals, of weights that are coded or powers of two.
    pub adds: u64,
    /// Shifts of values: of powers of two, planes, requantisation and scaled scores.
    pub shifts: u64,
    /// Multiplications of values.
    pub multiplies: u64,
}

impl Operations {
    /// Counts one layer.
    pub fn of(layer: &Layer<'_>) -> Self {
        let outputs = u64::from(layer.output.shape.volume());
        let fan_in = u64::from(layer.fan_in());
        let mut count = Self { compares: compares(layer), ..Self::default() };
        match layer.op {
            Op::Dense | Op::Conv2d => {
                count.macs = fan_in * outputs;
                count.binary_macs = layer.plane_macs();
                count.add_weights(layer);
            }
            Op::MaxPool => count.pool_words = u64::from(layer.output.region.words) * fan_in,
            Op::SumPool => count.adds = fan_in * outputs,
            Op::Encode => {}
        }
        count.adds += if layer.residual.is_some() { outputs } else { 0 };
        if let Transform::Requant { scales } | Transform::Affine { scales } = layer.transform {
            count.adds += outputs;
            // The last word of a scale is its shift.
            count.shifts += if scales.iter().all(|scale| scale.shift == 0) { 0 } else { outputs };
            count.multiplies += if scales.iter().all(|scale| scale.multiplier == 1) { 0 } else { outputs };
        }
        count
    }

    /// What the weights of a dense layer or a convolution cost.
    fn add_weights(&mut self, layer: &Layer<'_>) {
        let windows = u64::from(layer.output.shape.pixels());
        let outputs = u64::from(layer.output.shape.volume());
        let planes = u64::from(layer.input.kind.planes());
        let words = u64::from(layer.row_words()) * planes;
        let used = || nonzeros(layer) * windows;
        match layer.weights {
            Weights::None => {}
            Weights::Binary(_) => self.xnor_popcount_words += words * outputs,
            Weights::Planes(rows) => {
                self.xnor_popcount_words += words * outputs * u64::from(rows.count());
                self.shifts += outputs * u64::from(rows.count() - 1);
            }
            Weights::SparseBinary { code, .. } => {
                // The sum of the window, times alpha, is shared by all channels.
                self.multiplies += windows;
                self.shifts += outputs;
                if code.coder == Coder::Bitmap {
                    self.xnor_popcount_words += words * (outputs + windows);
                } else {
                    self.adds += used() + windows * u64::from(layer.fan_in());
                }
            }
            Weights::Ternary(code) if code.coder == Coder::Bitmap => {
                let passes = if layer.input.kind == Kind::Sign { 1 } else { 2 };
                self.xnor_popcount_words += words * outputs * passes;
            }
            Weights::Ternary(_) => self.adds += used(),
            Weights::PowerOfTwo(_) => {
                self.adds += used();
                self.shifts += used();
            }
            Weights::Integer { .. } => {
                self.adds += self.macs;
                self.multiplies += self.macs;
            }
            Weights::SmartDeal { .. } => self.add_deals(layer, windows),
        }
    }

    /// What SmartDeal filters cost: each coefficient meets three values, each number of a basis one sum.
    fn add_deals(&mut self, layer: &Layer<'_>, windows: u64) {
        let deals = layer.deals();
        let shifts = deals.iter().flat_map(|deal| &deal.rows).flatten().filter(|c| **c != 0).count() as u64;
        self.adds += 3 * shifts * windows;
        self.shifts += 3 * shifts * windows;
        self.multiplies += 9 * deals.len() as u64 * windows;
    }

    /// The sum of two counts.
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            macs: self.macs + other.macs,
            binary_macs: self.binary_macs + other.binary_macs,
            xnor_popcount_words: self.xnor_popcount_words + other.xnor_popcount_words,
            compares: self.compares + other.compares,
            pool_words: self.pool_words + other.pool_words,
            adds: self.adds + other.adds,
            shifts: self.shifts + other.shifts,
            multiplies: self.multiplies + other.multiplies,
        }
    }
}

fn compares(layer: &Layer<'_>) -> u64 {
    let outputs = u64::from(layer.output.shape.volume());
    match layer.transform {
        Transform::Encode { .. } => outputs,
        Transform::Thresholds(thresholds) => u64::from(thresholds.per_channel()) * outputs,
        Transform::Raw | Transform::None | Transform::Requant { .. } | Transform::Affine { .. } => 0,
    }
}

/// Weights that are not zero; of sparse-binary weights those that are ones; of SmartDeal weights the rebuilt ones.
pub(crate) fn nonzeros(layer: &Layer<'_>) -> u64 {
    let zero = if let Weights::SparseBinary { ratio, .. } = layer.weights { ratio } else { 0 };
    layer.integer_weights().iter().filter(|&&weight| weight != zero).count() as u64
}
