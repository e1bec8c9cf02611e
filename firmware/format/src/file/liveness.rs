//! Whether every region is free while it is written, and how large the arena must be.

use super::decode;
use super::record::{Fault, Record, field};
use crate::{Layer, Reason, Region, Tensor};

/// Whether any layer from `from` on reads tensor `index`; the last layer's output is read by the caller.
fn is_read(words: &[u32], layers: u16, index: u16, from: u16) -> bool {
    let is_result = index == layers;
    is_result
        || (from..layers).any(|layer| {
            Record::new(words, layer).is_some_and(|reader| {
                let [input, residual, ..] = reader.bytes(field::TENSORS);
                [input, residual].map(u16::from).contains(&index)
            })
        })
}

/// Checks that what `layer` writes overlaps nothing that is still needed.
pub(crate) fn check(words: &[u32], layers: u16, layer: &Layer<'_>) -> Result<(), Fault> {
    let (output, scratch) = (layer.output.region, layer.scratch);
    if output.overlaps(&scratch) {
        return Err(Fault::new(field::SCRATCH, Reason::Overlap));
    }
    // Tensor i + 1 is the output of layer i; earlier layers' outputs may still be read by this layer or a later one.
    for earlier in 1..=layer.index {
        // Earlier layers were checked, so their outputs are valid.
        let mut tensor = Tensor::EMPTY;
        let other = decode::tensor(words, earlier, &mut tensor).map_or(Region::default(), |()| tensor.region);
        let hit = if output.overlaps(&other) { field::REGION } else { field::SCRATCH };
        let is_hit = output.overlaps(&other) || scratch.overlaps(&other);
        if is_hit && is_read(words, layers, earlier, layer.index) {
            return Err(Fault::new(hit, Reason::Overlap));
        }
    }
    Ok(())
}

/// The end of the furthest region that `layer` uses.
pub(crate) fn end(layer: &Layer<'_>) -> u32 {
    let end = |region: Region| if region.words == 0 { 0 } else { region.end() };
    end(layer.output.region).max(end(layer.scratch))
}
