//! Sparse weights as lists of positions (SPEC.md 6.8, NUMERICS 3.9 and 3.10): few instructions a one.

use bitfab_format::Layer;

use super::sparse::Ones;
use super::{Rows, Window};
use crate::arch::{Core, Lists, Native, SEGMENT};

/// A walk over lists.
pub(super) struct List<'a> {
    bytes: &'a [u8],
    /// The lists that are still to come.
    rest: &'a [u8],
    ones: Ones,
    fan_in: usize,
    /// The window's last segment where it is shorter than others.
    tail: [u8; SEGMENT],
}

impl<'a> List<'a> {
    pub fn new(layer: &Layer<'_>, ones: Ones, words: &'a [u32]) -> Self {
        let bytes = bytemuck::cast_slice(words);
        Self { bytes, rest: bytes, ones, fan_in: layer.fan_in() as usize, tail: [0; SEGMENT] }
    }
}

impl Rows for List<'_> {
    fn restart(&mut self) {
        self.rest = self.bytes;
    }

    fn prepare(&mut self, window: &Window<'_>) {
        let (_, tail) = window.bytes.get(..self.fan_in).unwrap_or_default().as_chunks::<SEGMENT>();
        self.tail.iter_mut().zip(tail).for_each(|(to, byte)| *to = *byte);
    }

    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]) {
        let (whole, tail) = window.bytes.get(..self.fan_in).unwrap_or_default().as_chunks();
        let tail = (!tail.is_empty()).then_some(&self.tail);
        let mut lists = Lists { rest: self.rest, whole, tail, is_signed: self.ones.is_signed() };
        Native::add_listed(&mut lists, self.ones.worth(window), accumulators);
        self.rest = lists.rest;
    }
}
