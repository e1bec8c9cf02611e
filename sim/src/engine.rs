//! One trait for everything that executes a model.

use bitfab_format::{CodingError, Model, align, digest};

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

/// Rows to run, each with one entry a value of the model's input.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// The input's bytes.
    Bytes(&'a [&'a [u8]]),
    /// Real values, which the model's coder turns into bytes.
    Real(&'a [&'a [f32]]),
    /// Raw counts of a sensor, which the model's coder turns into bytes.
    Counts(&'a [&'a [i16]]),
}

impl Rows<'_> {
    /// How many rows there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Bytes(rows) => rows.len(),
            Self::Real(rows) => rows.len(),
            Self::Counts(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Slices and vectors of rows of each type.
macro_rules! rows {
    ($($value:ty => $variant:ident,)+) => {$(
        impl<'a> From<&'a [&'a [$value]]> for Rows<'a> {
            fn from(rows: &'a [&'a [$value]]) -> Self {
                Self::$variant(rows)
            }
        }

        impl<'a> From<&'a Vec<&'a [$value]>> for Rows<'a> {
            fn from(rows: &'a Vec<&'a [$value]>) -> Self {
                Self::$variant(rows)
            }
        }
    )+};
}

rows! {
    u8 => Bytes,
    f32 => Real,
    i16 => Counts,
}

/// What a row of real values or counts was coded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodedRow {
    /// CRC-32 of the bytes, filled up with zeros to a word.
    pub digest: u32,
    /// How many values lay outside what the model learned and were moved to the nearer limit.
    pub clamped: usize,
}

impl CodedRow {
    /// Of the bytes of a row.
    pub fn new(bytes: &[u8], clamped: usize) -> Self {
        Self { digest: digest(&align(bytes)), clamped }
    }
}

/// One inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the row was coded to; `None` for rows of bytes.
    pub coded: Option<CodedRow>,
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
        bitfab_kernels::arg_max(&self.scores())
    }
}

/// Something that executes a model: naive loops, kernels, firmware in an emulator, a circuit in a simulator.
pub trait Engine {
    /// A short name for tables, such as `reference` or `qemu-m4`.
    fn name(&self) -> String;

    /// Runs every input in order; `done` is called with the number of finished inputs.
    ///
    /// An engine that compares its own tensors may stop at the first that is wrong: that run is then the last one.
    ///
    /// # Errors
    /// [`SimError`] where the engine cannot do its work; a wrong result is not an error here.
    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError>;

    /// Runs rows of bytes, real values or counts.
    ///
    /// Unless an engine codes rows itself, they are coded here and handed on as bytes: that is what the host of an
    /// accelerator does ([`Model::code_real`]).
    ///
    /// # Errors
    /// As [`Engine::run`]; [`SimError::Value`] for a row that has no bytes.
    fn run_rows(
        &mut self,
        model: &Model<'_>,
        rows: Rows<'_>,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        if let Rows::Bytes(inputs) = rows {
            return self.run(model, inputs, done);
        }
        let coded = code(model, rows)?;
        let inputs: Vec<&[u8]> = coded.iter().map(|(bytes, _)| &**bytes).collect();
        let mut runs = self.run(model, &inputs, done)?;
        runs.iter_mut().zip(&coded).for_each(|(run, (_, coded))| run.coded = Some(*coded));
        Ok(runs)
    }
}

/// The bytes of rows and what was coded, on the laptop; rows of bytes are what they are.
///
/// # Errors
/// [`SimError::Value`] names the first row and value that has no bytes.
pub fn code(model: &Model<'_>, rows: Rows<'_>) -> Result<Vec<(Vec<u8>, CodedRow)>, SimError> {
    fn each<T>(
        model: &Model<'_>,
        rows: &[&[T]],
        one: impl Fn(&[T], &mut [u8]) -> Result<usize, CodingError>,
    ) -> Result<Vec<(Vec<u8>, CodedRow)>, SimError> {
        let coded = rows.iter().enumerate().map(|(row, values)| {
            let mut bytes = vec![0; model.input_bytes()];
            let clamped = one(values, &mut bytes).map_err(|error| SimError::Value { row, error })?;
            let coded = CodedRow::new(&bytes, clamped);
            Ok((bytes, coded))
        });
        coded.collect()
    }
    match rows {
        Rows::Bytes(rows) => {
            check_inputs(model, rows)?;
            Ok(rows.iter().map(|bytes| (bytes.to_vec(), CodedRow::new(bytes, 0))).collect())
        }
        Rows::Real(rows) => each(model, rows, |values, bytes| model.code_real(values, bytes)),
        Rows::Counts(rows) => each(model, rows, |counts, bytes| model.code_counts(counts, bytes)),
    }
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

/// Checks rows as [`check_inputs`] does, and that those of values have bytes.
///
/// # Errors
/// [`SimError::Input`] or [`SimError::Value`] names the first that does not fit.
pub fn check_rows(model: &Model<'_>, rows: Rows<'_>) -> Result<(), SimError> {
    match rows {
        Rows::Bytes(inputs) => check_inputs(model, inputs),
        _ => code(model, rows).map(|_| ()),
    }
}
