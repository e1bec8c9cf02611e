//! The cycle model: the specification of the engine in plain Rust, every cycle of it.
//!
//! It predicts cycles and runs whole test sets at millions of cycles a second.
//! The circuits are described apart from it and compared with it cycle by cycle, with random pauses, in the tests of
//! `bitfab-sim`; only the layer table, the memories' contents and the flags of an issue are common to both.

mod array;
mod depthwise;
mod front;
mod lanes;
mod loader;
mod rebuilder;
mod scaler;
mod sender;
mod sequencer;
mod window;

use std::sync::Arc;

use bitfab_format::Model;

use crate::program::Program;
use crate::reads::Reads;
use crate::sequencer::{State, Status, flag};
use crate::{HdlError, LoadPorts, Options, Ports, Stimulus, StreamByte, Weights};
use array::Array;
use front::Front;
use loader::Loader;
use rebuilder::{Made, Rebuilder};
use sender::Sender;
use sequencer::Sequencer;

/// A word that the engine has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The row of the layer table that is executed.
    pub row: usize,
    /// Its address in the arena; meaningless for words that are sent, which come in order.
    pub address: u32,
    /// The word.
    pub word: u32,
}

/// What the engine did in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Multiplied, added or compared a word in every lane.
    Useful,
    /// Added biases, emitted, packed or drained.
    Overhead,
    /// Waited for the input or for the reader of the result.
    Waiting,
}

/// The engine as plain state.
#[derive(Clone, Debug)]
pub struct CycleMachine {
    program: Arc<Program>,
    front: Front,
    sequencer: Sequencer,
    array: Array,
    sender: Sender,
    /// Where weights are loaded.
    loader: Option<Loader>,
    /// Where weights are rebuilt.
    rebuilder: Option<Rebuilder>,
    /// What the sequencer has read.
    reads: Reads,
}

impl CycleMachine {
    /// The engine after configuration of the FPGA.
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            front: Front::new(Arc::clone(&program)),
            sequencer: Sequencer::new(Arc::clone(&program)),
            array: Array::new(Arc::clone(&program)),
            sender: Sender::new(&program),
            loader: program.is_loaded().then(|| Loader::new(&program)),
            rebuilder: program.is_rebuilt().then(|| Rebuilder::new(Arc::clone(&program))),
            reads: Reads::default(),
            program,
        }
    }

    /// What it executes.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the ports show.
    pub fn ports(&self) -> Ports {
        let shown =
            |loader: &Loader| LoadPorts { ready: !loader.loaded(), loaded: loader.loaded(), error: loader.error() };
        Ports {
            in_ready: self.front.ready() && self.is_ready(),
            out: self.sender.byte(),
            frame_error: self.front.frame_error(),
            load: self.loader.as_ref().map(shown),
        }
    }

    /// The row of the table that is executed, and what is done in this cycle.
    pub fn activity(&self) -> (usize, Activity) {
        let activity = match self.sequencer.state() {
            State::Run | State::Residual | State::Scale => Activity::Useful,
            State::Wait => Activity::Waiting,
            _ => Activity::Overhead,
        };
        (self.sequencer.row(), activity)
    }

    /// What was read so far from each memory.
    pub fn reads(&self) -> Reads {
        let (limits, bytes) = self.front.reads();
        let streams = self.rebuilder.as_ref().map_or(0, Rebuilder::reads);
        Reads { limits, bytes, streams, buffer: self.sender.reads(), ..self.reads.clone() }
    }

    /// One rising edge of the clock; returns the output word that it finished.
    ///
    /// After a reset the engine is as after configuration of the FPGA.
    pub fn step(&mut self, stimulus: Stimulus) -> Option<Written> {
        let is_ready = self.is_ready();
        self.load(stimulus.load.filter(|_| !is_ready));
        let written = self.advance(stimulus.input.filter(|_| is_ready), stimulus.out_ready);
        if stimulus.reset {
            *self = Self::new(Arc::clone(&self.program));
        }
        written
    }

    /// Whether the weights are there.
    fn is_ready(&self) -> bool {
        self.loader.as_ref().is_none_or(Loader::loaded)
    }

    /// One edge of the load port; frames wait, so that nothing reads what it stores.
    fn load(&mut self, byte: Option<StreamByte>) {
        if let Some((number, word)) = self.loader.as_mut().and_then(|loader| loader.step(byte)) {
            self.array.load(number, word);
        }
    }

    fn advance(&mut self, input: Option<StreamByte>, out_ready: bool) -> Option<Written> {
        let row = self.sequencer.row();
        let issue = self.sequencer.issue();
        self.reads.note(&self.program.rows[row], issue, self.program.options.lanes);
        let release = self.sequencer.release();
        let status = Status {
            patch_ready: self.front.patch_ready(),
            room: self.sender.room(),
            idle: self.array.idle(),
            list_end: self.array.list_end(),
            rebuilt: self.rebuilder.as_ref().is_some_and(Rebuilder::rebuilt),
        };
        let byte = self.front.byte();
        let result = self.array.result(row);
        let takes = self.array.takes_byte(row);
        let (loads, wanted) = (issue.flags & flag::LOAD != 0, self.sequencer.state() == State::Rebuild);
        let made = self.rebuilder.as_mut().and_then(|rebuilder| rebuilder.step(row, loads, wanted));
        let stored = self.array.step(row, issue, byte);
        if let Some(Made { address, lane, word }) = made {
            self.array.load(address as usize * self.program.lanes() + lane, word);
        }
        self.sequencer.step(status);
        self.front.step(input, takes, release);
        self.sender.step(result, out_ready);
        stored.map(|store| Written { row, address: store.address, word: store.word })
    }
}

/// Cycles of one model, for a caller who never stalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// From the first byte of a frame into an empty engine to the last byte of its result.
    pub latency: u64,
    /// From result to result, with frames one after the other.
    pub interval: u64,
    /// Of these, by row of the layer table: useful, overhead and waiting.
    pub rows: Vec<[u64; 3]>,
    /// What a frame reads from each memory.
    pub reads: Reads,
}

impl Cycles {
    /// The useful part of all cycles, in percent.
    pub fn useful_percent(&self) -> f64 {
        let useful: u64 = self.rows.iter().map(|row| row[0]).sum();
        useful as f64 * 100.0 / self.interval.max(1) as f64
    }
}

/// Cycles that [`cycles`] is willing to step.
const PATIENCE: u64 = 1 << 30;

/// Counts the cycles of `model` by stepping the engine's registers through a few frames.
///
/// # Errors
/// [`HdlError`] where the model or the options do not fit, and [`HdlError::TooLong`] above 2^30 cycles.
pub fn cycles(model: &Model<'_>, options: &Options) -> Result<Cycles, HdlError> {
    // They are the same once the weights have come.
    let weights = if options.weights == Weights::Loaded { Weights::Contents } else { options.weights };
    let program = Arc::new(Program::new(model, &options.with_weights(weights))?);
    let (latency, ..) = finish_times(&program, 1)?;
    // The first frames fill the buffers; then every frame takes the same time.
    let (before, rows_before, reads_before) = finish_times(&program, 5)?;
    let (after, rows_after, reads_after) = finish_times(&program, 6)?;
    let rows = rows_after.iter().zip(&rows_before).map(|(a, b)| [a[0] - b[0], a[1] - b[1], a[2] - b[2]]).collect();
    Ok(Cycles { latency, interval: after - before, rows, reads: reads_after.since(&reads_before) })
}

/// Steps the engine from its first frame, of zeros, to the last byte of its result, for a host who never waits; `each` is
/// told what the ports show in a cycle and which word it finishes. Weights that are loaded have come.
///
/// # Errors
/// [`HdlError::TooLong`] where there is no result after 2^30 cycles.
pub(crate) fn first_frame(
    program: &Arc<Program>,
    mut each: impl FnMut(Ports, Option<Written>),
) -> Result<(), HdlError> {
    let mut there = Arc::clone(program);
    if program.is_loaded() {
        Arc::make_mut(&mut there).options.weights = Weights::Contents;
    }
    let mut machine = CycleMachine::new(there);
    let (mut given, mut left) = (0, 4 * u64::from(program.output_words));
    for _ in 0..PATIENCE {
        let ports = machine.ports();
        left -= u64::from(ports.out.is_some());
        let is_given = given < program.input_bytes;
        let byte = is_given.then_some(StreamByte { value: 0, last: given + 1 == program.input_bytes });
        given += u32::from(is_given && ports.in_ready);
        each(ports, machine.step(Stimulus::new(byte, true)));
        if left == 0 {
            return Ok(());
        }
    }
    Err(HdlError::TooLong { cycles: PATIENCE })
}

/// The cycle in which the result of frame `frames` is complete, and what was done and read until then.
fn finish_times(program: &Arc<Program>, frames: u64) -> Result<(u64, Vec<[u64; 3]>, Reads), HdlError> {
    let mut machine = CycleMachine::new(Arc::clone(program));
    let mut rows = vec![[0; 3]; program.rows.len()];
    let mut left = frames * 4 * u64::from(program.output_words);
    let (mut cycle, mut sent) = (0, 0);
    while left != 0 {
        if cycle == PATIENCE {
            return Err(HdlError::TooLong { cycles: PATIENCE });
        }
        let (row, activity) = machine.activity();
        rows[row][activity as usize] += 1;
        let ports = machine.ports();
        left -= u64::from(ports.out.is_some());
        let last = sent + 1 == program.input_bytes;
        if ports.in_ready {
            sent = if last { 0 } else { sent + 1 };
        }
        machine.step(Stimulus::new(Some(StreamByte { value: 0, last }), true));
        cycle += 1;
    }
    Ok((cycle, rows, machine.reads()))
}

/// Counts columns up to the last one, and behind it rows, from the last one back to the first.
fn count(at: &mut [u32; 2], last: [u32; 2]) {
    *at = match (*at == last, at[1] == last[1]) {
        (true, _) => [0; 2],
        (_, true) => [at[0] + 1, 0],
        _ => [at[0], at[1] + 1],
    };
}
