//! Dense layers and convolutions with binary weights (NUMERICS 3).

use bitfab_format::{Layer, Packing};

use crate::Views;
use crate::place::{self, Place};
use crate::transform::{self, BLOCK};
use crate::window::{BUFFER, Gatherer};

/// Computes a weighted layer: output pixel by output pixel, a word of output channels at a time.
pub(crate) fn run(layer: &Layer<'_>, rows: &[u32], views: Views<'_>) {
    let mut buffer = [0; BUFFER];
    let memory = match layer.packing() {
        Packing::Patch => views.scratch,
        Packing::Tap | Packing::Bytes => &mut buffer,
    };
    let mut gatherer = Gatherer::new(layer, views.bytes, views.input, memory);
    let channels = layer.output.shape.channels as usize;
    place::for_each(layer, &mut |pixel, place| {
        gatherer.reset();
        let mut walk = Walk::new(layer, rows);
        for word in 0..layer.output.shape.channel_words() as usize {
            let mut accumulators = [0; BLOCK];
            let used = channels.wrapping_sub(word.wrapping_mul(BLOCK)).min(BLOCK);
            let block = accumulators.get_mut(..used).unwrap_or_default();
            walk.accumulate(&mut gatherer, place, block);
            transform::store(layer, pixel, word, block, views.residual, views.output);
        }
    });
}

/// A walk over the output channels of one pixel and their rows of weights.
struct Walk<'a> {
    /// Rows of the channels that are still to come.
    rows: &'a [u32],
    row_words: usize,
    group: usize,
    /// Output channels of a group.
    group_outputs: usize,
    /// Those of this group that are still to come.
    left: usize,
}

impl<'a> Walk<'a> {
    fn new(layer: &Layer<'_>, rows: &'a [u32]) -> Self {
        let group_outputs = layer.output.shape.channels.checked_div(layer.groups).unwrap_or(0) as usize;
        Self { rows, row_words: layer.row_words() as usize, group: 0, group_outputs, left: group_outputs }
    }

    /// Fills the accumulators of the next output channels, which may be of several groups.
    fn accumulate(&mut self, gatherer: &mut Gatherer<'_>, place: &Place, mut accumulators: &mut [i32]) {
        while !accumulators.is_empty() {
            let count = self.left.min(accumulators.len());
            let Some((now, later)) = accumulators.split_at_mut_checked(count) else { return };
            gatherer.accumulate(place, self.group, self.rows, now);
            self.rows = self.rows.get(count.wrapping_mul(self.row_words)..).unwrap_or_default();
            self.left -= count;
            if self.left == 0 {
                (self.group, self.left) = (self.group + 1, self.group_outputs.max(1));
            }
            accumulators = later;
        }
    }
}
