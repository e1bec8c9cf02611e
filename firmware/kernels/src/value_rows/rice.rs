//! Sparse weights as Golomb-Rice codes of gaps (SPEC.md 6.8, NUMERICS 3.9 and 3.10): read once through for every window.

use bitfab_format::{Code, Layer};

use super::sparse::Ones;
use super::stream::Stream;
use super::{Rows, Window};

/// A walk over a Rice stream.
pub(super) struct Rice<'a> {
    words: &'a [u32],
    ones: Ones,
    low_bits: u32,
    fan_in: u32,
    next: Next<'a>,
}

/// The next one and what comes after it.
#[derive(Clone, Copy)]
struct Next<'a> {
    stream: Stream<'a>,
    /// Ones after it.
    left: u32,
    /// Counted from the beginning of the next row; past all rows if there is none.
    position: u32,
    /// +1 or -1.
    sign: i32,
}

/// The position of no one: rows have fewer than 2^32 - 1 weights together.
const NEVER: u32 = u32::MAX;

impl Next<'_> {
    /// Goes on by one.
    #[inline(always)]
    fn advance(&mut self, low_bits: u32, sign_bits: u32) {
        if self.left == 0 {
            self.position = NEVER;
            return;
        }
        self.left -= 1;
        let (gap, is_negative) = self.stream.gap(low_bits, sign_bits);
        self.position = self.position.wrapping_add(1).wrapping_add(gap);
        self.sign = 1i32.wrapping_sub((is_negative << 1) as i32);
    }
}

impl<'a> Rice<'a> {
    pub fn new(layer: &Layer<'_>, ones: Ones, code: &Code<'a>) -> Self {
        let next = Next { stream: Stream::new(&[]), left: 0, position: NEVER, sign: 1 };
        Self { words: code.words, ones, low_bits: code.low_bits, fan_in: layer.fan_in(), next }
    }
}

impl Rows for Rice<'_> {
    fn restart(&mut self) {
        let Some((&left, stream)) = self.words.split_first() else { return };
        // One before the first.
        self.next = Next { stream: Stream::new(stream), left, position: NEVER, sign: 1 };
        self.next.advance(self.low_bits, u32::from(self.ones.is_signed()));
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        let [scale, each, base] = self.ones.worth(window);
        let (low_bits, sign_bits) = (self.low_bits, u32::from(self.ones.is_signed()));
        let values = window.bytes.get(..self.fan_in as usize).unwrap_or_default();
        let mut next = self.next; // in registers
        for acc in accumulators {
            let (mut sum, mut ones) = (0i32, 0i32);
            while let Some(&byte) = values.get(next.position as usize) {
                sum = sum.wrapping_add(i32::from(byte).wrapping_mul(next.sign));
                ones = ones.wrapping_add(next.sign);
                next.advance(low_bits, sign_bits);
            }
            next.position = next.position.wrapping_sub(self.fan_in);
            *acc = sum.wrapping_mul(scale).wrapping_add(ones.wrapping_mul(each)).wrapping_add(base);
        }
        self.next = next;
    }
}
