//! What one inference of a layer costs, by class of operation.

use bitfab_format::{Layer, Op, Transform, WORD_BITS};
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
    /// Additions of sum pools and residuals.
    pub adds: u64,
}

impl Operations {
    /// Counts one layer.
    pub fn of(layer: &Layer<'_>) -> Self {
        let outputs = u64::from(layer.output.shape.volume());
        let fan_in = u64::from(layer.fan_in());
        let planes = u64::from(layer.input.kind.planes());
        let mut count = Self { compares: compares(layer), ..Self::default() };
        match layer.op {
            Op::Dense | Op::Conv2d => {
                count.macs = fan_in * outputs;
                count.binary_macs = layer.plane_macs();
                count.xnor_popcount_words = u64::from(layer.row_words()) * planes * outputs;
            }
            Op::MaxPool => count.pool_words = u64::from(layer.output.region.words) * fan_in,
            Op::SumPool => count.adds = fan_in * outputs,
            Op::Encode => {}
        }
        count.adds += if layer.residual.is_some() { outputs } else { 0 };
        count
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
        }
    }

    /// Share of the bits of all multiplied words that carry a product, 0 to 1; 1 where nothing is multiplied.
    pub fn packing(&self) -> f64 {
        match self.xnor_popcount_words {
            0 => 1.0,
            words => self.binary_macs as f64 / (words * u64::from(WORD_BITS)) as f64,
        }
    }
}

fn compares(layer: &Layer<'_>) -> u64 {
    let outputs = u64::from(layer.output.shape.volume());
    match layer.transform {
        Transform::Encode { .. } => outputs,
        Transform::Thresholds { per_channel, .. } => u64::from(per_channel) * outputs,
        Transform::Raw | Transform::None => 0,
    }
}
