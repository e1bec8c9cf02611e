//! The layers of the tape: each computes forward, says what it saves, and computes backward from that.
//!
//! Values are `f32`, but every tensor in front of a batch norm is an exact integer (times 2^-8 behind raw bytes),
//! so a compiler can fold the learned network into integers without any rounding of its own.

mod activation;
mod conv;
mod dense;
mod loss;
mod norm;
mod pool;
mod weighted;

pub use activation::{quantize_backward, quantize_forward, relu_backward, relu_forward, sign_backward, sign_forward};
pub use conv::{ConvShape, conv_backward, conv_forward};
pub use dense::{dense_backward, dense_forward};
pub use loss::{Loss, arg_max, cross_entropy, weighted_cross_entropy};
pub use norm::{Norm, NormGradient, Statistics};
pub use pool::{PoolShape, max_pool_backward, max_pool_forward, sum_pool_backward, sum_pool_forward};
pub use weighted::Weighted;

use crate::saved::{Bits, Saved};
use bitfab_graph::Shape;

/// One tensor for every sample of a batch, sample after sample, each NHWC.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `count * shape.elements()` numbers.
    pub values: Vec<f32>,
    /// Samples.
    pub count: usize,
    /// Shape of one sample.
    pub shape: Shape,
    /// What the values are, for saving them small.
    pub form: Form,
}

/// What the values of a [`Batch`] are known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Input bytes divided by 256.
    Bytes,
    /// -1 or +1.
    Signs,
    /// Whole numbers from 0 to 15.
    Levels,
    /// Whole numbers from 0 to 255.
    Octets,
    /// Anything.
    Reals,
}

impl Batch {
    /// Values of one sample.
    pub fn width(&self) -> usize {
        self.shape.elements() as usize
    }

    /// Positions of the whole batch: samples x height x width.
    pub fn rows(&self) -> usize {
        self.values.len() / self.shape.channels.max(1) as usize
    }

    /// The smallest lossless form of the values.
    pub fn save(&self) -> Saved {
        match self.form {
            Form::Bytes => Saved::Bytes(self.values.iter().map(|&v| (v * 256.0) as u8).collect()),
            Form::Signs => Saved::Signs(Bits::new(&self.values, |v| v > 0.0)),
            Form::Levels => Saved::levels(&self.values),
            Form::Octets => Saved::Octets(self.values.iter().map(|&v| v as u8).collect()),
            Form::Reals => Saved::Reals(self.values.clone()),
        }
    }

    /// The same samples with other values.
    pub(crate) fn with(&self, values: Vec<f32>, form: Form) -> Self {
        Self { values, count: self.count, shape: self.shape, form }
    }
}
