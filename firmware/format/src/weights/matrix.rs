//! The integers that weights stand for, decoded one by one: slow and obviously right (SPEC.md 6).

use alloc::vec;
use alloc::vec::Vec;

use super::decode::trit_words;
use super::streams::{self, Deal};
use crate::{Code, Coder, Layer, Weights};

impl Layer<'_> {
    /// The matrix of weights, output channel by output channel; value `i` of a row is that of tap
    /// `i / group_channels` and channel `i % group_channels` of the group.
    ///
    /// Empty for operations without weights.
    pub fn integer_weights(&self) -> Vec<i32> {
        let count = self.weight_count() as usize;
        let fan_in = self.fan_in().max(1) as usize;
        let each = |value: &dyn Fn(usize, u32) -> i32| -> Vec<i32> {
            (0..count).map(|at| value(at / fan_in, (at % fan_in) as u32)).collect()
        };
        match self.weights {
            Weights::None => Vec::new(),
            Weights::Binary(rows) => each(&|row, index| 2 * self.bit(rows, row, index) - 1),
            Weights::Planes(planes) => each(&|row, index| {
                let sign = |plane| 2 * self.bit(planes.plane(plane), row, index) - 1;
                (0..planes.count()).fold(0, |sum, plane| 2 * sum + sign(plane))
            }),
            Weights::PowerOfTwo(rows) => each(&|row, index| {
                let nibble = bits(rows, row * fan_in.div_ceil(8) * 32 + index as usize * 4, 4);
                let magnitude = if nibble == 0 { 0 } else { 1 << ((nibble & 7) - 1) };
                if nibble & 8 == 0 { magnitude } else { -magnitude }
            }),
            Weights::Integer { bits: width, rows } => each(&|row, index| {
                let words = (fan_in * width as usize).div_ceil(32);
                let raw = bits(rows, row * words * 32 + index as usize * width as usize, width) as i32;
                (raw << (32 - width)) >> (32 - width)
            }),
            Weights::SparseBinary { ratio, shift, code } => {
                self.ones(&code).into_iter().map(|one| ratio + (i32::from(one) << shift)).collect()
            }
            Weights::Ternary(code) => self.trits(&code),
            Weights::SmartDeal { .. } => {
                let mut matrix = vec![0; count];
                let _ = streams::each_deal(self, &mut |index, weight| matrix[index as usize] = weight);
                matrix
            }
        }
    }

    /// The chunks of all SmartDeal filters, in order; none for other kinds.
    pub fn deals(&self) -> Vec<Deal> {
        let mut deals = Vec::new();
        let _ = streams::each_chunk(self, &mut |deal| deals.push(deal));
        deals
    }

    /// Bit `index` of row `row` of rows of bits.
    fn bit(&self, rows: &[u32], row: usize, index: u32) -> i32 {
        let place = row * self.row_words() as usize * 32 + self.row_bit(index) as usize;
        bits(rows, place, 1) as i32
    }

    /// Whether each weight is a one.
    fn ones(&self, code: &Code<'_>) -> Vec<bool> {
        let (count, fan_in) = (self.weight_count() as usize, self.fan_in() as usize);
        if code.coder == Coder::Bitmap {
            return (0..count).map(|at| self.bit(code.words, at / fan_in, (at % fan_in) as u32) == 1).collect();
        }
        let mut ones = vec![false; count];
        let _ = streams::each_one(self, &mut |index, _| ones[index as usize] = true);
        ones
    }

    /// Ternary weights.
    fn trits(&self, code: &Code<'_>) -> Vec<i32> {
        let (count, fan_in) = (self.weight_count() as usize, self.fan_in() as usize);
        match code.coder {
            Coder::Bitmap => {
                let bit = |row, index| self.bit(code.words, row, index);
                let value = |at: usize| {
                    let (row, index) = (at / fan_in, (at % fan_in) as u32);
                    bit(2 * row, index) * (1 - 2 * bit(2 * row + 1, index))
                };
                (0..count).map(value).collect()
            }
            Coder::Trits => {
                let row_bytes = trit_words(fan_in as u32) as usize * 4;
                let bytes = bytemuck::cast_slice::<u32, u8>(code.words);
                let value = |at: usize| {
                    let byte = bytes[at / fan_in * row_bytes + at % fan_in / 5];
                    i32::from(byte) / 3i32.pow((at % fan_in % 5) as u32) % 3 - 1
                };
                (0..count).map(value).collect()
            }
            _ => {
                let mut trits = vec![0; count];
                let _ = streams::each_one(self, &mut |index, is_negative| {
                    trits[index as usize] = if is_negative { -1 } else { 1 };
                });
                trits
            }
        }
    }
}

/// `count` bits from bit `at` on, low bits first.
fn bits(words: &[u32], at: usize, count: u32) -> u32 {
    (0..count).map(|bit| (words[(at + bit as usize) / 32] >> ((at + bit as usize) % 32) & 1) << bit).sum()
}
