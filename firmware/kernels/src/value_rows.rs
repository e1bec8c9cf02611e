//! Weights that are not bits, which meet the bytes of a window (SPEC.md 6.5).
//!
//! A window is gathered once for each group of an output pixel; its values are stored as `x + bias`, which is never
//! negative, so that one loop serves every kind of input (NUMERICS 3.11).

#![cfg_attr(
    not(all(
        feature = "sparse-binary",
        feature = "ternary",
        feature = "power-of-two",
        feature = "integer",
        feature = "smart-deal"
    )),
    allow(dead_code, unused_imports) // what one kind needs, others do not
)]

mod gather;
#[cfg(feature = "integer")]
mod integer;
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
mod list;
#[cfg(feature = "power-of-two")]
mod power;
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
mod rice;
#[cfg(feature = "smart-deal")]
mod smart_deal;
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
mod sparse;
#[cfg(any(feature = "sparse-binary", feature = "ternary", feature = "smart-deal"))]
mod stream;
#[cfg(feature = "ternary")]
mod trits;

use bitfab_format::{Coder, Layer, Weights};

use crate::Views;
use crate::place::Place;
use crate::weighted::{self, Multiply};

/// The window that one group sees.
pub(crate) struct Window<'a> {
    /// Values plus `bias`, a byte each; those past the fan-in, up to a multiple of 32, are values 0.
    bytes: &'a [u8],
    /// The same as words.
    words: &'a [u32],
    /// What was added to each value.
    bias: i32,
    /// The sum of the values, without bias.
    sum: i32,
}

impl Window<'_> {
    /// Three values from `at` on; 0 past the end.
    #[cfg(feature = "smart-deal")]
    #[inline(always)]
    fn three(&self, at: usize) -> [i32; 3] {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let value = |place: usize| rest.get(place).map_or(0, |&value| i32::from(value).wrapping_sub(self.bias));
        match *rest {
            [a, b, c, ..] => {
                let value = |value: u8| i32::from(value).wrapping_sub(self.bias);
                [value(a), value(b), value(c)]
            }
            _ => [value(0), value(1), 0],
        }
    }
}

/// A walk over rows of weights of one kind.
trait Rows {
    /// Begins with the first row.
    fn restart(&mut self);

    /// A new window, before rows meet it.
    fn prepare(&mut self, window: &Window<'_>) {
        let _ = window;
    }

    /// Fills accumulators with the dot products of the window and the next rows.
    fn multiply(&mut self, window: &Window<'_>, accumulators: &mut [i32]);
}

/// Computes a layer whose weights meet bytes.
pub(crate) fn run(layer: &Layer<'_>, views: Views<'_>) {
    match layer.weights {
        #[cfg(feature = "sparse-binary")]
        Weights::SparseBinary { ratio, shift, code } => {
            let ones = sparse::Ones::Shifted { ratio, shift };
            match code.coder {
                Coder::List => multiply(layer, &mut list::List::new(layer, ones, code.words), views),
                _ => multiply(layer, &mut rice::Rice::new(layer, ones, &code), views),
            }
        }
        #[cfg(feature = "ternary")]
        Weights::Ternary(code) => match code.coder {
            Coder::List => multiply(layer, &mut list::List::new(layer, sparse::Ones::Signed, code.words), views),
            Coder::Trits => multiply(layer, &mut trits::Trits::new(layer, code.words), views),
            _ => multiply(layer, &mut rice::Rice::new(layer, sparse::Ones::Signed, &code), views),
        },
        #[cfg(feature = "power-of-two")]
        Weights::PowerOfTwo(rows) => multiply(layer, &mut power::Powers::new(layer, rows), views),
        #[cfg(feature = "integer")]
        Weights::Integer { bits, rows } => multiply(layer, &mut integer::Integers::new(layer, bits, rows), views),
        #[cfg(feature = "smart-deal")]
        Weights::SmartDeal { chunk_rows, stream, .. } => {
            multiply(layer, &mut smart_deal::Deals::new(layer, chunk_rows, stream), views);
        }
        _ => {} // other weights are bit rows, or left out (`supports`)
    }
}

fn multiply(layer: &Layer<'_>, rows: &mut dyn Rows, views: Views<'_>) {
    let Views { bytes, input, residual, output, scratch } = views;
    let mut value_rows = ValueRows { layer, bytes, input, memory: scratch, gathered: None, sum: 0, rows };
    weighted::run(layer, &mut value_rows, residual, output);
}

/// Windows of bytes and the rows that they meet.
struct ValueRows<'a> {
    layer: &'a Layer<'a>,
    bytes: &'a [u8],
    input: &'a [u32],
    /// Scratch: the window's bytes.
    memory: &'a mut [u32],
    /// The group whose window is in memory.
    gathered: Option<usize>,
    /// Its sum.
    sum: i32,
    rows: &'a mut dyn Rows,
}

impl Multiply for ValueRows<'_> {
    fn restart(&mut self) {
        self.gathered = None;
        self.rows.restart();
    }

    fn multiply(&mut self, place: &Place, group: usize, accumulators: &mut [i32]) {
        let is_new = self.gathered != Some(group);
        if is_new {
            self.sum = gather::gather(self.layer, self.bytes, self.input, self.memory, place, group);
            self.gathered = Some(group);
        }
        let words = &*self.memory;
        let window = Window {
            bytes: bytemuck::cast_slice(words),
            words,
            bias: gather::bias(self.layer.input.kind),
            sum: self.sum,
        };
        if is_new {
            self.rows.prepare(&window);
        }
        self.rows.multiply(&window, accumulators);
    }
}
