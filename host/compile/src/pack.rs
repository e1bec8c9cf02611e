//! Real weights to packed rows (SPEC 6).

use bitfab_format::{Layer, Packing, WORD_BITS};
use bitfab_graph::{WeightQuantizer, Weights};

/// The binary rows of `layer`; channels in `negated` have every weight flipped.
///
/// `layer` states op, input, output, window and groups; the weights' order is out, tap, channel for both operations.
pub(crate) fn rows(layer: &Layer<'_>, weights: &Weights, negated: &[bool]) -> Vec<u32> {
    let (row_words, fan_in) = (layer.row_words() as usize, layer.fan_in() as usize);
    let (packing, channels, bits) = (layer.packing(), layer.group_channels() as usize, WORD_BITS as usize);
    let place = |index: usize| match packing {
        Packing::Tap => index / channels * channels.div_ceil(bits) * bits + index % channels,
        Packing::Patch => index,
    };
    let mut rows = vec![0; row_words * layer.output.shape.channels as usize];
    for (output, values) in weights.values.chunks_exact(fan_in).enumerate() {
        let row = &mut rows[output * row_words..][..row_words];
        for (index, &value) in values.iter().enumerate() {
            if is_plus(weights.quantizer, value) != negated[output] {
                row[place(index) / bits] |= 1 << (place(index) % bits);
            }
        }
    }
    rows
}

fn is_plus(quantizer: WeightQuantizer, value: f32) -> bool {
    quantizer.quantize(value) > 0
}
