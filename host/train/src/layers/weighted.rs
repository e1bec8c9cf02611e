//! A layer with weights, whatever they are; a rule (see [`crate::Quantizer`]) says how latent values become weights.

use super::{Batch, ConvShape, conv_backward, conv_forward, dense_backward, dense_forward};
use crate::saved::Saved;

/// What the weights of one layer are multiplied with; the weights themselves live in the parameter list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighted {
    /// The whole input.
    Dense {
        /// Values of one input sample.
        features: usize,
        /// Values of one output sample.
        outputs: usize,
    },
    /// A window.
    Conv(ConvShape),
}

impl Weighted {
    /// Number of weights.
    pub fn weights(&self) -> usize {
        match *self {
            Self::Dense { features, outputs } => features * outputs,
            Self::Conv(shape) => shape.output.channels as usize * shape.fan_in(),
        }
    }

    /// Inputs of one output.
    pub fn fan_in(&self) -> usize {
        match *self {
            Self::Dense { features, .. } => features,
            Self::Conv(shape) => shape.fan_in(),
        }
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.weights() / self.fan_in()
    }

    /// Forward with the effective weights, outputs x fan_in.
    pub fn forward(&self, x: &Batch, weights: &[f32]) -> Batch {
        match *self {
            Self::Dense { outputs, .. } => dense_forward(x, weights, outputs),
            Self::Conv(shape) => conv_forward(x, weights, &shape),
        }
    }

    /// Gradients of the weights and, if asked for, of the input.
    pub fn backward(
        &self,
        dy: &Batch,
        weights: &[f32],
        saved: &Saved,
        want_input: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        match *self {
            Self::Dense { features, .. } => dense_backward(dy, weights, saved, features, want_input),
            Self::Conv(shape) => conv_backward(dy, weights, saved, &shape, want_input),
        }
    }
}
