//! The three passes that every layer owns.

use crate::batch::Batch;
use crate::codecs::{Codec, Saved};

/// A vector that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The numbers.
    pub values: Vec<f32>,
    /// Latent weights are kept within `-limit..=limit`.
    pub limit: Option<f32>,
    /// Share that is taken off at each step, for each unit of the learning rate.
    pub decay: f32,
}

impl Parameter {
    /// Numbers without a limit or decay.
    pub fn free(values: Vec<f32>) -> Self {
        Self { values, limit: None, decay: 0.0 }
    }
}

/// The tensors that a layer reads.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The first.
    pub x: Batch,
    /// The second, of layers that read two.
    pub other: Option<Batch>,
}

/// What a layer left in the forward pass for its backward pass.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Of its activations.
    pub saved: Saved,
    /// Of a batch norm, one a channel.
    pub statistics: Vec<Statistics>,
    /// The effective weights.
    pub weights: Vec<f32>,
}

impl Entry {
    /// Nothing but activations.
    pub fn of(saved: Saved) -> Self {
        Self { saved, statistics: Vec::new(), weights: Vec::new() }
    }

    /// Bytes of activations (not the weights).
    pub fn bytes(&self) -> usize {
        self.saved.bytes() + size_of_val(&self.statistics[..])
    }
}

/// What the backward pass of a batch norm needs of one channel beside the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Mean of the batch.
    pub mean: f32,
    /// Inverse standard deviation of the batch.
    pub inverse: f32,
    /// Mean that the forward pass took off.
    pub used_mean: f32,
    /// Inverse standard deviation that the forward pass multiplied with.
    pub used_inverse: f32,
}

/// A layer; positions that it holds are those of its numbers among all `parameters`.
pub trait Layer {
    /// The result while learning, and what the backward pass needs; running statistics move.
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, codec: &dyn Codec) -> (Batch, Entry);

    /// The result by the running statistics.
    fn infer(&self, parameters: &[Parameter], inputs: Inputs) -> Batch;

    /// Gradients of the inputs from that of the result; those of its own parameters go into `gradients`.
    ///
    /// Where the first input's is not `wanted` it may be left out.
    fn backward(
        &self,
        parameters: &[Parameter],
        entry: &Entry,
        dy: &Batch,
        wanted: bool,
        gradients: &mut [Vec<f32>],
    ) -> [Option<Vec<f32>>; 2];
}
