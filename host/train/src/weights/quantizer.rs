//! A rule on a matrix of known size.

use super::{Exported, Integers, Latent, Matrix, Moment, Rule};

/// A rule on a matrix of known size.
#[derive(Clone, Debug)]
pub struct Quantizer {
    /// The rule.
    pub rule: Box<dyn Rule>,
    /// What it works on.
    pub matrix: Matrix,
}

impl PartialEq for Quantizer {
    fn eq(&self, other: &Self) -> bool {
        *self.rule == *other.rule && self.matrix == other.matrix
    }
}

impl Quantizer {
    /// The weights of the forward pass.
    pub fn effective(&self, latent: Latent<'_>) -> Vec<f32> {
        self.rule.effective(self.matrix, latent)
    }

    /// The weights as integers and scales.
    pub fn integers(&self, latent: Latent<'_>) -> Integers {
        self.rule.integers(self.matrix, latent)
    }

    /// Gradients of the latent weights and of what else learns, from that of the effective weights.
    pub fn backward(&self, latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        self.rule.backward(self.matrix, latent, gradient)
    }

    /// See [`Rule::follow`].
    pub fn follow(&mut self, weights: &mut [f32], extra: &mut [f32], moment: Moment) -> bool {
        self.rule.follow(self.matrix, weights, extra, moment)
    }

    /// Integers for the graph; none for real weights.
    pub fn export(&self, latent: Latent<'_>) -> Option<Exported> {
        self.rule.export(self.matrix, latent)
    }
}
