//! A model and its arena in one value.

use bitfab_format::{Layer, Model, digest};

#[cfg(feature = "interface")]
use crate::rows::{run_counts, run_real};
use crate::run::run;
use crate::{Inference, Observer, Output, RunError};

/// A model with an arena of `WORDS` words: inference in software, in the few lines that most firmware needs.
///
/// With `BYTES`, the bytes of an input, it also takes real values and raw counts (feature `interface`): there it keeps
/// what they are coded to.
#[derive(Clone, Debug)]
pub struct Machine<'m, const WORDS: usize, const BYTES: usize = 0> {
    model: Model<'m>,
    arena: [u32; WORDS],
    #[cfg_attr(not(feature = "interface"), expect(dead_code, reason = "bytes are what others are coded to"))]
    input: [u8; BYTES],
}

impl<'m, const WORDS: usize, const BYTES: usize> Machine<'m, WORDS, BYTES> {
    /// Takes a checked model.
    ///
    /// # Errors
    /// [`RunError::ArenaTooSmall`] where `WORDS` does not suffice; [`RunError::InputLength`] where `BYTES` is neither 0
    /// nor those of an input; [`RunError::Unsupported`] where this crate's features leave out what a layer needs.
    pub fn new(model: Model<'m>) -> Result<Self, RunError> {
        if WORDS < model.arena_words() {
            return Err(RunError::ArenaTooSmall { need: model.arena_words() });
        }
        if BYTES != 0 && BYTES != model.input_bytes() {
            return Err(RunError::InputLength { need: model.input_bytes() });
        }
        match model.layers().find(|layer| !bitfab_kernels::supports(layer)) {
            Some(layer) => Err(RunError::Unsupported { layer: layer.index }),
            None => Ok(Self { model, arena: [0; WORDS], input: [0; BYTES] }),
        }
    }

    /// The model.
    pub const fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// One inference.
    ///
    /// # Errors
    /// [`RunError::InputLength`] where `input` has the wrong length.
    pub fn run(&mut self, input: &[u8]) -> Result<Output<'_>, RunError> {
        run(&self.model, input, &mut self.arena, &mut ())
    }

    /// One inference whose layers `observer` sees.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub fn run_with<O: Observer>(&mut self, input: &[u8], observer: &mut O) -> Result<Output<'_>, RunError> {
        run(&self.model, input, &mut self.arena, observer)
    }
}

/// Writes the digest of every layer to its word.
struct Words<'a>(&'a mut [u32]);

impl Observer for Words<'_> {
    fn after(&mut self, layer: &Layer<'_>, output: &[u32]) {
        if let Some(word) = self.0.get_mut(usize::from(layer.index)) {
            *word = digest(output);
        }
    }
}

impl<const WORDS: usize, const BYTES: usize> Inference for Machine<'_, WORDS, BYTES> {
    type Error = RunError;

    fn model(&self) -> &Model<'_> {
        &self.model
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, RunError> {
        let need = self.model.layer_count();
        match digests.len() {
            0 => self.run(input),
            length if length == need => self.run_with(input, &mut Words(digests)),
            _ => Err(RunError::Digests { need }),
        }
    }
}

#[cfg(feature = "interface")]
impl<const WORDS: usize, const BYTES: usize> Machine<'_, WORDS, BYTES> {
    /// A machine without room for coded values is refused when it is built.
    const HAS_ROOM: () = assert!(
        BYTES != 0,
        "this machine takes bytes alone: to take real values or counts it needs room for one input, \
         Machine<{{ MODEL.arena_words() }}, {{ MODEL.input_bytes() }}>"
    );

    /// One inference on real values, coded as the model says ([`Model::code_real`]).
    ///
    /// # Errors
    /// [`RunError::Coding`] where `values` has the wrong length or holds what is no number.
    pub fn run_real(&mut self, values: &[f32]) -> Result<Output<'_>, RunError> {
        let () = Self::HAS_ROOM;
        run_real(&self.model, values, &mut self.input, &mut self.arena, &mut ())
    }

    /// One inference on raw counts of a sensor, coded as the model says ([`Model::code_counts`]).
    ///
    /// # Errors
    /// [`RunError::Coding`] where `counts` has the wrong length.
    pub fn run_counts(&mut self, counts: &[i16]) -> Result<Output<'_>, RunError> {
        let () = Self::HAS_ROOM;
        run_counts(&self.model, counts, &mut self.input, &mut self.arena, &mut ())
    }
}
