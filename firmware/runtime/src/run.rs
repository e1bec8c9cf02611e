//! One inference: the walk over the layers.

use bitfab_format::{Layer, Model};
use bitfab_kernels::Views;

use crate::{Observer, Output, RunError};

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
