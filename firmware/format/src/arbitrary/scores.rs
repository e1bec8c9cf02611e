//! Models whose scores have every kind of factor, offset and shift: the corners that random drafts may miss.

use alloc::vec::Vec;

use super::{Plan, Random, build};
use crate::{Bound, Draft, DraftTransform, Kind, Model, PadValue, Rescale, Shape};

/// Scores of one model, so many that the last group of lanes and the last word are not full.
const CLASSES: u32 = 11;

/// The scale of class `i` of accumulators within a bound.
type Scale = fn(i: i64, bound: Bound) -> Rescale;

/// A name and the scales of a layer.
const CORNERS: [(&str, Scale); 10] = [
    ("moved", |i, _| of(1, [-5, 4, 1 << 30, -(1 << 30), 0][i as usize % 5], 0)),
    ("moved by even numbers", |i, _| of(1, 2 * (i - 4), 0)),
    ("negated and moved", |i, _| of(-1, 3 * i - 10, 0)),
    ("factors without a shift", |i, _| of(i - 5, 7 * i, 0)),
    ("doubled twice", |i, _| of(4, i, 0)),
    ("ties", |i, _| of([1, -1, 3, -3, 5][i as usize % 5], i - 5, 1 + i as u32 % 3)),
    ("a shift alone", |i, _| of(1, 5 - i, 3)),
    ("constants", |i, _| of(0, (i - 5) << 20 | 1 << 2, 3)),
    ("shifted to nothing", |i, _| of([1, -1, i32::MAX, i32::MIN, 0][i as usize % 5].into(), i - 5, 31 + i as u32)),
    ("the whole of 32 bits", whole),
];

fn of(multiplier: i64, offset: i64, shift: u32) -> Rescale {
    Rescale { multiplier: multiplier as i32, offset, shift }
}

/// The ends of the bound become the ends of what a score can be, as near as a factor allows; every other class falls.
fn whole(i: i64, bound: Bound) -> Rescale {
    let shift = 6 + i as u32;
    let (low, high) = (i64::from(bound.low), i64::from(bound.high));
    let limit = i64::from(i32::MAX) - 1;
    let multiplier = ((2 * limit) << shift) / (high - low).max(1);
    let multiplier = multiplier.min(i64::from(i32::MAX)) * if i % 2 == 0 { 1 } else { -1 };
    // The largest result is the limit itself.
    let largest = (low * multiplier).max(high * multiplier);
    of(multiplier, (limit << shift) - largest, shift)
}

/// Small models that end in such scores: over bytes, over signs, over values of several bits, of one and of several
/// pixels.
pub fn scored() -> Vec<(&'static str, Draft)> {
    let random = &mut Random::new(11);
    let flat = Shape::vector(37);
    let first = |kind| Plan::dense(35, kind);
    let scores = Plan::dense(CLASSES, Kind::I32);
    let image = Plan::same(3, PadValue::Zero, CLASSES, Kind::I32);
    let mut drafts = Vec::new();
    for (name, scale) in CORNERS {
        let nets = [
            build(flat, Kind::I8, &[scores], random),
            build(flat, Kind::U8, &[first(Kind::Sign), scores], random),
            build(flat, Kind::U8, &[first(Kind::Unsigned { bits: 3 }), scores], random),
            build(Shape::new(3, 4, 3), Kind::U8, &[Plan::same(1, PadValue::Zero, 7, Kind::Sign), image], random),
        ];
        drafts.extend(nets.into_iter().map(|mut draft| {
            let words = draft.emit();
            let bound = Model::from_words(&words).ok().and_then(|model| model.layers().last().map(|last| last.bound()));
            if let (Some(last), Some(bound)) = (draft.layers.last_mut(), bound) {
                let scales = (0..CLASSES).map(|i| scale(i.into(), bound)).collect();
                last.transform = DraftTransform::Affine { scales };
            }
            (name, draft)
        }));
    }
    drafts
}
