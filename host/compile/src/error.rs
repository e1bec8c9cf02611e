//! Why a graph cannot become a model.

use bitfab_format::FormatError;
use bitfab_graph::GraphError;

/// A graph that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The graph itself is wrong.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A node that has no exact integer form.
    #[error("node {index} `{name}` ({op}): {problem}")]
    Node {
        /// Position in the graph.
        index: usize,
        /// Its name.
        name: String,
        /// Its operation.
        op: &'static str,
        /// What is wrong and what would work.
        problem: String,
    },
    /// An update that does not fit the deployed file.
    #[error("the deployed file cannot be extended: {0}")]
    Base(&'static str),
    /// Values that can only be rounded, where exactness was asked for.
    #[error("not exact: {0}; use fewer activation bits or smaller weights, or accept it")]
    Rounded(crate::Rounded),
    /// More layers than a file can hold.
    #[error("the graph has {0} layers, a model file holds at most 255; merge or remove some")]
    TooManyLayers(usize),
    /// The model is larger than the format allows.
    #[error("the compiled model is refused by the format: {0}; make the layer smaller")]
    Refused(FormatError),
}
