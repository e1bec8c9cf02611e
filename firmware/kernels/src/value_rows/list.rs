//! Sparse weights as lists of positions (SPEC.md 6.8, NUMERICS 3.9 and 3.10): few instructions a one.

use bitfab_format::Layer;

use super::sparse::Ones;
use super::{Rows, Window};

/// Values of a segment.
const SEGMENT: usize = 256;

/// A walk over lists.
pub(super) struct List<'a> {
    bytes: &'a [u8],
    /// The lists that are still to come.
    rest: &'a [u8],
    ones: Ones,
    fan_in: usize,
    /// The window's last segment where it is shorter than others, so that a byte is an index in any segment.
    tail: [u8; SEGMENT],
}

impl<'a> List<'a> {
    pub fn new(layer: &Layer<'_>, ones: Ones, words: &'a [u32]) -> Self {
        let bytes = bytemuck::cast_slice(words);
        Self { bytes, rest: bytes, ones, fan_in: layer.fan_in() as usize, tail: [0; SEGMENT] }
    }
}

/// The sum of the values of a segment at the next `count` positions.
fn select(rest: &mut &[u8], count: u8, segment: &[u8; SEGMENT], bias: i32) -> i32 {
    let positions = rest.split_off(..usize::from(count)).unwrap_or_default();
    let sum = positions.iter().fold(0u32, |sum, &position| sum.wrapping_add(segment[usize::from(position)].into()));
    (sum as i32).wrapping_sub(i32::from(count).wrapping_mul(bias))
}

impl Rows for List<'_> {
    fn restart(&mut self) {
        self.rest = self.bytes;
    }

    fn prepare(&mut self, window: &Window<'_>) {
        let start = self.fan_in & !(SEGMENT - 1);
        let tail = window.bytes.get(start..self.fan_in).unwrap_or_default();
        self.tail.iter_mut().zip(tail).for_each(|(to, byte)| *to = *byte);
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        let (segments, _) = window.bytes.get(..self.fan_in).unwrap_or_default().as_chunks::<SEGMENT>();
        let tail = (self.fan_in % SEGMENT != 0).then_some(&self.tail);
        for acc in accumulators {
            let mut selected = 0i32;
            for segment in segments.iter().chain(tail) {
                let Some(&plus) = self.rest.split_off_first() else { return };
                let minus = if self.ones.is_signed() { self.rest.split_off_first().copied().unwrap_or(0) } else { 0 };
                selected = selected.wrapping_add(select(&mut self.rest, plus, segment, window.bias));
                if self.ones.is_signed() {
                    selected = selected.wrapping_sub(select(&mut self.rest, minus, segment, window.bias));
                }
            }
            *acc = self.ones.accumulator(selected, window);
        }
    }
}
