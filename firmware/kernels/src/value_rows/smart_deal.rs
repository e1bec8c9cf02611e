//! Sparse powers of two times a small basis (SPEC.md 6.12), factored (NUMERICS 3.15): shifts and additions gather
//! what each number of the basis is multiplied with, then come nine multiplications a chunk.

use bitfab_format::Layer;

use super::stream::Stream;
use super::{Rows, Window};

/// A walk over filters.
pub(super) struct Deals<'a> {
    words: &'a [u32],
    stream: Stream<'a>,
    chunk_rows: u32,
    fan_in: u32,
}

impl<'a> Deals<'a> {
    pub fn new(layer: &Layer<'_>, chunk_rows: u32, words: &'a [u32]) -> Self {
        Self { words, stream: Stream::new(&[]), chunk_rows: chunk_rows.max(1), fan_in: layer.fan_in() }
    }

    /// The dot product of the window and the next filter.
    fn filter(&mut self, window: &Window<'_>) -> i32 {
        let (mut acc, mut at, mut rows) = (0i32, 0usize, self.fan_in.div_ceil(3));
        while rows != 0 {
            let now = rows.min(self.chunk_rows);
            let mut basis = [0; 9];
            basis.iter_mut().for_each(|value| *value = i32::from(self.stream.take(8) as u8 as i8));
            let sums = self.chunk(window, at, now);
            let product = |acc: i32, (sum, value): (&i32, i32)| acc.wrapping_add(sum.wrapping_mul(value));
            acc = sums.as_flattened().iter().zip(basis).fold(acc, product);
            at = at.wrapping_add((now as usize).wrapping_mul(3));
            rows -= now;
        }
        acc
    }

    /// What each number of the basis of a chunk is multiplied with: `sum over r of Ce[r][j] x[3 r + s]`.
    fn chunk(&mut self, window: &Window<'_>, mut at: usize, mut rows: u32) -> [[i32; 3]; 3] {
        let mut sums = [[0; 3]; 3];
        while rows != 0 {
            // Rows of zeros are skipped together.
            let zeros = self.stream.skip_zeros(rows);
            if zeros != 0 {
                rows -= zeros;
                at = at.wrapping_add((zeros as usize).wrapping_mul(3));
                continue;
            }
            rows -= 1;
            let mut mask = self.stream.take(4);
            let values = window.bytes.get(at..).unwrap_or_default().iter();
            at = at.wrapping_add(3);
            for sums in &mut sums {
                mask <<= 1;
                if mask & 8 != 0 {
                    self.add(values.clone(), window.bias, sums);
                }
            }
        }
        sums
    }

    /// Adds the next coefficient times three values.
    fn add(&mut self, values: core::slice::Iter<'_, u8>, bias: i32, sums: &mut [i32; 3]) {
        let code = self.stream.take(4);
        for (sum, &byte) in sums.iter_mut().zip(values) {
            let product = i32::from(byte).wrapping_sub(bias).wrapping_shl(code & 7);
            *sum = sum.wrapping_add(if code & 8 == 0 { product } else { product.wrapping_neg() });
        }
    }
}

impl Rows for Deals<'_> {
    fn restart(&mut self) {
        self.stream = Stream::new(self.words);
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        accumulators.iter_mut().for_each(|acc| *acc = self.filter(window));
    }
}
