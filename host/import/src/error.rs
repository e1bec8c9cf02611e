//! Why a model cannot be imported.

use bitfab_graph::GraphError;

use crate::cure::Cure;

/// A file that is not a model, or a model that has no exact integer form.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The bytes are not what they should be.
    #[error("not a {format} file: {problem}")]
    File {
        /// What was expected.
        format: &'static str,
        /// What was found, where, and what to do.
        problem: String,
    },
    /// A constant or an input that is wrong.
    #[error("`{name}`: {problem}")]
    Value {
        /// Its name.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An operator that is wrong, unknown, or has no exact integer form.
    #[error("node {index} `{name}` ({op}): {problem}")]
    Node {
        /// Position in the file.
        index: usize,
        /// Its name.
        name: String,
        /// Its operator, with the domain if it is not ONNX's own.
        op: String,
        /// What is wrong and what would work.
        problem: String,
    },
    /// A node that a change of the model would give an integer form.
    #[error("{error}")]
    Curable {
        /// What is wrong.
        error: Box<ImportError>,
        /// The change.
        cure: Box<Cure>,
    },
    /// The result is refused by the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl ImportError {
    /// The change that would give the node an integer form (`Prepared::nearest`).
    pub fn cure(&self) -> Option<&Cure> {
        match self {
            Self::Curable { cure, .. } => Some(cure),
            _ => None,
        }
    }
}
