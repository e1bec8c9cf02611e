//! Feeds frames to a circuit, takes results, and sorts the words that it writes into tensors.

use bitfab_format::Model;
use bitfab_hdl::{Program, Row, Stimulus, StreamByte, Written};

use super::load::fill;
use super::patience::{PATIENCE, stuck};
use super::stalls::Pauses;
use super::{Circuit, Stalls};
use crate::error::SimError;

/// What a circuit did with one input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The words of every layer's output as they were written.
    pub tensors: Vec<Vec<u32>>,
    /// The words that came out of the result's stream.
    pub output: Vec<u32>,
    /// From the first byte of the input to the last byte of the result, both included.
    pub cycles: u64,
}

/// Sorts written words into the tensors of frames.
pub(crate) struct Tensors {
    /// Of each row of the layer table: layer, first word if it is stored, words of the tensor, words seen.
    rows: Vec<(usize, Option<u32>, usize, usize)>,
    layers: Vec<usize>,
    frames: Vec<Vec<Vec<u32>>>,
}

impl Tensors {
    pub fn new(model: &Model<'_>, program: &Program) -> Self {
        let regions: Vec<_> = model.layers().map(|layer| layer.output.region).collect();
        let row = |row: &Row| {
            let region = regions[usize::from(row.layer)];
            (usize::from(row.layer), (!row.output.send).then_some(region.start), region.words as usize, 0)
        };
        Self {
            rows: program.rows.iter().map(row).collect(),
            layers: regions.iter().map(|region| region.words as usize).collect(),
            frames: Vec::new(),
        }
    }

    /// Takes a word.
    ///
    /// # Errors
    /// [`SimError::Tool`] for a word outside its tensor.
    pub fn take(&mut self, written: Written) -> Result<(), SimError> {
        let wrong = || SimError::Tool {
            program: "the simulated accelerator".into(),
            problem: format!("row {} wrote word {:#x}, outside its tensor", written.row, written.address),
        };
        let (layer, start, words, seen) = self.rows.get_mut(written.row).ok_or_else(wrong)?;
        let (frame, place) = (*seen / *words, *seen % *words);
        // Words that are sent come in order and have no address.
        let place = start.map_or(place, |start| written.address.wrapping_sub(start) as usize);
        *seen += 1;
        if self.frames.len() <= frame {
            self.frames.push(self.layers.iter().map(|&words| vec![0xdead_beef; words]).collect());
        }
        let tensor = self.frames.get_mut(frame).map(|frame| &mut frame[*layer]).ok_or_else(wrong)?;
        *tensor.get_mut(place).ok_or_else(wrong)? = written.word;
        Ok(())
    }
}

impl Tensors {
    /// The frames, with their results; cycles are not known here.
    pub fn into_frames(self, bytes: &[u8], program: &Program) -> Vec<Frame> {
        let outputs = bytes.chunks_exact(4 * program.output_words as usize).map(words);
        let frames = self.frames.into_iter().zip(outputs);
        frames.map(|(tensors, output)| Frame { tensors, output, cycles: 0 }).collect()
    }
}

/// What has gone through the ports, and when.
struct Ledger<'d> {
    frame_bytes: usize,
    result_bytes: usize,
    cycle: u64,
    /// The last cycle in which anything happened.
    progress: u64,
    sent: usize,
    result: Vec<u8>,
    /// Cycles of the first byte of each frame and of the last byte of each result.
    begun: Vec<u64>,
    ended: Vec<u64>,
    done: &'d mut dyn FnMut(usize),
}

impl Ledger<'_> {
    fn send(&mut self) {
        if self.sent.is_multiple_of(self.frame_bytes) {
            self.begun.push(self.cycle);
        }
        self.sent += 1;
        self.progress = self.cycle;
    }

    fn receive(&mut self, byte: u8) {
        self.result.push(byte);
        self.progress = self.cycle;
        if self.result.len().is_multiple_of(self.result_bytes) {
            self.ended.push(self.cycle);
            (self.done)(self.ended.len());
        }
    }
}

/// Runs `inputs` through `circuit`, once its weights are loaded where they have to be, one frame directly after the other.
///
/// # Errors
/// [`SimError`] where the circuit fails or stops making progress.
pub fn drive(
    circuit: &mut dyn Circuit,
    model: &Model<'_>,
    program: &Program,
    inputs: &[&[u8]],
    stalls: Stalls,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Frame>, SimError> {
    if program.is_loaded() {
        fill(circuit, program, stalls)?;
    }
    let mut pauses = Pauses::new(stalls);
    let mut tensors = Tensors::new(model, program);
    let (frame_bytes, result_bytes) = (program.input_bytes as usize, 4 * program.output_words as usize);
    let (result, begun, ended) = (Vec::new(), Vec::new(), Vec::new());
    let mut ledger = Ledger { frame_bytes, result_bytes, cycle: 0, progress: 0, sent: 0, result, begun, ended, done };
    let mut bytes = inputs.iter().flat_map(|input| frame(input)).peekable();
    while ledger.ended.len() < inputs.len() {
        let (pause_in, pause_out) = pauses.next();
        let offered = if pause_in { None } else { bytes.peek().copied() };
        let (ports, written) = circuit.cycle(Stimulus::new(offered, !pause_out))?;
        if bytes.next_if(|_| offered.is_some() && ports.in_ready).is_some() {
            ledger.send();
        }
        if let Some(byte) = ports.out.filter(|_| !pause_out) {
            ledger.receive(byte.value);
        }
        if let Some(written) = written {
            tensors.take(written)?;
            ledger.progress = ledger.cycle;
        }
        ledger.cycle += 1;
        if ledger.cycle - ledger.progress > PATIENCE {
            return Err(stuck(ledger.cycle));
        }
    }
    let mut frames = tensors.into_frames(&ledger.result, program);
    for (frame, (begin, end)) in frames.iter_mut().zip(ledger.begun.iter().zip(&ledger.ended)) {
        frame.cycles = end - begin + 1;
    }
    Ok(frames)
}

/// The bytes of a frame for the input's stream, the last one marked.
pub fn frame(bytes: &[u8]) -> impl Iterator<Item = StreamByte> {
    let end = bytes.len();
    bytes.iter().enumerate().map(move |(at, &value)| StreamByte { value, last: at + 1 == end })
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}
