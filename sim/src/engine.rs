//! One trait for everything that executes a model.

use bitfab_format::{Model, digest};

use crate::SimError;

/// What an engine shows of its intermediate tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The words of every layer's output, in the file's layout (SPEC 1.3, 1.4).
    Tensors(Vec<Vec<u32>>),
    /// The CRC-32 of the same words, where moving them is too slow (firmware).
    Digests(Vec<u32>),
}

impl Evidence {
    /// One digest a layer.
    pub fn digests(&self) -> Vec<u32> {
        match self {
            Self::Tensors(tensors) => tensors.iter().map(|words| digest(words)).collect(),
            Self::Digests(digests) => digests.clone(),
        }
    }
}

/// One inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Every layer's output.
    pub evidence: Evidence,
    /// The words of the last layer's output.
    pub output: Vec<u32>,
    /// Clock cycles from the first input byte to the last output byte, where hardware is simulated.
    pub cycles: Option<u64>,
    /// Instructions of the inference, where a processor is emulated.
    pub instructions: Option<u64>,
}

impl Run {
    /// The output as scores, for models that end in accumulators.
    pub fn scores(&self) -> Vec<i32> {
        self.output.iter().map(|&word| word as i32).collect()
    }

    /// The index of the largest score, the lowest of equals (NUMERICS 6).
    pub fn arg_max(&self) -> usize {
        let mut best = 0;
        for (index, score) in self.scores().iter().enumerate() {
            if *score > self.output[best] as i32 {
                best = index;
            }
        }
        best
    }
}

/// Something that executes a model: naive loops, kernels, firmware in an emulator, a circuit in a simulator.
pub trait Engine {
    /// A short name for tables, such as `reference` or `qemu-m4`.
    fn name(&self) -> String;

    /// Runs every input in order; `done` is called with the number of finished inputs.
    ///
    /// # Errors
    /// [`SimError`] where the engine cannot do its work; a wrong result is not an error here.
    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError>;
}

/// Checks the length of every input.
///
/// # Errors
/// [`SimError::Input`] names the first that does not fit.
pub fn check_inputs(model: &Model<'_>, inputs: &[&[u8]]) -> Result<(), SimError> {
    let need = model.input_bytes();
    match inputs.iter().position(|input| input.len() != need) {
        None => Ok(()),
        Some(index) => Err(SimError::Input { index, found: inputs[index].len(), need }),
    }
}
