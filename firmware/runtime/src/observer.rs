//! Who watches every layer's output.

use bitfab_format::{Layer, digest};

/// Sees the output of every layer while it is still in the arena.
pub trait Observer {
    /// Called before `layer` runs; a place to start a counter.
    fn before(&mut self, layer: &Layer<'_>) {
        let _ = layer;
    }

    /// Called after `layer` ran; `output` are the words of its output tensor.
    fn after(&mut self, layer: &Layer<'_>, output: &[u32]);
}

/// Watches nothing.
impl Observer for () {
    fn after(&mut self, _: &Layer<'_>, _: &[u32]) {}
}

impl<O: Observer> Observer for &mut O {
    fn before(&mut self, layer: &Layer<'_>) {
        (**self).before(layer);
    }

    fn after(&mut self, layer: &Layer<'_>, output: &[u32]) {
        (**self).after(layer, output);
    }
}

/// Keeps one CRC-32 a layer, so that two engines can be compared by a few numbers.
#[derive(Clone, Debug, Default)]
pub struct Digests<const LAYERS: usize> {
    digests: heapless::Vec<u32, LAYERS>,
    missed: usize,
}

impl<const LAYERS: usize> Digests<LAYERS> {
    /// Room for `LAYERS` digests.
    pub const fn new() -> Self {
        Self { digests: heapless::Vec::new(), missed: 0 }
    }

    /// The digests so far, one a layer.
    pub fn as_slice(&self) -> &[u32] {
        &self.digests
    }

    /// How many layers found no room.
    pub const fn missed(&self) -> usize {
        self.missed
    }

    /// Forgets everything, for the next inference.
    pub fn clear(&mut self) {
        self.digests.clear();
        self.missed = 0;
    }
}

impl<const LAYERS: usize> Observer for Digests<LAYERS> {
    fn after(&mut self, _: &Layer<'_>, output: &[u32]) {
        if self.digests.push(digest(output)).is_err() {
            self.missed += 1;
        }
    }
}
