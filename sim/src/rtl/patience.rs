//! When a circuit counts as stuck.

use crate::error::SimError;

/// Cycles without any progress at a port or in a memory after which a circuit counts as stuck.
pub(super) const PATIENCE: u64 = 50_000_000;

/// A circuit that makes no progress.
pub(super) fn stuck(cycle: u64) -> SimError {
    SimError::Tool {
        program: "the simulated accelerator".into(),
        problem: format!("no progress in the {PATIENCE} cycles before cycle {cycle}"),
    }
}
