//! A layer with weights, whatever they are; a rule (see [`crate::Quantizer`]) says how latent values become weights.

use super::{
    Batch, ConvShape, Entry, Inputs, Layer, Parameter, conv_backward, conv_forward, dense_backward, dense_forward,
};
use crate::codecs::{Codec, Saved};
use crate::weights::{Latent, Quantizer};

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

/// Weights that are learned, with the positions of their latent numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What they are multiplied with.
    pub layer: Weighted,
    /// How latent numbers become weights.
    pub quantizer: Quantizer,
    /// The latent weights.
    pub weights: usize,
    /// What else the rule learns.
    pub extra: Option<usize>,
}

impl Learned {
    /// Its latent numbers.
    pub(crate) fn latent<'a>(&self, parameters: &'a [Parameter]) -> Latent<'a> {
        let weights = &parameters[self.weights].values;
        Latent { weights, extra: self.extra.map_or(&[], |at| &parameters[at].values) }
    }

    /// The weights of the forward pass.
    pub(crate) fn effective(&self, parameters: &[Parameter]) -> Vec<f32> {
        self.quantizer.effective(self.latent(parameters))
    }
}

impl Layer for Learned {
    fn forward(&mut self, parameters: &[Parameter], Inputs { x, .. }: Inputs, codec: &dyn Codec) -> (Batch, Entry) {
        let weights = self.effective(parameters);
        let y = self.layer.forward(&x, &weights);
        (y, Entry { weights, ..Entry::of(codec.save(x)) })
    }

    fn infer(&self, parameters: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        self.layer.forward(&x, &self.effective(parameters))
    }

    fn backward(
        &self,
        parameters: &[Parameter],
        entry: &Entry,
        dy: &Batch,
        wanted: bool,
        gradients: &mut [Vec<f32>],
    ) -> [Option<Vec<f32>>; 2] {
        let (dw, dx) = self.layer.backward(dy, &entry.weights, &entry.saved, wanted);
        let (dw, more) = self.quantizer.backward(self.latent(parameters), dw);
        gradients[self.weights] = dw;
        if let Some(extra) = self.extra {
            gradients[extra] = more;
        }
        [dx, None]
    }
}
