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
        match per_channel {
            1 => compare(pixel, thresholds, u32::from_ne_bytes([flip; 4]), words),
            _ => encode(pixel, thresholds, per_channel as usize, flip, words),
        }
    }
}

/// Compares each byte of one pixel with its threshold, four at a time, after `flip` of both.
#[inline(never)] // its loop wants every register
fn compare(pixel: &[u8], thresholds: &[u8], flip: u32, words: &mut [u32]) {
    let thresholds = thresholds.get(..pixel.len()).unwrap_or_default();
    let ((mut bytes, rest), (mut limits, rest_of_limits)) = (pixel.as_chunks(), thresholds.as_chunks());
    let first_of_rest = bytes.len().wrapping_mul(4) as u32;
    for word in &mut *words {
        let fours = bytes.len().min(8);
        let (Some(bytes), Some(limits)) = (bytes.split_off(..fours), limits.split_off(..fours)) else { return };
        // The first of eight times four signs are pushed down by the others.
        let mut signs = 0u32;
        for (x, limit) in bytes.iter().zip(limits) {
            let four = not_less(u32::from_le_bytes(*x) ^ flip, u32::from_le_bytes(*limit) ^ flip);
            signs = signs.wrapping_shr(4) | four;
        }
        *word = signs.checked_shr(WORD_BITS - 4 * fours as u32).unwrap_or(0);
    }
    let Some(last) = words.last_mut() else { return };
    for (bit, (x, limit)) in (first_of_rest..).zip(rest.iter().zip(rest_of_limits)) {
        let [x, limit] = [x, limit].map(|byte| byte ^ flip as u8);
        *last |= u32::from(x >= limit).wrapping_shl(bit);
    }
}

/// Which of four bytes is not less than its limit: the top four bits.
#[inline(always)] // it is the loop
fn not_less(x: u32, limit: u32) -> u32 {
    const TOP: u32 = 0x8080_8080;
    // In each byte: of the lower seven bits the top bit of a difference that cannot borrow; of the top bits what they say.
    let lower = (x | TOP).wrapping_sub(limit & !TOP);
    let signs = (x & !limit | !(x ^ limit) & lower) & TOP;
    // Bits 7, 15, 23 and 31 to bits 28 to 31; no two terms of the product meet.
    signs.wrapping_shr(7).wrapping_mul(0x1020_4080) & 0xf000_0000
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_bytes_is_compared_in_every_place() {
        for pair in 0..=u16::MAX {
            let [x, limit] = pair.to_le_bytes();
            for place in 0..4 {
                // What stands beside it must not matter.
                for rest in [0u32, u32::MAX, 0x7f80_0081] {
                    let put = |byte: u8| rest & !(0xff << (8 * place)) | u32::from(byte) << (8 * place);
                    let found = not_less(put(x), put(limit));
                    assert_eq!(found >> (28 + place) & 1 == 1, x >= limit, "{x} and {limit} at {place}");
                    assert_eq!(found | 1 << (28 + place), 0xf000_0000, "what is equal is not less");
                }
            }
        }
    }
}
