//! Judging a whole graph: names, wiring, and one inferred [`Tensor`] per step.

use crate::infer::infer;
use crate::{ByteKind, Graph, GraphError, Shape};

/// The most values one tensor may have.
pub const MAX_ELEMENTS: u64 = 1 << 24;
/// The most weights one node may have.
pub const MAX_WEIGHTS: u64 = 1 << 26;
/// The most nodes a graph may have.
pub const MAX_NODES: usize = 4096;

/// What the values of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input's bytes, as integers.
    Bytes(ByteKind),
    /// -1 or +1.
    Signs,
    /// Integers 0 to `2^bits - 1`.
    Levels {
        /// 1 to 8.
        bits: u32,
    },
    /// Integers before any scale; `|x| <= bound`, which fits an `i32`.
    Accumulator {
        /// Largest magnitude for any input: the largest row sum of weight magnitudes times the largest value read.
        bound: u32,
    },
    /// Real numbers.
    Reals,
}

impl Kind {
    /// Largest magnitude of a value that a weighted layer, pool or addition may read; `None` for reals.
    pub fn max_magnitude(self) -> Option<u32> {
        match self {
            Self::Bytes(ByteKind::U8) => Some(255),
            Self::Bytes(ByteKind::I8) => Some(128),
            Self::Signs => Some(1),
            Self::Levels { bits } => Some((1 << bits) - 1),
            Self::Accumulator { bound } => Some(bound),
            Self::Reals => None,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(ByteKind::U8) => write!(f, "u8 bytes"),
            Self::Bytes(ByteKind::I8) => write!(f, "i8 bytes"),
            Self::Signs => write!(f, "signs"),
            Self::Levels { bits } => write!(f, "{bits}-bit levels"),
            Self::Accumulator { bound } => write!(f, "accumulators up to {bound}"),
            Self::Reals => write!(f, "reals"),
        }
    }
}

/// Shape and kind of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// What the values are.
    pub kind: Kind,
}

impl Graph {
    /// Checks everything and infers every tensor: element 0 is the input, element `i + 1` the result of node `i`.
    ///
    /// # Errors
    /// Names the first node that is wrong; never panics.
    pub fn check(&self) -> Result<Vec<Tensor>, GraphError> {
        let tensors = self.check_nodes()?;
        self.check_precisions(&tensors)?;
        let output = tensors.last().map_or(self.input, |tensor| tensor.shape);
        self.interface.check(tensors[0], self.input_kind, output)?;
        Ok(tensors)
    }

    /// Frame and nodes of the lowest precision.
    pub(crate) fn check_nodes(&self) -> Result<Vec<Tensor>, GraphError> {
        self.check_frame()?;
        let mut tensors = vec![Tensor { shape: self.input, kind: Kind::Bytes(self.input_kind) }];
        for index in 0..self.nodes.len() {
            let tensor = self.check_node(index, &tensors).map_err(|problem| self.node_error(index, problem))?;
            tensors.push(tensor);
        }
        self.check_all_used()?;
        Ok(tensors)
    }

    /// The input and the number of nodes.
    fn check_frame(&self) -> Result<(), GraphError> {
        if !(1..=MAX_ELEMENTS).contains(&self.input.elements()) {
            return Err(GraphError::Input { shape: self.input.to_string(), limit: MAX_ELEMENTS });
        }
        if !(1..=MAX_NODES).contains(&self.nodes.len()) {
            return Err(GraphError::NodeCount { count: self.nodes.len(), limit: MAX_NODES });
        }
        Ok(())
    }

    /// Name and inputs of one node, then its result.
    fn check_node(&self, index: usize, tensors: &[Tensor]) -> Result<Tensor, String> {
        let node = &self.nodes[index];
        if node.name.is_empty() {
            return Err("the name is empty; give it one".into());
        }
        if let Some(first) = self.nodes[..index].iter().position(|n| n.name == node.name) {
            return Err(format!("node {first} has the same name; names must differ"));
        }
        if node.inputs.len() != node.op.arity() {
            let (found, need) = (node.inputs.len(), node.op.arity());
            return Err(format!("has {found} inputs, needs {need}"));
        }
        let inputs = node.inputs.iter().map(|&at| {
            tensors.get(at).copied().ok_or_else(|| format!("reads tensor {at}, but only 0 to {index} exist before it"))
        });
        let tensor = infer(&node.op, &inputs.collect::<Result<Vec<_>, _>>()?)?;
        if !(1..=MAX_ELEMENTS).contains(&tensor.shape.elements()) {
            let shape = tensor.shape;
            return Err(format!("yields {shape}; 1 to {MAX_ELEMENTS} values are allowed"));
        }
        Ok(tensor)
    }

    /// Every tensor but the last is read by someone.
    fn check_all_used(&self) -> Result<(), GraphError> {
        let mut used = vec![false; self.nodes.len() + 1];
        for &at in self.nodes.iter().flat_map(|node| &node.inputs) {
            used[at] = true;
        }
        let last = self.nodes.len();
        match (1..last).find(|&at| !used[at]) {
            Some(at) => Err(self.node_error(at - 1, "nobody reads its result; remove it".into())),
            None => Ok(()),
        }
    }

    /// An error that names the node.
    pub(crate) fn node_error(&self, index: usize, problem: String) -> GraphError {
        let node = &self.nodes[index];
        GraphError::Node { index, name: node.name.clone(), op: node.op.label(), problem }
    }
}
