//! What the ports carry in every cycle of one frame.

use bitfab_format::Model;
use bitfab_hdl::{Ports, Program, Stimulus, StreamByte};

use super::drive::frame;
use super::load::fill;
use super::patience::{PATIENCE, stuck};
use super::{Circuit, Stalls};
use crate::engine::check_inputs;
use crate::error::SimError;

/// The ports in a cycle, before the edge that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// What the inputs carried.
    pub stimulus: Stimulus,
    /// What the outputs showed.
    pub ports: Ports,
}

impl Cycle {
    /// Whether a byte of the input is taken at the edge.
    pub const fn takes_input(&self) -> bool {
        self.stimulus.input.is_some() && self.ports.in_ready && !self.stimulus.reset
    }

    /// The byte of the result that is taken at the edge.
    pub fn taken_output(&self) -> Option<StreamByte> {
        self.ports.out.filter(|_| self.stimulus.out_ready && !self.stimulus.reset)
    }
}

/// A recording: the cycles at which anything changed, so that long computations take little room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    changes: Vec<(u64, Cycle)>,
    cycles: u64,
}

impl Recording {
    fn push(&mut self, cycle: Cycle) {
        if self.changes.last().is_none_or(|(_, last)| *last != cycle) {
            self.changes.push((self.cycles, cycle));
        }
        self.cycles += 1;
    }

    /// How many cycles it has.
    pub const fn cycles(&self) -> u64 {
        self.cycles
    }

    /// A cycle, counted from 0; the last one where there is none such, nothing in an empty recording.
    pub fn at(&self, cycle: u64) -> Option<Cycle> {
        let behind = self.changes.partition_point(|(start, _)| *start <= cycle);
        self.changes.get(behind.checked_sub(1)?).map(|(_, cycle)| *cycle)
    }

    /// The first cycle from `start` on that is as asked.
    pub fn find(&self, start: u64, is_wanted: impl Fn(&Cycle) -> bool) -> Option<u64> {
        let from = self.changes.partition_point(|(begin, _)| *begin <= start).saturating_sub(1);
        let found = self.changes.iter().skip(from).find(|(_, cycle)| is_wanted(cycle));
        found.map(|(begin, _)| (*begin).max(start)).filter(|cycle| *cycle < self.cycles)
    }
}

/// Records a frame: one cycle of reset, then a byte offered in every cycle, and a reader of the result who is ready but
/// for the first `pause` cycles of the first byte. Three cycles more show the end.
/// Where weights are loaded they have been before, and an idle cycle stands for the reset, which would forget them.
///
/// # Errors
/// [`SimError`] where the input has another length than a frame, or the circuit fails or never ends.
pub fn record(
    circuit: &mut dyn Circuit,
    model: &Model<'_>,
    program: &Program,
    input: &[u8],
    pause: u64,
) -> Result<Recording, SimError> {
    check_inputs(model, &[input])?;
    let mut recording = Recording::default();
    let (mut bytes, mut left, mut pauses) = (frame(input).peekable(), 4 * program.output_words, pause);
    let (mut stimulus, mut quiet) = (Stimulus::RESET, 0);
    if program.is_loaded() {
        fill(circuit, program, Stalls::default())?;
        stimulus = Stimulus::new(None, false);
    }
    while left != 0 {
        let (ports, written) = circuit.cycle(stimulus)?;
        let now = Cycle { stimulus, ports };
        recording.push(now);
        bytes.next_if(|_| now.takes_input());
        left -= u32::from(now.taken_output().is_some());
        pauses -= u64::from(now.ports.out.is_some() && pauses != 0);
        stimulus = Stimulus::new(bytes.peek().copied(), pauses == 0);
        quiet = if now.takes_input() || now.ports.out.is_some() || written.is_some() { 0 } else { quiet + 1 };
        if quiet > PATIENCE {
            return Err(stuck(recording.cycles));
        }
    }
    for _ in 0..3 {
        let (ports, _) = circuit.cycle(Stimulus::new(None, true))?;
        recording.push(Cycle { stimulus: Stimulus::new(None, true), ports });
    }
    Ok(recording)
}
