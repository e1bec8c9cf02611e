//! Hosts that stall, send frames of wrong length, die and reset; and what must come of it.

use std::collections::VecDeque;

use bitfab_format::Model;
use bitfab_hdl::{Ports, Program, Stimulus, StreamByte};

use super::Circuit;
use super::drive::frame;
use super::stalls::Noise;
use crate::engine::Engine;
use crate::error::SimError;
use crate::software::Reference;

/// Cycles that the last results may take.
const PATIENCE: u64 = 10_000_000;

/// What happened between two resets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Frames that were taken whole.
    pub frames: Vec<Vec<u8>>,
    /// Frames of a wrong length.
    pub dropped: usize,
    /// Bytes of results that came out.
    pub result: Vec<StreamByte>,
}

impl Epoch {
    /// The results of all whole frames, as they must come out.
    ///
    /// # Errors
    /// Those of the reference.
    pub fn expected(&self, model: &Model<'_>) -> Result<Vec<StreamByte>, SimError> {
        let frames: Vec<&[u8]> = self.frames.iter().map(Vec::as_slice).collect();
        let runs = Reference.run(model, &frames, &mut |_| {})?;
        let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        Ok(runs.iter().flat_map(|run| frame(&bytes(&run.output)).collect::<Vec<_>>()).collect())
    }
}

/// The hosts, one after the other.
struct Hosts {
    noise: Noise,
    frame_bytes: usize,
    result_bytes: usize,
    epochs: Vec<Epoch>,
    /// What is left of the frame that is sent, and all of it.
    left: VecDeque<StreamByte>,
    sent: Vec<u8>,
    /// What the port of errors must show.
    is_wrong: bool,
}

impl Hosts {
    fn now(&mut self) -> &mut Epoch {
        if self.epochs.is_empty() {
            self.epochs.push(Epoch::default());
        }
        let last = self.epochs.len() - 1;
        &mut self.epochs[last]
    }

    /// A frame: mostly whole, else too short or too long.
    fn begin(&mut self) {
        let whole = self.frame_bytes as u64;
        let length = match self.noise.bits() % 6 {
            0 => 1 + self.noise.bits() % whole,
            1 => whole + 1 + self.noise.bits() % whole,
            _ => whole,
        };
        let bytes: Vec<u8> = (0..length).map(|_| self.noise.bits() as u8).collect();
        self.left = frame(&bytes).collect();
        self.sent.clear();
    }

    /// What the inputs carry next; at the end only what was begun is sent.
    fn next(&mut self, is_end: bool) -> Stimulus {
        if !is_end && self.noise.once_in(1_500) {
            return Stimulus::RESET;
        }
        if self.left.is_empty() && !is_end {
            self.begin();
        }
        let input = self.left.front().copied().filter(|_| !self.noise.once_in(4));
        Stimulus::new(input, !self.noise.once_in(3))
    }

    /// Notes what a cycle has done.
    fn follow(&mut self, stimulus: Stimulus, ports: Ports) -> Result<(), SimError> {
        if ports.frame_error != self.is_wrong {
            let problem = format!("frame_error is {}, and {} was expected", ports.frame_error, self.is_wrong);
            return Err(SimError::Tool { program: "the simulated accelerator".into(), problem });
        }
        if stimulus.reset {
            self.now();
            self.epochs.push(Epoch::default());
            self.left.clear();
            self.is_wrong = false;
            return Ok(());
        }
        if let Some(byte) = stimulus.input.filter(|_| ports.in_ready) {
            self.take(byte);
        }
        if let Some(byte) = ports.out.filter(|_| stimulus.out_ready) {
            self.now().result.push(byte);
        }
        Ok(())
    }

    /// Notes a byte that was taken.
    fn take(&mut self, byte: StreamByte) {
        self.left.pop_front();
        self.sent.push(byte.value);
        let (length, whole) = (self.sent.len(), self.frame_bytes);
        if length < whole && byte.last || length == whole && !byte.last {
            self.is_wrong = true;
            self.now().dropped += 1;
        } else if length == whole {
            self.is_wrong = false;
            let frame = std::mem::take(&mut self.sent);
            self.now().frames.push(frame);
        }
    }

    fn is_done(&mut self) -> bool {
        let expected = self.now().frames.len() * self.result_bytes;
        self.left.is_empty() && self.now().result.len() >= expected
    }
}

/// Drives `circuit` for `cycles` cycles by hosts that make every mistake, and then until the last results have come.
///
/// # Errors
/// [`SimError`] where the circuit fails, shows a wrong `frame_error` or keeps results back.
pub fn disturb(circuit: &mut dyn Circuit, program: &Program, seed: u64, cycles: u64) -> Result<Vec<Epoch>, SimError> {
    let (frame_bytes, result_bytes) = (program.input_bytes as usize, 4 * program.output_words as usize);
    let (left, sent, epochs) = (VecDeque::new(), Vec::new(), Vec::new());
    let mut hosts = Hosts { noise: Noise(seed), frame_bytes, result_bytes, epochs, left, sent, is_wrong: false };
    for cycle in 0..cycles + PATIENCE {
        let is_end = cycle >= cycles;
        if is_end && hosts.is_done() {
            return Ok(hosts.epochs);
        }
        let stimulus = hosts.next(is_end);
        let (ports, _) = circuit.cycle(stimulus)?;
        hosts.follow(stimulus, ports)?;
    }
    let problem = format!("{PATIENCE} cycles after the last frame its result has not come");
    Err(SimError::Tool { program: "the simulated accelerator".into(), problem })
}
