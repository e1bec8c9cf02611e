//! What a run tells while it learns.

use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Where a run is, after each batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Epoch from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Batch of this epoch from 1.
    pub batch: u32,
    /// Batches of an epoch.
    pub batches: u32,
    /// Mean loss of this epoch so far, in nats.
    pub loss: f64,
    /// Share of training samples that were right in this epoch so far.
    pub accuracy: f64,
    /// Learning rate of this batch.
    pub rate: f32,
}

/// What one epoch brought; one line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Epoch from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean training loss in nats.
    pub train_loss: f64,
    /// Share of right training samples, seen while learning.
    pub train_accuracy: f64,
    /// Mean loss on the validation part in nats, by the running statistics; none without such a part.
    pub validation_loss: Option<f64>,
    /// Share of right validation samples by the running statistics and raw scores; of a network of several precisions
    /// the mean over them.
    pub validation_accuracy: Option<f64>,
    /// Mean over the classes of the share of their validation samples that are right.
    pub validation_balanced_accuracy: Option<f64>,
    /// Learning rate of the last batch.
    pub rate: f32,
    /// Bytes of activations saved for one backward pass.
    pub saved_bytes: u64,
}

/// Follows a run and may stop it; a stopped run can be resumed from its checkpoint.
pub trait Watch {
    /// After each batch; `Break` stops the run there.
    fn batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After each epoch.
    fn epoch(&mut self, _report: &EpochReport) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {}
