//! The layers of a network in order.

use crate::layers::{Add, Layer, Learned, MaxPool, Normed, Quantize, Relu, Sign, SumPool};
use bitfab_graph::Shape;

/// What one stage does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Dense or convolution.
    Weighted(Learned),
    /// Batch norm.
    Norm(Normed),
    /// `x >= 0`.
    Sign(Sign),
    /// `max(x, 0)`; only in networks of real numbers.
    Relu(Relu),
    /// Unsigned levels.
    Quantize(Quantize),
    /// Largest value.
    MaxPool(MaxPool),
    /// Sum.
    SumPool(SumPool),
    /// Sum of two tensors.
    Add(Add),
}

impl Step {
    /// The layer, for its passes.
    pub fn layer(&self) -> &dyn Layer {
        match self {
            Self::Weighted(layer) => layer,
            Self::Norm(layer) => layer,
            Self::Sign(layer) => layer,
            Self::Relu(layer) => layer,
            Self::Quantize(layer) => layer,
            Self::MaxPool(layer) => layer,
            Self::SumPool(layer) => layer,
            Self::Add(layer) => layer,
        }
    }

    /// The layer, for its forward pass while learning.
    pub fn layer_mut(&mut self) -> &mut dyn Layer {
        match self {
            Self::Weighted(layer) => layer,
            Self::Norm(layer) => layer,
            Self::Sign(layer) => layer,
            Self::Relu(layer) => layer,
            Self::Quantize(layer) => layer,
            Self::MaxPool(layer) => layer,
            Self::SumPool(layer) => layer,
            Self::Add(layer) => layer,
        }
    }

    /// The layer of weights, if it is one.
    pub fn learned(&self) -> Option<&Learned> {
        if let Self::Weighted(layer) = self { Some(layer) } else { None }
    }

    /// The same, to change it.
    pub fn learned_mut(&mut self) -> Option<&mut Learned> {
        if let Self::Weighted(layer) = self { Some(layer) } else { None }
    }
}

/// A step with its name and the tensors that it reads; stage `i` yields tensor `i + 1`, tensor 0 is the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Name for the graph.
    pub name: String,
    /// One or two earlier tensors.
    pub inputs: Vec<usize>,
    /// What is done.
    pub step: Step,
    /// Shape of the result.
    pub shape: Shape,
}
