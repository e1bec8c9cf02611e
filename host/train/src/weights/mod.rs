//! How latent numbers become weights, how gradients come back, and what is exported.
//!
//! One rule a layer: `effective` gives the weights of the forward pass, `backward` turns their gradient into those of
//! the latent numbers, `follow` moves masks and phases after each step, and `export` gives integers and exact scales.
//! The forward pass uses those same integers times those same scales, so only rounding separates it from a model.

pub mod grid;
mod kept;
mod quantizer;

pub use kept::{Kept, Stored};
pub use quantizer::Quantizer;

use bitfab_graph::WeightQuantizer;
use std::fmt::Debug;

/// Where a run is: finished steps and all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Finished steps.
    pub step: u64,
    /// All steps.
    pub steps: u64,
    /// Steps of an epoch.
    pub epoch: u64,
}

impl Moment {
    /// From 0 to 1.
    pub fn progress(self) -> f32 {
        (self.step as f64 / self.steps.max(1) as f64) as f32
    }

    /// Whether an epoch has just ended.
    pub fn ends_epoch(self) -> bool {
        self.step.is_multiple_of(self.epoch.max(1))
    }
}

/// The matrix of weights of one layer, outputs x fan_in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Weights of one output.
    pub fan_in: usize,
    /// Whether all outputs have one scale, because no batch norm follows.
    pub is_shared: bool,
}

impl Matrix {
    /// Length of a group with one scale: the weights of an output, or all.
    pub fn group(self, weights: &[f32]) -> usize {
        if self.is_shared { weights.len() } else { self.fan_in }
    }
}

/// The latent numbers of one layer.
#[derive(Clone, Copy, Debug)]
pub struct Latent<'a> {
    /// One a weight, and what the method pads its outputs with.
    pub weights: &'a [f32],
    /// What else learns; mostly nothing.
    pub extra: &'a [f32],
}

/// Integers and real scales: a weight is an integer times the scale of its output.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// Whole numbers, outputs x fan_in.
    pub values: Vec<f32>,
    /// One an output, or one for all.
    pub scales: Vec<f32>,
}

impl Integers {
    /// The products.
    pub fn times(self) -> Vec<f32> {
        let Self { mut values, scales } = self;
        if scales == [1.0] {
            return values;
        }
        let group = values.len() / scales.len().max(1);
        for (values, scale) in values.chunks_exact_mut(group).zip(scales) {
            values.iter_mut().for_each(|value| *value *= scale);
        }
        values
    }

    /// For the graph, by a quantiser that takes the integers as they are.
    pub fn exported(self, quantizer: WeightQuantizer) -> Exported {
        Exported { quantizer, values: self.values, basis: Vec::new(), scales: self.scales }
    }
}

/// What the graph gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The graph's quantiser.
    pub quantizer: WeightQuantizer,
    /// Its values.
    pub values: Vec<f32>,
    /// Its basis; mostly none.
    pub basis: Vec<f32>,
    /// One an output, or one for all.
    pub scales: Vec<f32>,
}

impl Exported {
    /// The integers that the quantiser makes of the values; only where there is no basis.
    pub fn integers(self) -> Integers {
        let Self { quantizer, values, scales, .. } = self;
        Integers { values: values.iter().map(|&v| quantizer.quantize(v) as f32).collect(), scales }
    }
}

/// How the latent numbers of one layer become weights, with what it keeps besides them.
///
/// What it keeps is its own fields: they are what a checkpoint stores (see [`Kept`]).
pub trait Rule: Kept + Debug + Send + Sync {
    /// Its name in checkpoints.
    fn name(&self) -> &'static str;

    /// The weights as integers and scales.
    fn integers(&self, matrix: Matrix, latent: Latent<'_>) -> Integers;

    /// The weights of the forward pass.
    fn effective(&self, matrix: Matrix, latent: Latent<'_>) -> Vec<f32> {
        self.integers(matrix, latent).times()
    }

    /// Gradients of the latent weights and of what else learns, from that of the effective weights: straight through
    /// unless the rule says otherwise.
    fn backward(&self, _matrix: Matrix, _latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        (gradient, Vec::new())
    }

    /// Integers for the graph; none for real weights.
    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported>;

    /// Before a step: may move weights by itself; `share` is the rate as a part of the highest.
    fn observe(&mut self, _weights: &mut [f32], _gradient: &mut [f32], _share: f32) {}

    /// After a step: moves masks and phases; true if the numbers got another meaning and momentum is void.
    fn follow(&mut self, _matrix: Matrix, _weights: &mut [f32], _extra: &mut [f32], _moment: Moment) -> bool {
        false
    }

    /// Whether weights are learned in the form in which they are exported.
    fn is_settled(&self) -> bool {
        true
    }

    /// Sets the number of planes, where weights are planes.
    fn set_planes(&mut self, _planes: u32) {}

    /// How near the weights are to what they stand for, where that is a question: mean cosine over the outputs.
    fn cosine(&self, _matrix: Matrix, _weights: &[f32]) -> Option<f64> {
        None
    }

    /// Whether a stored rule of `count` latent weights may take the place of this one, which is new.
    fn fits(&self, stored: &Self, count: usize) -> bool
    where
        Self: Sized;
}
