//! One inference: the walk over the layers.

use core::convert::Infallible;

use bitfab_format::{Layer, Model};
use bitfab_kernels::Views;

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
    model: &Model<'_>,
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
    let output = model.output();
    let words = arena.get(output.region.range()).ok_or_else(too_small)?;
    Ok(Output::new(output, model.output_scale(), words))
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

/// Words of the arena that the model in `bytes` states, for sizing an array at compile time.
///
/// Only what the header says; [`Model::new`] checks it. 0 where `bytes` is too short.
pub const fn arena_words(bytes: &[u8]) -> usize {
    match bytes.split_at_checked(20) {
        Some((_, &[a, b, c, d, ..])) => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 0,
    }
}

/// A model with an arena of `WORDS` words and the software backend: the few lines that most firmware needs.
#[derive(Clone, Debug)]
pub struct Machine<'m, const WORDS: usize> {
    model: Model<'m>,
    arena: [u32; WORDS],
}

impl<'m, const WORDS: usize> Machine<'m, WORDS> {
    /// Takes a checked model.
    ///
    /// # Errors
    /// [`RunError::ArenaTooSmall`] where `WORDS` does not suffice; [`RunError::Unsupported`] where this crate's features
    /// leave out what a layer needs.
    pub fn new(model: Model<'m>) -> Result<Self, RunError<Infallible>> {
        if WORDS < model.arena_words() {
            return Err(RunError::ArenaTooSmall { need: model.arena_words() });
        }
        match model.layers().find(|layer| !Software.supports(layer)) {
            Some(layer) => Err(RunError::Unsupported { layer: layer.index }),
            None => Ok(Self { model, arena: [0; WORDS] }),
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
