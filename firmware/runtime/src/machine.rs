//! One inference: the walk over the layers.

use bitfab_format::{Layer, Model, digest};
use bitfab_kernels::Views;

#[cfg(feature = "interface")]
use crate::rows::{run_counts, run_real};
use crate::{Inference, Observer, Output, RunError};

/// Runs `model` on `input` in `arena`; every layer's output is shown to `observer`.
///
/// `input` are height x width x channels bytes, channels innermost; `arena` needs [`Model::arena_words`] words.
/// Nothing of the arena needs to be cleared before or between runs.
///
/// # Errors
/// [`RunError`] where a slice has the wrong size, or the kernels that were built cannot compute a layer; the model
/// itself cannot fail any more.
pub fn run<'a, O: Observer>(
    model: &Model<'a>,
    input: &[u8],
    arena: &'a mut [u32],
    observer: &mut O,
) -> Result<Output<'a>, RunError> {
    if input.len() != model.input_bytes() {
        return Err(RunError::InputLength { need: model.input_bytes() });
    }
    let too_small = || RunError::ArenaTooSmall { need: model.arena_words() };
    for layer in model.layers() {
        if !bitfab_kernels::supports(&layer) {
            return Err(RunError::Unsupported { layer: layer.index });
        }
        let views = views(&layer, input, arena).ok_or_else(too_small)?;
        #[cfg(feature = "defmt")]
        defmt::trace!("layer {}: {} {}", layer.index, layer.name, layer.op);
        observer.before(&layer);
        bitfab_kernels::run(&layer, views);
        let output = arena.get(layer.output.region.range()).ok_or_else(too_small)?;
        observer.after(&layer, output);
    }
    let words = arena.get(model.output().region.range()).ok_or_else(too_small)?;
    Output::new(model, words).ok_or_else(too_small)
}

/// The memory of one layer; `None` where the arena is too small.
fn views<'a>(layer: &Layer<'_>, bytes: &'a [u8], arena: &'a mut [u32]) -> Option<Views<'a>> {
    // A tensor may be input and residual at once; slices of one array must not overlap.
    let shared = layer.residual.is_some_and(|residual| residual.index == layer.input_index);
    let residual = layer.residual.filter(|_| !shared).map_or(0..0, |residual| residual.tensor.region.range());
    let ranges = [layer.input.region.range(), residual, layer.output.region.range(), layer.scratch.range()];
    let [input, residual, output, scratch] = arena.get_disjoint_mut(ranges).ok()?;
    let residual = if shared { &*input } else { residual };
    Some(Views { bytes, input, residual, output, scratch })
}

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
