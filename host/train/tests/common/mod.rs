//! What the tests of whole runs share.

use bitfab_train::{Progress, Watch};
use std::ops::ControlFlow;

/// Stops after a number of batches.
pub struct StopAfter(pub u32);

impl Watch for StopAfter {
    fn batch(&mut self, _: &Progress) -> ControlFlow<()> {
        self.0 -= 1;
        if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
