//! Bytes to signs: comparisons and thermometer codes (NUMERICS 2).

use bitfab_format::{Kind, Layer, Transform, WORD_BITS};

use crate::Views;

/// Computes an encoding.
pub(crate) fn run(layer: &Layer<'_>, views: Views<'_>) {
    let Transform::Encode { per_channel, thresholds } = layer.transform else { return };
    // Flipping the top bits turns signed order into unsigned order.
    let flip = if layer.input.kind == Kind::I8 { 0x80 } else { 0 };
    let (mut bytes, mut output) = (views.bytes, views.output);
    let channels = layer.input.shape.channels as usize;
    let words = layer.output.shape.channel_words() as usize;
    for _ in 0..layer.input.shape.pixels() {
        let (Some(pixel), Some(words)) = (bytes.split_off(..channels), output.split_off_mut(..words)) else { return };
        encode(pixel, thresholds, per_channel as usize, flip, words);
    }
}

/// Compares the bytes of one pixel with their thresholds, and packs the signs from bit 0 of the first word.
fn encode(pixel: &[u8], mut thresholds: &[u8], per_channel: usize, flip: u8, words: &mut [u32]) {
    let mut words = words.iter_mut();
    let (mut word, mut bit) = (0u32, 0);
    for &x in pixel {
        for &threshold in thresholds.split_off(..per_channel).unwrap_or_default() {
            word |= u32::from(x ^ flip >= threshold ^ flip) << bit;
            bit += 1;
            if bit == WORD_BITS {
                store(&mut words, word);
                (word, bit) = (0, 0);
            }
        }
    }
    if bit != 0 {
        store(&mut words, word);
    }
}

fn store(words: &mut core::slice::IterMut<'_, u32>, word: u32) {
    if let Some(to) = words.next() {
        *to = word;
    }
}
