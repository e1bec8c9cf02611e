//! Random weights of every kind and coder.

use alloc::vec::Vec;

use super::Random;
use crate::{Coder, DraftWeights, Layer, WeightKind};

/// Weights of `kind` for `layer`, of which shapes and kinds are known.
pub(super) fn draw(kind: WeightKind, layer: &Layer<'_>, random: &mut Random) -> DraftWeights {
    let count = layer.weight_count() as usize;
    let mut many =
        |draw: &mut dyn FnMut(&mut Random) -> i32| -> Vec<i32> { (0..count).map(|_| draw(random)).collect() };
    match kind {
        WeightKind::None => DraftWeights::default(),
        WeightKind::Binary => DraftWeights::binary(layer, &many(&mut |random| random.pick(&[-1, 1]))),
        WeightKind::SparseBinary => sparse_binary(layer, count, random),
        WeightKind::Ternary => {
            let density = density(random);
            let matrix = sparse(count, density, random, |random| random.pick(&[-1, 1]));
            let coder = random.pick(&[Coder::Bitmap, Coder::Rice, Coder::List, Coder::Trits]);
            DraftWeights::ternary(
                layer,
                &matrix,
                if density > 60 && coder == Coder::List { Coder::Trits } else { coder },
            )
        }
        WeightKind::PowerOfTwo => {
            let value = |random: &mut Random| random.pick(&[0, -1, 1]) << random.between(0, 6);
            DraftWeights::power_of_two(layer, &many(&mut |random| value(random)))
        }
        WeightKind::Planes => {
            let bits = random.size(1, 8);
            let most = (1 << (bits - 1)) - 1;
            let matrix: Vec<i32> = (0..count).map(|_| 2 * random.between(-most - 1, most) + 1).collect();
            DraftWeights::planes(layer, &matrix, bits)
        }
        WeightKind::Integer => {
            let bits = random.size(2, 8);
            let most = (1 << (bits - 1)) - 1;
            let matrix: Vec<i32> = (0..count).map(|_| random.between(-most - 1, most)).collect();
            DraftWeights::integer(layer, &matrix, bits)
        }
        WeightKind::SmartDeal => smart_deal(layer, random),
    }
}

/// Ones in a hundred weights: often few, at times none or all.
fn density(random: &mut Random) -> i32 {
    random.pick(&[0, 1, 2, 5, 5, 10, 20, 50, 100])
}

/// `count` values that are 0 but for `density` in a hundred.
fn sparse(count: usize, density: i32, random: &mut Random, mut value: impl FnMut(&mut Random) -> i32) -> Vec<i32> {
    (0..count).map(|_| if random.between(0, 99) < density { value(random) } else { 0 }).collect()
}

fn sparse_binary(layer: &Layer<'_>, count: usize, random: &mut Random) -> DraftWeights {
    let shift = random.size(0, 8);
    let limit = 1 << shift;
    let ratio = if random.once_in(4) { random.between(-limit, limit - 1) } else { random.between(-limit, 0) };
    let density = density(random);
    let matrix: Vec<i32> = sparse(count, density, random, |_| limit).iter().map(|one| ratio + one).collect();
    let coder = random.pick(&[Coder::Bitmap, Coder::Rice, Coder::List]);
    let coder = if density > 60 && coder == Coder::List { Coder::Bitmap } else { coder };
    DraftWeights::sparse_binary(layer, &matrix, ratio, shift, coder)
}

fn smart_deal(layer: &Layer<'_>, random: &mut Random) -> DraftWeights {
    let chunk_rows = random.pick(&[1, 2, 5, 17, 64, 192]);
    let rows = layer.fan_in().div_ceil(3);
    let filters = layer.output.shape.channels;
    let chunks = filters * rows.div_ceil(chunk_rows);
    let density = density(random);
    let power = |random: &mut Random| random.pick(&[-1, 1]) << random.between(0, 6);
    let coefficients = sparse((filters * rows * 3) as usize, density, random, power);
    // A basis that is used must not be all zero.
    let basis: Vec<i8> = (0..chunks * 9).map(|at| if at % 9 == 4 { 1 } else { random.word() as i8 }).collect();
    DraftWeights::smart_deal(layer, &coefficients, &basis, chunk_rows as u8)
}
