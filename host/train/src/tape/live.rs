//! Tensors of a pass; each is dropped after its last reader.

use super::step::Stage;
use crate::batch::Batch;
use crate::layers::Inputs;

/// Tensors of a pass.
pub(super) struct Live {
    tensors: Vec<Option<Batch>>,
    readers: Vec<usize>,
}

impl Live {
    /// Nothing but the input.
    pub(super) fn new(stages: &[Stage], input: Batch) -> Self {
        let mut readers = vec![0; stages.len() + 1];
        for &at in stages.iter().flat_map(|stage| &stage.inputs) {
            readers[at] += 1;
        }
        Self { tensors: vec![Some(input)], readers }
    }

    /// What a stage reads.
    pub(super) fn inputs(&mut self, stage: &Stage) -> Inputs {
        let x = self.take(stage.inputs[0]);
        Inputs { x, other: stage.inputs.get(1).map(|&at| self.take(at)) }
    }

    /// The result of the next stage.
    pub(super) fn push(&mut self, y: Batch) {
        self.tensors.push(Some(y));
    }

    /// The last result.
    pub(super) fn last(mut self) -> Batch {
        self.tensors.pop().flatten().expect("the last tensor has no reader")
    }

    /// The tensor, moved out if this is its last reader.
    fn take(&mut self, at: usize) -> Batch {
        self.readers[at] -= 1;
        let slot = &mut self.tensors[at];
        let tensor = if self.readers[at] == 0 { slot.take() } else { slot.clone() };
        tensor.expect("stages read earlier tensors, counted at the start")
    }
}
