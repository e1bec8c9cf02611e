//! Walks over coded weights, each checked as it goes and bounded by the length of its section.

use crate::limits::LIST_SEGMENT;
use crate::{BitReader, Code, Coder, Layer, Reason, Weights};

/// A reader of the gaps of a Rice stream, and the number of ones that it holds.
pub(crate) fn rice<'a>(code: &Code<'a>) -> Option<(u32, BitReader<'a>)> {
    let (count, stream) = code.words.split_first()?;
    Some((*count, BitReader::new(stream)))
}

/// Calls `each(index in the matrix, is negative)` for every coded weight of a Rice stream or list, in order of rows.
///
/// # Errors
/// What is wrong with the code.
pub(crate) fn each_one(layer: &Layer<'_>, each: &mut dyn FnMut(u32, bool)) -> Result<(), Reason> {
    let (code, is_ternary) = match layer.weights {
        Weights::SparseBinary { code, .. } => (code, false),
        Weights::Ternary(code) => (code, true),
        _ => return Ok(()),
    };
    match code.coder {
        Coder::Rice => each_gap(layer, &code, is_ternary, each),
        Coder::List => each_listed(layer, &code, is_ternary, each),
        _ => Ok(()),
    }
}

fn each_gap(
    layer: &Layer<'_>,
    code: &Code<'_>,
    is_ternary: bool,
    each: &mut dyn FnMut(u32, bool),
) -> Result<(), Reason> {
    let (count, mut stream) = rice(code).ok_or(Reason::Section)?;
    let total = layer.weight_count();
    if u64::from(count) > total {
        return Err(Reason::WeightCode);
    }
    let mut next = 0u64;
    for _ in 0..count {
        let quotient = stream.unary().ok_or(Reason::WeightCode)?;
        let gap = u64::from(quotient).wrapping_shl(code.low_bits) | u64::from(stream.take(code.low_bits));
        let is_negative = is_ternary && stream.take(1) == 1;
        let index = next.saturating_add(gap);
        if index >= total {
            return Err(Reason::WeightCode);
        }
        each(index as u32, is_negative);
        next = index + 1;
    }
    if stream.is_finished() { Ok(()) } else { Err(Reason::Section) }
}

fn each_listed(
    layer: &Layer<'_>,
    code: &Code<'_>,
    is_ternary: bool,
    each: &mut dyn FnMut(u32, bool),
) -> Result<(), Reason> {
    let fan_in = layer.fan_in();
    let mut bytes = bytemuck::cast_slice::<u32, u8>(code.words);
    for row in 0..layer.output.shape.channels {
        let mut start = 0;
        while start < fan_in {
            let size = LIST_SEGMENT.min(fan_in - start);
            let first = row.wrapping_mul(fan_in).wrapping_add(start);
            segment(&mut bytes, size, is_ternary, &mut |position, is_negative| {
                each(first.wrapping_add(position), is_negative);
            })?;
            start = start.wrapping_add(LIST_SEGMENT);
        }
    }
    let is_pad = bytes.len() < 4 && bytes.iter().all(|&byte| byte == 0);
    if is_pad { Ok(()) } else { Err(Reason::Section) }
}

/// One segment of a list: counts, then positions, which ascend; none is both plus and minus.
fn segment(bytes: &mut &[u8], size: u32, is_ternary: bool, each: &mut dyn FnMut(u32, bool)) -> Result<(), Reason> {
    let counts = bytes.split_off(..1 + usize::from(is_ternary)).ok_or(Reason::WeightCode)?;
    let mut seen = [0u32; (LIST_SEGMENT / 32) as usize];
    for (sign, &count) in counts.iter().enumerate() {
        let positions = bytes.split_off(..usize::from(count)).ok_or(Reason::WeightCode)?;
        let mut next = 0;
        for &position in positions {
            let position = u32::from(position);
            let taken = seen.get_mut(position as usize / 32).ok_or(Reason::WeightCode)?;
            let bit = 1 << (position % 32);
            if position < next || position >= size || *taken & bit != 0 {
                return Err(Reason::WeightCode);
            }
            *taken |= bit;
            each(position, sign == 1);
            next = position + 1;
        }
    }
    Ok(())
}

/// One chunk of a SmartDeal filter (SPEC.md 6.12).
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Row-major `B[j][s]`.
    pub basis: [i32; 9],
    /// Rows of coefficients, 0 or plus or minus 1 to 64.
    pub rows: alloc::vec::Vec<[i32; 3]>,
}

/// Collects the chunks of a checked layer.
#[cfg(feature = "alloc")]
pub(crate) fn each_chunk(layer: &Layer<'_>, each: &mut dyn FnMut(Deal)) -> Option<()> {
    let Weights::SmartDeal { chunk_rows, stream, .. } = layer.weights else { return None };
    let mut stream = BitReader::new(stream);
    for _ in 0..layer.output.shape.channels {
        let mut left = layer.fan_in().div_ceil(3);
        while left != 0 {
            let (basis, rows) = (basis(&mut stream), left.min(chunk_rows));
            let rows = (0..rows).map(|_| coefficients(&mut stream)).collect::<Option<_>>()?;
            each(Deal { basis, rows });
            left -= left.min(chunk_rows);
        }
    }
    Some(())
}

/// Reads the basis of a chunk.
fn basis(stream: &mut BitReader<'_>) -> [i32; 9] {
    let mut basis = [0; 9];
    basis.iter_mut().for_each(|value| *value = i32::from(stream.take(8) as u8 as i8));
    basis
}

/// Reads one row of coefficients; `None` if its mask is empty or an exponent is too large.
fn coefficients(stream: &mut BitReader<'_>) -> Option<[i32; 3]> {
    let mut row = [0; 3];
    if stream.take(1) == 0 {
        return Some(row);
    }
    let mask = stream.take(3);
    for (j, value) in row.iter_mut().enumerate() {
        if mask >> (2 - j) & 1 == 1 {
            let (is_negative, exponent) = (stream.take(1) == 1, stream.take(3));
            let magnitude = 1i32.wrapping_shl(exponent);
            *value = if is_negative { -magnitude } else { magnitude };
            if exponent > 6 {
                return None;
            }
        }
    }
    (mask != 0).then_some(row)
}

/// Calls `each(index in the matrix, weight)` for every rebuilt weight, in order (path A: `W = Ce x B`).
///
/// # Errors
/// What is wrong with the stream.
pub(crate) fn each_deal(layer: &Layer<'_>, each: &mut dyn FnMut(u32, i32)) -> Result<(), Reason> {
    let Weights::SmartDeal { chunk_rows, stream, .. } = layer.weights else { return Ok(()) };
    let (fan_in, mut stream) = (layer.fan_in(), BitReader::new(stream));
    let mut index = 0u32;
    for _ in 0..layer.output.shape.channels {
        let (mut left, mut rows) = (fan_in, fan_in.div_ceil(3));
        while rows != 0 {
            let (count, basis) = (rows.min(chunk_rows), basis(&mut stream));
            rows -= count;
            let mut is_used = false;
            for _ in 0..count {
                let row = coefficients(&mut stream).ok_or(Reason::WeightCode)?;
                if stream.has_overrun() {
                    return Err(Reason::WeightCode);
                }
                is_used |= row != [0; 3];
                for s in 0..left.min(3) {
                    let column = |j: u32| basis.get((3 * j + s) as usize).copied().unwrap_or(0);
                    let [a, b, c] = row;
                    each(index, a * column(0) + b * column(1) + c * column(2));
                    index = index.wrapping_add(1);
                }
                left = left.saturating_sub(3);
            }
            if is_used && basis == [0; 9] {
                return Err(Reason::WeightCode);
            }
        }
    }
    if stream.is_finished() { Ok(()) } else { Err(Reason::Section) }
}
