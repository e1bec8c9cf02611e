//! One inference: the walk over the layers.

use core::convert::Infallible;

use bitfab_format::{Layer, Model};
use bitfab_kernels::Views;

#[cfg(feature = "interface")]
use crate::rows::{run_counts, run_real};
use crate::{Backend, Observer, Output, RunError, Software};

/// Runs `model` on `input` in `arena`; every layer goes through `backend` and is shown to `observer`.
///
/// `input` are height x width x channels bytes, channels innermost; `arena` needs [`Model::arena_words`] words.
/// Nothing of the arena needs to be cleared before or between runs.
///
/// # Errors
/// [`RunError`] where a slice has the wrong size, or the backend cannot compute a layer or fails; the model itself
/// cannot fail any more.
pub fn run<'a, B: Backend, O: Observer>(
    model: &Model<'a>,
    input: &[u8],
    arena: &'a mut [u32],
    backend: &mut B,
    observer: &mut O,
) -> Result<Output<'a>, RunError<B::Error>> {
    if input.len() != model.input_bytes() {
        return Err(RunError::InputLength { need: model.input_bytes() });
    }
    let too_small = || RunError::ArenaTooSmall { need: model.arena_words() };
    for layer in model.layers() {
        if !backend.supports(&layer) {
            return Err(RunError::Unsupported { layer: layer.index });
        }
        let views = views(&layer, input, arena).ok_or_else(too_small)?;
        #[cfg(feature = "defmt")]
        defmt::trace!("layer {}: {} {}", layer.index, layer.name, layer.op);
        observer.before(&layer);
        backend.run(&layer, views).map_err(RunError::Backend)?;
        let output = arena.get(layer.output.region.range()).ok_or_else(too_small)?;
        observer.after(&layer, output);
    }
    let words = arena.get(model.output().region.range()).ok_or_else(too_small)?;
    Ok(Output::new(model, words))
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

/// A model with an arena of `WORDS` words and the software backend: the few lines that most firmware needs.
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
    pub fn new(model: Model<'m>) -> Result<Self, RunError<Infallible>> {
        if WORDS < model.arena_words() {
            return Err(RunError::ArenaTooSmall { need: model.arena_words() });
        }
        if BYTES != 0 && BYTES != model.input_bytes() {
            return Err(RunError::InputLength { need: model.input_bytes() });
        }
        match model.layers().find(|layer| !Software.supports(layer)) {
            Some(layer) => Err(RunError::Unsupported { layer: layer.index }),
            None => Ok(Self { model, arena: [0; WORDS], input: [0; BYTES] }),
        }
    }

    /// The model.
    pub const fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// One inference with the fast kernels.
    ///
    /// # Errors
    /// [`RunError::InputLength`] where `input` has the wrong length.
    pub fn run(&mut self, input: &[u8]) -> Result<Output<'_>, RunError<Infallible>> {
        run(&self.model, input, &mut self.arena, &mut Software, &mut ())
    }

    /// One inference with any backend and observer.
    ///
    /// # Errors
    /// [`RunError`] where `input` has the wrong length or the backend fails.
    pub fn run_with<B: Backend, O: Observer>(
        &mut self,
        input: &[u8],
        backend: &mut B,
        observer: &mut O,
    ) -> Result<Output<'_>, RunError<B::Error>> {
        run(&self.model, input, &mut self.arena, backend, observer)
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
    pub fn run_real(&mut self, values: &[f32]) -> Result<Output<'_>, RunError<Infallible>> {
        let () = Self::HAS_ROOM;
        run_real(&self.model, values, &mut self.input, &mut self.arena, &mut Software, &mut ())
    }

    /// One inference on raw counts of a sensor, coded as the model says ([`Model::code_counts`]).
    ///
    /// # Errors
    /// [`RunError::Coding`] where `counts` has the wrong length.
    pub fn run_counts(&mut self, counts: &[i16]) -> Result<Output<'_>, RunError<Infallible>> {
        let () = Self::HAS_ROOM;
        run_counts(&self.model, counts, &mut self.input, &mut self.arena, &mut Software, &mut ())
    }
}
