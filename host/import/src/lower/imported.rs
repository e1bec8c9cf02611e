//! What comes of a source: the graph, and what became of each part.

use bitfab_graph::Graph;

use crate::Source;
use crate::input::InputMap;

/// A tensor of the source and the integers that stand for it:
/// `value = offset + sum over i of scale[i] * integer[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// Name of the source's tensor.
    pub tensor: String,
    /// Name of the layer whose result holds the integers: the graph's node that sums, encodes or pools.
    pub node: String,
    /// The graph's tensor.
    pub at: usize,
    /// For each element of the source's tensor its place among the values of the graph's tensor, in units of `each`.
    pub places: Vec<u32>,
    /// Integers an element.
    pub each: usize,
    /// `each` factors for each channel.
    pub scale: Vec<f64>,
    /// One for each channel.
    pub offset: Vec<f64>,
}

/// What became of a part of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The node of the graph.
    pub node: String,
    /// What it does, with its kind of weights and sizes.
    pub what: String,
    /// The source's nodes that it stands for, in their order.
    pub from: Vec<String>,
    /// How scales and constants were folded.
    pub how: String,
}

/// An imported model.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// What was lowered: the file's nodes, compound ones written out, from where the bytes enter.
    pub source: Source,
    /// The integers.
    pub graph: Graph,
    /// How bytes become the model's input.
    pub input: InputMap,
    /// Sizes of the source's input.
    pub input_dims: Vec<usize>,
    /// For each element of the source's input its byte.
    pub input_places: Vec<u32>,
    /// Where the source's tensors are found in the graph, in the order of the graph.
    pub ties: Vec<Tie>,
    /// What became of the source's nodes.
    pub folded: Vec<Folded>,
    /// What a user should know: what was left out and why that changes nothing, and what was snapped.
    pub notes: Vec<String>,
}
