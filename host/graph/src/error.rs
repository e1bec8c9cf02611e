//! What can be wrong with a graph or its bytes.

use thiserror::Error;

/// A graph that is not sound, or bytes that are not a graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The input has a zero or an absurdly large size.
    #[error("graph input {shape}: every size must be at least 1 and the product at most {limit}")]
    Input {
        /// The shape as text.
        shape: String,
        /// The largest number of values.
        limit: u64,
    },
    /// No nodes, or more than the limit.
    #[error("graph has {count} nodes; it must have 1 to {limit}")]
    NodeCount {
        /// Nodes found.
        count: usize,
        /// The largest number.
        limit: usize,
    },
    /// A node is wrong.
    #[error("graph node {index} '{name}' ({op}): {problem}")]
    Node {
        /// Position in `nodes`.
        index: usize,
        /// The node's name.
        name: String,
        /// The operation's label.
        op: &'static str,
        /// What is wrong and what it should be.
        problem: String,
    },
    /// The list of precisions is wrong, or a precision was asked for that is not there.
    #[error("graph precision of {planes} planes: {problem}")]
    Precision {
        /// Planes of a weight at that precision.
        planes: u32,
        /// What is wrong and what it should be.
        problem: String,
    },
    /// What is said of the input and the classes does not fit the nodes.
    #[error("graph interface: {problem}")]
    Interface {
        /// What is wrong.
        problem: String,
    },
    /// The bytes do not start with the magic.
    #[error("not a bitfab graph: the first bytes are not 'BFGRAPH'; write it with `bitfab train`")]
    Magic,
    /// Another version of the format.
    #[error("graph format version {found}, but this program reads version {supported}; train again")]
    Version {
        /// Version found.
        found: u8,
        /// Version read by this crate.
        supported: u8,
    },
    /// Too short, or the checksum does not fit.
    #[error("graph bytes are damaged: {problem}; copy the file again")]
    Damaged {
        /// What was seen.
        problem: String,
    },
    /// The graph could not be written.
    #[error("graph could not be encoded: {problem}")]
    Encode {
        /// The encoder's message.
        problem: String,
    },
}
