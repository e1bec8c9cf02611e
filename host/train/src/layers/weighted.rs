//! A layer with weights: real latent values, quantised for the forward pass, straight-through in the backward pass.

use super::{Batch, ConvShape, conv_backward, conv_forward, dense_backward, dense_forward};
use crate::saved::Saved;
use bitfab_graph::WeightQuantizer;

/// What the weights are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightedKind {
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

/// Kind and quantiser of one weighted layer; the latent weights live in the parameter list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Dense or convolution.
    pub kind: WeightedKind,
    /// How latent weights become the ones that are used.
    pub quantizer: WeightQuantizer,
}

impl Weighted {
    /// Number of weights.
    pub fn weights(&self) -> usize {
        match self.kind {
            WeightedKind::Dense { features, outputs } => features * outputs,
            WeightedKind::Conv(shape) => shape.output.channels as usize * shape.fan_in(),
        }
    }

    /// Inputs of one output.
    pub fn fan_in(&self) -> usize {
        match self.kind {
            WeightedKind::Dense { features, .. } => features,
            WeightedKind::Conv(shape) => shape.fan_in(),
        }
    }

    /// The weights that are used, as numbers.
    pub fn quantized(&self, latent: &[f32]) -> Vec<f32> {
        let one = |&w: &f32| self.quantizer.quantize(w) as f32;
        latent.iter().map(one).collect()
    }

    /// Forward with weights that are already quantised (or, in gradient tests, real).
    pub fn forward(&self, x: &Batch, weights: &[f32]) -> Batch {
        match self.kind {
            WeightedKind::Dense { outputs, .. } => dense_forward(x, weights, outputs),
            WeightedKind::Conv(shape) => conv_forward(x, weights, &shape),
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
        match self.kind {
            WeightedKind::Dense { features, .. } => dense_backward(dy, weights, saved, features, want_input),
            WeightedKind::Conv(shape) => conv_backward(dy, weights, saved, &shape, want_input),
        }
    }
}
