//! Weights of a graph to the section of a layer (SPEC 6).

use bitfab_format::limits::LIST_SEGMENT;
use bitfab_format::{Coder, DraftWeights, Layer};
use bitfab_graph::{WeightQuantizer, Weights};

use crate::Prefer;

/// Ones of a segment of 256 weights that a list can count.
const LIST_LIMIT: usize = 255;

/// The weights of `layer`, each row negated where `negated` says so.
///
/// `layer` states op, input, output, window and groups; the weights' order is out, tap, channel for both operations.
pub(crate) fn weights(layer: &Layer<'_>, weights: &Weights, negated: &[bool], prefer: Prefer) -> DraftWeights {
    let mut matrix = weights.quantized();
    let fan_in = layer.fan_in().max(1) as usize;
    for (row, _) in matrix.chunks_mut(fan_in).zip(negated).filter(|(_, negated)| **negated) {
        row.iter_mut().for_each(|weight| *weight = -*weight);
    }
    let matrix = &matrix;
    match weights.quantizer {
        WeightQuantizer::Sign => DraftWeights::binary(layer, matrix),
        WeightQuantizer::SparseBinary { ratio, shift } => {
            let code = |coder| DraftWeights::sparse_binary(layer, matrix, ratio, shift, coder);
            choose(prefer, may_list(matrix, fan_in, ratio), &[Coder::Bitmap, Coder::Rice], &code)
        }
        WeightQuantizer::Ternary => {
            let code = |coder| DraftWeights::ternary(layer, matrix, coder);
            choose(prefer, may_list(matrix, fan_in, 0), &[Coder::Bitmap, Coder::Rice, Coder::Trits], &code)
        }
        WeightQuantizer::PowerOfTwo => DraftWeights::power_of_two(layer, matrix),
        WeightQuantizer::Planes { bits } => DraftWeights::planes(layer, matrix, bits),
        WeightQuantizer::Integer { bits } => DraftWeights::integer(layer, matrix, bits),
        WeightQuantizer::SmartDeal { rows } => smart_deal(layer, weights, negated, rows),
        _ => DraftWeights::default(), // a quantiser that is not known here is refused as a layer without weights
    }
}

/// Whether row `row` may be negated without leaving what its kind can store.
pub(crate) fn may_negate(weights: &Weights, row: usize) -> bool {
    let fan_in = weights.fan_in();
    match weights.quantizer {
        WeightQuantizer::SparseBinary { .. } => false,
        WeightQuantizer::Integer { bits } => {
            let least = -(1 << (bits - 1)) as f32;
            weights.values[row * fan_in..][..fan_in].iter().all(|&value| value != least)
        }
        WeightQuantizer::SmartDeal { .. } => {
            let values = weights.basis.len() / weights.shape[0] as usize;
            weights.basis[row * values..][..values].iter().all(|&value| value != -128.0)
        }
        _ => true,
    }
}

/// Whether no segment has more ones than a list can count.
fn may_list(matrix: &[i32], fan_in: usize, common: i32) -> bool {
    let count = |segment: &[i32]| segment.iter().filter(|weight| **weight != common).count();
    matrix.chunks(fan_in).all(|row| row.chunks(LIST_SEGMENT as usize).all(|segment| count(segment) <= LIST_LIMIT))
}

/// The smallest code, or for speed a list unless a bitmap is smaller.
fn choose(prefer: Prefer, may_list: bool, small: &[Coder], code: &dyn Fn(Coder) -> DraftWeights) -> DraftWeights {
    let coders: &[Coder] = match (prefer, may_list) {
        (Prefer::Speed, true) => &[Coder::Bitmap, Coder::List],
        (Prefer::Speed, false) => &[Coder::Bitmap],
        (Prefer::Size, _) => small,
    };
    let smallest = coders.iter().map(|&coder| code(coder)).min_by_key(|draft| draft.words.len());
    smallest.unwrap_or_default()
}

/// Coefficients and basis; a filter is negated by its basis.
fn smart_deal(layer: &Layer<'_>, weights: &Weights, negated: &[bool], rows: u32) -> DraftWeights {
    let coefficients: Vec<i32> = weights.values.iter().map(|&value| value as i32).collect();
    let per_filter = (weights.basis.len() / negated.len().max(1)).max(1);
    let signed = |(at, &value): (usize, &f32)| if negated[at / per_filter] { -value as i8 } else { value as i8 };
    let basis: Vec<i8> = weights.basis.iter().enumerate().map(signed).collect();
    DraftWeights::smart_deal(layer, &coefficients, &basis, rows.min(255) as u8)
}
