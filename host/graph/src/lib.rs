//! The network between learned and packed.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bytes;
mod check;
mod error;
mod infer;
mod interface;
pub mod limits;
mod ops;
mod precision;
mod tensor;
mod weights;

pub use bytes::{MAGIC, VERSION};
pub use error::GraphError;
pub use interface::{Coding, Count, Interface};
pub use ops::{Op, PadValue, Window};
pub use precision::Precision;
pub use tensor::{Kind, Tensor};
pub use weights::{WeightQuantizer, Weights};

use serde::{Deserialize, Serialize};

/// Height, width and channels of one image; channels are the fastest index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values per position.
    pub channels: u32,
}

impl Shape {
    /// A shape from its three sizes; sizes are judged by [`Graph::check`].
    pub const fn new(height: u32, width: u32, channels: u32) -> Self {
        Self { height, width, channels }
    }

    /// A plain vector: 1 x 1 x `channels`.
    pub const fn flat(channels: u32) -> Self {
        Self::new(1, 1, channels)
    }

    /// Number of values, saturating at `u64::MAX`.
    pub const fn elements(&self) -> u64 {
        (self.height as u64).saturating_mul(self.width as u64).saturating_mul(self.channels as u64)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// How the bytes of the input are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ByteKind {
    /// 0 to 255.
    U8,
    /// -128 to 127, two's complement.
    I8,
}

/// One step of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name for people and error messages; not empty, unique in the graph.
    pub name: String,
    /// Tensors that are read: 0 is the input, `i + 1` the result of node `i`; only earlier ones.
    pub inputs: Vec<usize>,
    /// What is done.
    pub op: Op,
}

impl Node {
    /// A node with one input tensor.
    pub fn new(name: impl Into<String>, input: usize, op: Op) -> Self {
        Self { name: name.into(), inputs: vec![input], op }
    }
}

/// A whole network: an input and the nodes in an order in which they can be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Shape of the input, tensor 0.
    pub input: Shape,
    /// How its bytes are read.
    pub input_kind: ByteKind,
    /// The steps; node `i` yields tensor `i + 1`, the last one is the output.
    pub nodes: Vec<Node>,
    /// Higher precisions of the same weights, each with more planes than the one before; mostly none.
    pub precisions: Vec<Precision>,
    /// What is known of the input's values and the classes.
    pub interface: Interface,
}
