//! Additions of two tensors.

use super::{Entry, Inputs, Layer, Parameter};
use crate::batch::Batch;
use crate::codecs::{Codec, Saved};

/// First input plus second input times `2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add {
    /// The power.
    pub shift: u32,
}

impl Add {
    fn factor(self) -> f32 {
        (1u32 << self.shift) as f32
    }
}

impl Layer for Add {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, _: &dyn Codec) -> (Batch, Entry) {
        (self.infer(parameters, inputs), Entry::of(Saved::Nothing))
    }

    /// The builder gives additions two inputs.
    fn infer(&self, _: &[Parameter], Inputs { mut x, other }: Inputs) -> Batch {
        let factor = self.factor();
        for (sum, term) in x.values.iter_mut().zip(other.iter().flat_map(|b| &b.values)) {
            *sum += factor * term;
        }
        x
    }

    fn backward(&self, _: &[Parameter], _: &Entry, dy: &Batch, _: bool, _: &mut [Vec<f32>]) -> [Option<Vec<f32>>; 2] {
        let factor = self.factor();
        [Some(dy.values.clone()), Some(dy.values.iter().map(|v| v * factor).collect())]
    }
}
