//! Weights that are rows of bits, which meet the planes of a window: binary, planes, and bitmaps of sparse ones.
//!
//! All of them are made of binary dot products `d(row) = sum of x where the row has a one - sum of x elsewhere`.

use bitfab_format::{Layer, Packing, Weights};

use crate::Views;
use crate::place::Place;
use crate::weighted::{self, Multiply};
use crate::window::{BUFFER, Gatherer};

/// Computes a layer whose weights are bit rows.
pub(crate) fn run(layer: &Layer<'_>, views: Views<'_>) {
    let mut buffer = [0; BUFFER];
    let memory = match layer.packing() {
        Packing::Patch => views.scratch,
        Packing::Tap | Packing::Bytes => &mut buffer,
    };
    let mut rows = BitRows {
        gatherer: Gatherer::new(layer, views.bytes, views.input, memory),
        weights: &layer.weights,
        row_words: layer.row_words() as usize,
        next: 0,
    };
    weighted::run(layer, &mut rows, views.residual, views.output);
}

/// A walk over bit rows.
struct BitRows<'a> {
    gatherer: Gatherer<'a>,
    weights: &'a Weights<'a>,
    row_words: usize,
    /// The next row.
    next: usize,
}

/// Words from `start` on.
fn from(words: &[u32], start: usize) -> &[u32] {
    words.get(start..).unwrap_or_default()
}

impl Multiply for BitRows<'_> {
    fn restart(&mut self) {
        self.gatherer.reset();
        self.next = 0;
    }

    fn multiply(&mut self, place: &Place, group: usize, accumulators: &mut [i32]) {
        let (stride, start) = (self.row_words, self.next.wrapping_mul(self.row_words));
        self.next = self.next.wrapping_add(accumulators.len());
        let mut are_zero = true;
        let mut add = |rows: &[u32], stride: usize, accumulators: &mut [i32]| {
            self.gatherer.accumulate(place, group, rows, stride, accumulators, core::mem::take(&mut are_zero))
        };
        match *self.weights {
            Weights::Binary(rows) => {
                add(from(rows, start), stride, accumulators);
            }
            // NUMERICS 3.8
            Weights::Planes(planes) if cfg!(feature = "planes") => {
                for plane in 0..planes.count() {
                    accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_mul(2));
                    add(from(planes.plane(plane), start), stride, accumulators);
                }
            }
            // NUMERICS 3.9
            Weights::SparseBinary { ratio, shift, code } if cfg!(feature = "sparse-binary") => {
                let sum = add(from(code.words, start), stride, accumulators);
                let all = ratio.wrapping_mul(sum);
                accumulators
                    .iter_mut()
                    .for_each(|acc| *acc = selected(*acc, sum).wrapping_shl(shift).wrapping_add(all));
            }
            // NUMERICS 3.10: the ones of all, less twice those of the negative.
            Weights::Ternary(code) if cfg!(feature = "ternary") => {
                let (stride, start) = (stride.wrapping_mul(2), start.wrapping_mul(2));
                let sum = add(from(code.words, start), stride, accumulators);
                accumulators.iter_mut().for_each(|acc| *acc = sum.wrapping_sub(selected(*acc, sum)));
                add(from(code.words, start.wrapping_add(self.row_words)), stride, accumulators);
                accumulators.iter_mut().for_each(|acc| *acc = acc.wrapping_neg());
            }
            _ => {} // other weights are not bit rows, or left out (`supports`)
        }
    }
}

/// The sum of the values that a row selects, from its dot product and the sum of all: `(d + sum) / 2`, in 32 bits.
///
/// Both have the same parity, and neither leaves 32 bits (NUMERICS 3.9).
const fn selected(dot: i32, sum: i32) -> i32 {
    (dot >> 1).wrapping_add(sum >> 1).wrapping_add(dot & 1)
}
