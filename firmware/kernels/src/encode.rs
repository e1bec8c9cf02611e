//! Bytes to signs: comparisons and thermometer codes (NUMERICS 2).

use bitfab_format::{Kind, Layer, Transform, WORD_BITS};

use crate::Views;

/// Computes an encoding.
pub(crate) fn run(layer: &Layer<'_>, views: Views<'_>) {
    let Transform::Encode { per_channel, thresholds } = layer.transform else { return };
    // Flipping the top bits turns signed order into unsigned order.
    let flip = if layer.input.kind == Kind::I8 { 0x80 } else { 0 };
    let pixels = views.bytes.chunks_exact((layer.input.shape.channels as usize).max(1));
    let outputs = views.output.chunks_exact_mut((layer.output.shape.channel_words() as usize).max(1));
    for (pixel, words) in pixels.zip(outputs) {
        let channels = pixel.iter().zip(thresholds.chunks_exact((per_channel as usize).max(1)));
        let signs = channels.flat_map(|(&x, limits)| limits.iter().map(move |&limit| x ^ flip >= limit ^ flip));
        pack(signs, words);
    }
}

/// Packs signs into words, from bit 0 of the first word.
fn pack(signs: impl Iterator<Item = bool>, words: &mut [u32]) {
    let (mut word, mut bit) = (0u32, 0);
    let mut words = words.iter_mut();
    for sign in signs {
        word |= u32::from(sign) << bit;
        bit += 1;
        if bit == WORD_BITS {
            if let Some(to) = words.next() {
                *to = word;
            }
            (word, bit) = (0, 0);
        }
    }
    if bit != 0
        && let Some(to) = words.next()
    {
        *to = word;
    }
}
