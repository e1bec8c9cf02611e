//! Weights before they are written: the inverse of [`Layer::integer_weights`], one encoder a kind.

use alloc::vec;
use alloc::vec::Vec;

use super::bits::BitWriter;
use super::decode::{self, trit_words};
use crate::limits::LIST_SEGMENT;
use crate::{Coder, Layer, WeightKind, Weights, align};

/// The weights of a layer before they are written; the default is none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DraftWeights {
    /// The kind.
    pub kind: WeightKind,
    /// How positions are stored.
    pub coder: Coder,
    /// Bits of a weight: planes, bits of an integer, the shift of a sparse-binary layer; else 0.
    pub bits: u8,
    /// Low bits of a Rice code, rows of a SmartDeal chunk; else 0.
    pub parameter: u8,
    /// What a sparse-binary weight without a one is worth; else 0.
    pub ratio: i32,
    /// The section.
    pub words: Vec<u32>,
}

impl DraftWeights {
    /// The view of what would be written; `None` where the fields contradict each other.
    pub fn view(&self) -> Option<Weights<'_>> {
        let parameters = [u32::from(self.bits), u32::from(self.parameter)];
        decode::view(self.kind, self.coder, parameters, self.ratio, &self.words)
    }

    /// The draft that writes `weights`.
    pub fn of(weights: &Weights<'_>) -> Self {
        let mut draft = Self { kind: weights.kind(), coder: weights.coder(), ..Self::default() };
        match *weights {
            Weights::None => {}
            Weights::Binary(words) | Weights::PowerOfTwo(words) => draft.words = words.into(),
            Weights::SparseBinary { ratio, shift, code } => {
                (draft.ratio, draft.bits, draft.parameter) = (ratio, shift as u8, code.low_bits as u8);
                draft.words = code.words.into();
            }
            Weights::Ternary(code) => (draft.parameter, draft.words) = (code.low_bits as u8, code.words.into()),
            Weights::Planes(planes) => {
                draft.bits = planes.count() as u8;
                draft.words = (0..planes.count()).flat_map(|index| planes.plane(index)).copied().collect();
            }
            Weights::Integer { bits, rows } => (draft.bits, draft.words) = (bits as u8, rows.into()),
            Weights::SmartDeal { chunk_rows, largest_row, stream } => {
                draft.parameter = chunk_rows as u8;
                draft.words = [&[largest_row], stream].concat();
            }
        }
        draft
    }

    /// Binary rows; positive weights are +1.
    pub fn binary(layer: &Layer<'_>, matrix: &[i32]) -> Self {
        let words = bit_rows(&as_kind(layer, Weights::Binary(&[])), matrix, |weight| weight > 0);
        Self { kind: WeightKind::Binary, words, ..Self::default() }
    }

    /// Sparse-binary weights; `ratio` is written as no one, anything else as a one.
    pub fn sparse_binary(layer: &Layer<'_>, matrix: &[i32], ratio: i32, shift: u32, coder: Coder) -> Self {
        let is_one = |weight: i32| weight != ratio;
        let (parameter, words) = coded(layer, matrix, coder, false, &is_one);
        Self { kind: WeightKind::SparseBinary, coder, bits: shift as u8, parameter, ratio, words }
    }

    /// Ternary weights, by sign.
    pub fn ternary(layer: &Layer<'_>, matrix: &[i32], coder: Coder) -> Self {
        let (parameter, words) = coded(layer, matrix, coder, true, &|weight| weight != 0);
        Self { kind: WeightKind::Ternary, coder, parameter, words, ..Self::default() }
    }

    /// Powers of two, 1 to 64, and zeros.
    pub fn power_of_two(layer: &Layer<'_>, matrix: &[i32]) -> Self {
        let nibble = |weight: i32| match weight {
            0 => 0,
            _ => u32::from(weight < 0) << 3 | (weight.unsigned_abs().ilog2() + 1) & 7,
        };
        let words = value_rows(layer, matrix, 4, nibble);
        Self { kind: WeightKind::PowerOfTwo, words, ..Self::default() }
    }

    /// `bits` planes of the odd integers `matrix`.
    pub fn planes(layer: &Layer<'_>, matrix: &[i32], bits: u32) -> Self {
        let layer = as_kind(layer, Weights::Binary(&[]));
        // With w = 2 q + 1, the bits of q + 2^(bits - 1) are the signs.
        let offset = |weight: i32| (weight - 1) / 2 + (1 << (bits - 1));
        let plane = |index: u32| bit_rows(&layer, matrix, |weight| offset(weight) >> index & 1 == 1);
        let words = (0..bits).rev().flat_map(plane).collect();
        Self { kind: WeightKind::Planes, bits: bits as u8, words, ..Self::default() }
    }

    /// Integers of `bits` bits.
    pub fn integer(layer: &Layer<'_>, matrix: &[i32], bits: u32) -> Self {
        let words = value_rows(layer, matrix, bits, |weight| weight as u32 & (u32::MAX >> (32 - bits)));
        Self { kind: WeightKind::Integer, bits: bits as u8, words, ..Self::default() }
    }

    /// SmartDeal filters: `coefficients` rows of three (0 or plus or minus 1 to 64), `ceil(fan-in / 3)` a filter;
    /// `basis` nine bytes a chunk of `chunk_rows` rows.
    pub fn smart_deal(layer: &Layer<'_>, coefficients: &[i32], basis: &[i8], chunk_rows: u8) -> Self {
        let (mut stream, mut basis) = (BitWriter::default(), basis.iter());
        for filter in coefficients.chunks(layer.fan_in().div_ceil(3).max(1) as usize * 3) {
            for chunk in filter.chunks(usize::from(chunk_rows.max(1)) * 3) {
                basis.by_ref().take(9).for_each(|&value| stream.put(u32::from(value as u8), 8));
                chunk.chunks(3).for_each(|row| put_coefficients(&mut stream, row));
            }
        }
        let view = Weights::SmartDeal { chunk_rows: chunk_rows.into(), largest_row: 0, stream: &stream.words };
        let rebuilt = as_kind(layer, view).integer_weights();
        let sum = |row: &[i32]| row.iter().fold(0, |sum: u32, weight| sum.saturating_add(weight.unsigned_abs()));
        let largest_row = rebuilt.chunks(layer.fan_in().max(1) as usize).map(sum).max().unwrap_or(0);
        let words = [&[largest_row][..], &stream.words].concat();
        Self { kind: WeightKind::SmartDeal, parameter: chunk_rows, words, ..Self::default() }
    }
}

/// The same layer with weights of another kind, for its packing.
fn as_kind<'a>(layer: &Layer<'a>, weights: Weights<'a>) -> Layer<'a> {
    Layer { weights, ..*layer }
}

fn put_coefficients(stream: &mut BitWriter, row: &[i32]) {
    let mask = row.iter().fold(0, |mask, &value| mask << 1 | u32::from(value != 0));
    stream.put(u32::from(mask != 0), 1);
    if mask == 0 {
        return;
    }
    stream.put(mask, 3);
    for &value in row.iter().filter(|&&value| value != 0) {
        stream.put(u32::from(value < 0), 1);
        stream.put(value.unsigned_abs().ilog2(), 3);
    }
}

/// Rows of bits in the packing of `layer`, which says that its weights are.
fn bit_rows(layer: &Layer<'_>, matrix: &[i32], is_set: impl Fn(i32) -> bool) -> Vec<u32> {
    let words = layer.row_words() as usize;
    let mut rows = vec![0; words * layer.output.shape.channels as usize];
    for (row, weights) in rows.chunks_mut(words.max(1)).zip(matrix.chunks(layer.fan_in().max(1) as usize)) {
        for (index, &weight) in weights.iter().enumerate() {
            let bit = layer.row_bit(index as u32) as usize;
            row[bit / 32] |= u32::from(is_set(weight)) << (bit % 32);
        }
    }
    rows
}

/// Rows of values of `bits` bits, low bits first; a row begins a word.
fn value_rows(layer: &Layer<'_>, matrix: &[i32], bits: u32, code: impl Fn(i32) -> u32) -> Vec<u32> {
    let mut words = Vec::new();
    for row in matrix.chunks(layer.fan_in().max(1) as usize) {
        let (mut pending, mut used) = (0u64, 0);
        for &weight in row {
            pending |= u64::from(code(weight)) << used;
            used += bits;
            if used >= 32 {
                words.push(pending as u32);
                (pending, used) = (pending >> 32, used - 32);
            }
        }
        if used != 0 {
            words.push(pending as u32);
        }
    }
    words
}

/// Parameter and section of coded weights.
fn coded(
    layer: &Layer<'_>,
    matrix: &[i32],
    coder: Coder,
    is_ternary: bool,
    is_one: &dyn Fn(i32) -> bool,
) -> (u8, Vec<u32>) {
    match coder {
        Coder::Rice => rice(matrix, is_ternary, is_one),
        Coder::List => (0, list(layer, matrix, is_ternary, is_one)),
        Coder::Trits => (0, trits(layer, matrix)),
        Coder::Plain | Coder::Bitmap => {
            let layer = as_kind(layer, Weights::Binary(&[]));
            let ones = bit_rows(&layer, matrix, is_one);
            if !is_ternary {
                return (0, ones);
            }
            let signs = bit_rows(&layer, matrix, |weight| weight < 0);
            let words = layer.row_words().max(1) as usize;
            let pairs = ones.chunks(words).zip(signs.chunks(words));
            (0, pairs.flat_map(|(mask, sign)| mask.iter().chain(sign)).copied().collect())
        }
    }
}

/// The Rice code with the fewest bits, and its number of low bits.
fn rice(matrix: &[i32], is_ternary: bool, is_one: &dyn Fn(i32) -> bool) -> (u8, Vec<u32>) {
    let mut next = 0;
    let mut ones = Vec::new();
    for (index, &weight) in matrix.iter().enumerate().filter(|(_, weight)| is_one(**weight)) {
        ones.push(((index - next) as u32, weight < 0));
        next = index + 1;
    }
    let bits = |low: u32| -> u64 { ones.iter().map(|(gap, _)| u64::from(gap >> low) + 1 + u64::from(low)).sum() };
    let low = (0..=24).min_by_key(|&low| bits(low)).unwrap_or(0);
    let mut stream = BitWriter::default();
    for &(gap, is_negative) in &ones {
        stream.put_unary(gap >> low);
        stream.put(gap, low);
        if is_ternary {
            stream.put(u32::from(is_negative), 1);
        }
    }
    let mut words = vec![ones.len() as u32];
    words.extend(stream.words);
    (low as u8, words)
}

/// Segments of positions; a count that does not fit a byte is cut off, which [`crate::Model::new`] will not accept.
fn list(layer: &Layer<'_>, matrix: &[i32], is_ternary: bool, is_one: &dyn Fn(i32) -> bool) -> Vec<u32> {
    let mut bytes = Vec::new();
    for row in matrix.chunks(layer.fan_in().max(1) as usize) {
        for segment in row.chunks(LIST_SEGMENT as usize) {
            let positions = |is_negative: bool| -> Vec<u8> {
                let fits = |weight: i32| is_one(weight) && (!is_ternary || (weight < 0) == is_negative);
                let positions = segment.iter().enumerate().filter(|(_, weight)| fits(**weight));
                positions.map(|(index, _)| index as u8).collect()
            };
            let lists: Vec<Vec<u8>> =
                [false, true].into_iter().take(1 + usize::from(is_ternary)).map(positions).collect();
            bytes.extend(lists.iter().map(|list| list.len() as u8));
            bytes.extend(lists.iter().flatten());
        }
    }
    align(&bytes)
}

/// Five digits a byte, the first the least significant; rows begin a word and end with zero weights.
fn trits(layer: &Layer<'_>, matrix: &[i32]) -> Vec<u32> {
    let fan_in = layer.fan_in().max(1) as usize;
    let words = trit_words(layer.fan_in()) as usize;
    let row = |row: &[i32]| -> Vec<u32> {
        let byte = |index: usize| {
            let digit = |at: usize| (row.get(index * 5 + at).copied().unwrap_or(0).signum() + 1) as u8;
            (0..5).rev().fold(0, |byte, at| byte * 3 + digit(at))
        };
        align(&(0..words * 4).map(byte).collect::<Vec<u8>>())
    };
    matrix.chunks(fan_in).flat_map(row).collect()
}
