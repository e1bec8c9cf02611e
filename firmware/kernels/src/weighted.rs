//! Dense layers and convolutions (NUMERICS 3): output pixel by output pixel, a word of output channels at a time.

use bitfab_format::Layer;

use crate::place::{self, Place};
use crate::transform::{self, BLOCK};

/// What multiplies windows with rows of weights, one row after the other.
pub(crate) trait Multiply {
    /// Begins a new window with the first row.
    fn restart(&mut self);

    /// Fills accumulators, which are 0, with the dot products of the window at `place` and the next rows, all of `group`.
    fn multiply(&mut self, place: &Place, group: usize, accumulators: &mut [i32]);
}

/// Computes a weighted layer.
pub(crate) fn run(layer: &Layer<'_>, rows: &mut dyn Multiply, residual: &[u32], output: &mut [u32]) {
    let channels = layer.output.shape.channels as usize;
    place::for_each(layer, &mut |pixel, place| {
        rows.restart();
        let mut groups = Groups::new(layer);
        let (mut left, mut word) = (channels, 0);
        while left != 0 {
            let mut accumulators = [0; BLOCK];
            let block = accumulators.get_mut(..left.min(BLOCK)).unwrap_or_default();
            left -= block.len();
            groups.multiply(rows, place, block);
            transform::store(layer, pixel, word, block, residual, output);
            word += 1;
        }
    });
}

/// A walk over the output channels of one pixel, group by group.
struct Groups {
    group: usize,
    /// Output channels of a group.
    outputs: usize,
    /// Those of this group that are still to come.
    left: usize,
}

impl Groups {
    fn new(layer: &Layer<'_>) -> Self {
        let outputs = layer.output.shape.channels.checked_div(layer.groups).unwrap_or(0) as usize;
        Self { group: 0, outputs, left: outputs }
    }

    /// Fills the accumulators of the next output channels, which may be of several groups.
    fn multiply(&mut self, rows: &mut dyn Multiply, place: &Place, mut accumulators: &mut [i32]) {
        while !accumulators.is_empty() {
            let count = self.left.min(accumulators.len());
            let Some((now, later)) = accumulators.split_at_mut_checked(count) else { return };
            rows.multiply(place, self.group, now);
            self.left -= count;
            if self.left == 0 {
                (self.group, self.left) = (self.group + 1, self.outputs.max(1));
            }
            accumulators = later;
        }
    }
}
