//! The accelerator on the laptop, without any tool: stepped on one thread, its streams fed and stalled at random.

mod drive;
mod hosts;
mod load;
mod patience;
mod recording;
mod stalls;
mod wires;

use std::sync::Arc;

use bitfab_format::Model;
use bitfab_hdl::{CycleMachine, HdlError, Options, Ports, Program, Stimulus, Written};

use crate::engine::{Engine, Evidence, Run, check_inputs};
use crate::error::SimError;

pub(crate) use drive::Tensors;
pub use drive::{Frame, drive};
pub use hosts::{Epoch, disturb};
pub use load::load;
pub use recording::{Cycle, Recording, record};
pub use stalls::Stalls;
pub use wires::{RustHdl, run_with_waveform};

/// Anything with the ports of the accelerator, one clock edge at a time.
pub trait Circuit {
    /// One cycle up to and including its rising edge, with what its inputs carry.
    ///
    /// Returns what the ports showed before the edge, and the output word that the engine finished.
    ///
    /// # Errors
    /// [`SimError`] where the simulation itself fails.
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError>;
}

impl Circuit for CycleMachine {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let ports = self.ports();
        Ok((ports, self.step(stimulus)))
    }
}

/// The refusal of a model by the accelerator.
pub(crate) fn unsupported(engine: &str, error: &HdlError) -> SimError {
    SimError::Unsupported { engine: engine.into(), problem: error.to_string() }
}

/// The cycle model of the accelerator: the fastest exact simulation.
#[derive(Clone, Copy, Debug, Default)]
pub struct CycleModel {
    /// Lanes and pipeline.
    pub options: Options,
    /// When the streams pause.
    pub stalls: Stalls,
}

impl Engine for CycleModel {
    fn name(&self) -> String {
        "cycle-model".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        check_inputs(model, inputs)?;
        let program = Program::new(model, &self.options).map_err(|error| unsupported(&self.name(), &error))?;
        let program = Arc::new(program);
        let mut machine = CycleMachine::new(Arc::clone(&program));
        let frames = drive(&mut machine, model, &program, inputs, self.stalls, done)?;
        Ok(frames.into_iter().map(Frame::into_run).collect())
    }
}

impl Frame {
    /// The frame as a run of an engine.
    pub fn into_run(self) -> Run {
        Run {
            coded: None,
            evidence: Evidence::Tensors(self.tensors),
            output: self.output,
            cycles: Some(self.cycles),
            instructions: None,
        }
    }
}
