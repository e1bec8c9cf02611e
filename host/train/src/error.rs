//! What can go wrong in learning.

use thiserror::Error;

/// A data set, a configuration or a checkpoint that cannot be used, or a run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A data set is damaged or does not have the expected form.
    #[error(transparent)]
    Data(#[from] bitfab_data::DataError),
    /// The configuration cannot be used.
    #[error("training configuration, {field}: {problem}")]
    Config {
        /// Which setting.
        field: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// A checkpoint is damaged or belongs to another run.
    #[error("checkpoint: {problem}")]
    Checkpoint {
        /// What is wrong and what to do.
        problem: String,
    },
    /// The loss is no longer a number.
    #[error("training diverged in epoch {epoch}, batch {batch}: the loss is not finite; lower the learning rate")]
    Diverged {
        /// Epoch from 1.
        epoch: u32,
        /// Batch from 1.
        batch: u32,
    },
    /// The network has real weights.
    #[error("a network of method float is a yardstick and has no graph; train with another method")]
    NotExported,
    /// The learned network is not a sound graph.
    #[error(transparent)]
    Graph(#[from] bitfab_graph::GraphError),
}

/// A configuration error in one line.
pub(crate) fn config_error(field: &'static str, problem: impl Into<String>) -> TrainError {
    TrainError::Config { field, problem: problem.into() }
}
