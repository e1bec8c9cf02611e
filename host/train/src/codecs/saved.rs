//! What is kept from the forward pass for the backward pass, with its number of bytes.

use crate::math::ELEMENTS;
use rayon::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// Bits in 64-bit words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    /// One bit per value by a predicate.
    pub fn new(values: &[f32], is_set: impl Fn(f32) -> bool + Sync) -> Self {
        let word = |chunk: &[f32]| chunk.iter().rev().fold(0u64, |word, &value| word << 1 | u64::from(is_set(value)));
        Self { words: values.chunks(64).map(word).collect(), length: values.len() }
    }

    /// The bit at `index`.
    ///
    /// # Panics
    /// If `index` is not below the length rounded up to 64.
    pub fn get(&self, index: usize) -> bool {
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// A tensor in a form of a codec's own; it is read in pieces, from several threads.
pub trait Packed: Debug + Send + Sync {
    /// Writes the values from `start` on into `out`.
    ///
    /// # Panics
    /// If fewer values are kept.
    fn unpack(&self, start: usize, out: &mut [f32]);

    /// Bytes of memory that the content takes.
    fn bytes(&self) -> usize;
}

/// A saved tensor; every form but [`Packed`](Self::Packed) gives back exactly what was saved.
#[derive(Clone, Debug)]
pub enum Saved {
    /// The layer needs nothing.
    Nothing,
    /// Values that are all -1 or +1, one bit each.
    Signs(Bits),
    /// Where a straight-through gradient passes, one bit each.
    Mask(Bits),
    /// Unsigned levels below 16, four bits each, low nibble first.
    Levels {
        /// Two levels a byte.
        nibbles: Vec<u8>,
        /// Number of levels.
        length: usize,
    },
    /// Unsigned levels below 256, one byte each.
    Octets(Vec<u8>),
    /// Input bytes; the value is `byte / 256`.
    Bytes(Vec<u8>),
    /// Position of the largest value within its window, one byte each.
    Indices(Vec<u8>),
    /// Plain numbers.
    Reals(Vec<f32>),
    /// As a codec keeps it.
    Packed(Arc<dyn Packed>),
}

impl Saved {
    /// Levels, which must be whole numbers below 16.
    pub fn levels(values: &[f32]) -> Self {
        let byte = |pair: &[f32]| pair.iter().rev().fold(0u8, |byte, &v| byte << 4 | v as u8);
        Self::Levels { nibbles: values.chunks(2).map(byte).collect(), length: values.len() }
    }

    /// The first `length` values.
    pub fn to_values(&self, length: usize) -> Vec<f32> {
        let mut values = vec![0.0; length];
        let pieces = values.par_chunks_mut(ELEMENTS).enumerate();
        pieces.for_each(|(piece, out)| self.unpack(piece * ELEMENTS, out));
        values
    }

    /// Bytes of memory that the content takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Signs(bits) | Self::Mask(bits) => bits.words.len() * 8,
            Self::Levels { nibbles, .. } => nibbles.len(),
            Self::Octets(bytes) | Self::Bytes(bytes) | Self::Indices(bytes) => bytes.len(),
            Self::Reals(values) => values.len() * 4,
            Self::Packed(packed) => packed.bytes(),
        }
    }

    /// Writes the values from `start` on into `out`: signs as -1 or +1, masks as 0 or 1, bytes divided by 256.
    ///
    /// # Panics
    /// If fewer values are saved.
    pub fn unpack(&self, start: usize, out: &mut [f32]) {
        let places = out.iter_mut().zip(start..);
        match self {
            Self::Nothing => assert!(out.is_empty(), "nothing was saved"),
            Self::Signs(bits) => {
                places.for_each(|(out, at)| *out = if bits.get(at) { 1.0 } else { -1.0 });
            }
            Self::Mask(bits) => places.for_each(|(out, at)| *out = f32::from(u8::from(bits.get(at)))),
            Self::Levels { nibbles, .. } => {
                places.for_each(|(out, at)| *out = f32::from(nibbles[at / 2] >> (at % 2 * 4) & 15));
            }
            Self::Bytes(bytes) => places.for_each(|(out, at)| *out = f32::from(bytes[at]) / 256.0),
            Self::Octets(bytes) | Self::Indices(bytes) => places.for_each(|(out, at)| *out = f32::from(bytes[at])),
            Self::Reals(values) => out.copy_from_slice(&values[start..start + out.len()]),
            Self::Packed(packed) => packed.unpack(start, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(saved: &Saved, values: &[f32]) {
        for start in [0, 1, 65, values.len() - 1] {
            let mut out = vec![9.0; values.len() - start];
            saved.unpack(start, &mut out);
            assert_eq!(out, values[start..]);
        }
    }

    #[test]
    fn every_form_gives_back_its_values_and_counts_its_bytes() {
        let pattern = |i: usize| (i * i + i / 3) % 16;
        let signs: Vec<f32> = (0..131).map(|i| if pattern(i) > 7 { 1.0 } else { -1.0 }).collect();
        let saved = Saved::Signs(Bits::new(&signs, |v| v > 0.0));
        round_trip(&saved, &signs);
        assert_eq!(saved.bytes(), 24);
        let levels: Vec<f32> = (0..131).map(|i| pattern(i) as f32).collect();
        let saved = Saved::levels(&levels);
        round_trip(&saved, &levels);
        assert_eq!(saved.bytes(), 66);
        let saved = Saved::Octets((0..131).map(|i| i as u8 + 100).collect());
        round_trip(&saved, &(0..131).map(|i| (i + 100) as f32).collect::<Vec<_>>());
        assert_eq!(saved.bytes(), 131);
        let mask: Vec<f32> = (0..131).map(|i| (pattern(i) & 1) as f32).collect();
        round_trip(&Saved::Mask(Bits::new(&mask, |v| v > 0.0)), &mask);
        let saved = Saved::Reals(levels.clone());
        round_trip(&saved, &levels);
        assert_eq!(saved.bytes(), 131 * 4);
        let bytes = Saved::Bytes((0..131).map(|i| i as u8).collect());
        let expected: Vec<f32> = (0..131).map(|i| i as f32 / 256.0).collect();
        round_trip(&bytes, &expected);
        assert_eq!((bytes.bytes(), Saved::Nothing.bytes()), (131, 0));
    }
}
