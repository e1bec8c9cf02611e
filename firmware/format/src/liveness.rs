//! Whether every region is free while it is written, and how large the arena must be.

use crate::decode;
use crate::error::{FormatError, Reason};
use crate::record::{NO_TENSOR, Reader, field};
use crate::{Layer, Region};

/// Whether any layer from `from` on reads tensor `index`; the last layer's output is read by the caller.
fn is_read(words: &[u32], layers: u16, index: u16, from: u16) -> bool {
    let is_result = index == layers;
    is_result
        || (from..layers).any(|layer| {
            let reads = Reader::layer(words, layer).halves(field::TENSORS).unwrap_or([u32::from(NO_TENSOR); 2]);
            reads.contains(&u32::from(index))
        })
}

/// Checks that what `layer` writes overlaps nothing that is still needed.
pub(crate) fn check(words: &[u32], layers: u16, layer: &Layer<'_>) -> Result<(), FormatError> {
    let reader = Reader::layer(words, layer.index);
    let (output, scratch) = (layer.output.region, layer.scratch);
    if output.overlaps(&scratch) {
        return Err(reader.error(field::SCRATCH, Reason::Overlap));
    }
    // Tensor i + 1 is the output of layer i; earlier layers' outputs may still be read by this layer or a later one.
    for earlier in 1..=layer.index {
        let other = decode::tensor(words, earlier)?.region;
        let hit =
            [(output, field::REGION), (scratch, field::SCRATCH)].into_iter().find(|(own, _)| own.overlaps(&other));
        if let Some((_, at)) = hit
            && is_read(words, layers, earlier, layer.index)
        {
            return Err(reader.error(at, Reason::Overlap));
        }
    }
    Ok(())
}

/// The end of the furthest region that `layer` uses.
pub(crate) fn end(layer: &Layer<'_>) -> u32 {
    let end = |region: Region| if region.words == 0 { 0 } else { region.end() };
    end(layer.output.region).max(end(layer.scratch))
}
