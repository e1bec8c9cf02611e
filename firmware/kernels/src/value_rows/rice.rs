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
    stream: Stream<'a>,
    /// Ones after the next one.
    left: u32,
    /// The next one, counted from the beginning of the next row; past all rows if there is none.
    position: u32,
    /// Whether the next one is negative.
    is_negative: bool,
}

/// The position of no one: rows have fewer than 2^32 - 1 weights together.
const NEVER: u32 = u32::MAX;

impl<'a> Rice<'a> {
    pub fn new(layer: &Layer<'_>, ones: Ones, code: &Code<'a>) -> Self {
        let (words, low_bits, stream) = (code.words, code.low_bits, Stream::new(&[]));
        Self { words, ones, low_bits, fan_in: layer.fan_in(), stream, left: 0, position: NEVER, is_negative: false }
    }

    /// Goes to the one after `position`.
    #[inline(always)]
    fn advance(&mut self) {
        if self.left == 0 {
            self.position = NEVER;
            return;
        }
        self.left -= 1;
        let quotient = self.stream.unary();
        let gap = quotient.wrapping_shl(self.low_bits) | self.stream.take(self.low_bits);
        self.is_negative = self.ones.is_signed() && self.stream.take(1) == 1;
        self.position = self.position.wrapping_add(1).wrapping_add(gap);
    }
}

impl Rows for Rice<'_> {
    fn restart(&mut self) {
        let Some((&count, stream)) = self.words.split_first() else { return };
        self.stream = Stream::new(stream);
        // One before the first.
        (self.left, self.position) = (count, NEVER);
        self.advance();
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        for acc in accumulators {
            let mut selected = 0i32;
            while self.position < self.fan_in {
                let byte = window.bytes.get(self.position as usize).copied().unwrap_or(0);
                let x = i32::from(byte).wrapping_sub(window.bias);
                selected = selected.wrapping_add(if self.is_negative { x.wrapping_neg() } else { x });
                self.advance();
            }
            self.position = self.position.wrapping_sub(self.fan_in);
            *acc = self.ones.accumulator(selected, window);
        }
    }
}
