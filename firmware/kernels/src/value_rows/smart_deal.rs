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
        let mut stream = self.stream; // in registers
        let mut sums = [[0; 3]; 3];
        while rows != 0 {
            // A row is at most 16 bits; rows of zeros are skipped together.
            let bits = stream.peek();
            let zeros = bits.leading_zeros().min(rows);
            if zeros != 0 {
                stream.skip(zeros);
                rows -= zeros;
                at = at.wrapping_add((zeros as usize).wrapping_mul(3));
                continue;
            }
            stream.skip(add_row(bits, &window.three(at), &mut sums));
            rows -= 1;
            at = at.wrapping_add(3);
        }
        self.stream = stream;
        sums
    }
}

/// Adds the coefficients of a row times three values; returns the bits of the row.
#[inline(never)] // so that registers suffice
fn add_row(bits: u32, x: &[i32; 3], sums: &mut [[i32; 3]; 3]) -> u32 {
    let (mut mask, mut codes, mut length) = (bits << 1, bits << 4, 4);
    for sums in sums {
        if mask >> 31 != 0 {
            add(codes >> 28, x, sums);
            codes <<= 4;
            length += 4;
        }
        mask <<= 1;
    }
    length
}

/// Adds a coefficient, a sign bit and an exponent, times three values.
#[inline(always)]
fn add(code: u32, &[a, b, c]: &[i32; 3], sums: &mut [i32; 3]) {
    let shift = code & 7;
    let [a, b, c] = [a.wrapping_shl(shift), b.wrapping_shl(shift), c.wrapping_shl(shift)];
    let [x, y, z] = *sums;
    *sums = match code & 8 {
        0 => [x.wrapping_add(a), y.wrapping_add(b), z.wrapping_add(c)],
        _ => [x.wrapping_sub(a), y.wrapping_sub(b), z.wrapping_sub(c)],
    };
}

impl Rows for Deals<'_> {
    fn restart(&mut self) {
        self.stream = Stream::new(self.words);
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        accumulators.iter_mut().for_each(|acc| *acc = self.filter(window));
    }
}
