//! The graph's words in those of the format: steps, sections, shapes and windows.

use bitfab_format::{
    Bound, Coding, Count, DraftInterface, DraftTransform, Kind, Limits, MAX_FINGERPRINTS, PadValue, Shape, Window,
    choose_thresholds,
};
use bitfab_graph::{self as graph, Op, Weights};

use crate::dyadic::Dyadic;
use crate::fold::{self, Affine, Steps};
use crate::pack;
use crate::reach::Sums;

/// What a graph may hold a file can hold.
const _: () = {
    use bitfab_format::limits as file;
    use bitfab_graph::limits as graph;
    assert!(graph::MAX_WEIGHT_BITS == file::MAX_WEIGHT_BITS);
    assert!(graph::MAX_LEFT_SHIFT == file::MAX_LEFT_SHIFT);
    assert!(graph::MAX_CODING_SHIFT == file::MAX_CODING_SHIFT);
    assert!(graph::CODING_MULTIPLIER_BITS == file::CODING_MULTIPLIER_BITS);
    assert!(graph::MAX_CODING_FRACTION == file::MAX_CODING_FRACTION);
    assert!(graph::MAX_ELEMENTS <= file::MAX_VOLUME as u64);
    assert!(graph::MAX_WEIGHTS <= file::MAX_VOLUME as u64);
};

/// What decides a sign or a level.
pub(crate) enum Compared {
    /// The real value with these steps.
    Reals(Vec<Dyadic>),
    /// The accumulator with thresholds of each channel.
    Integers(Vec<Steps>),
}

impl Compared {
    /// The thresholds of all channels.
    pub fn thresholds(&self, affines: &[Affine], bound: Bound) -> Vec<Steps> {
        match self {
            Self::Reals(steps) => affines.iter().map(|affine| fold::thresholds(affine, steps, bound)).collect(),
            Self::Integers(steps) => steps.clone(),
        }
    }
}

/// The steps that a sign or a quantiser compares with, and the kind of its output.
pub(crate) fn steps(op: &Op) -> (Compared, Kind) {
    let Op::Quantize { bits, step } = op else {
        return (Compared::Reals(vec![Dyadic::from_int(0)]), Kind::Sign);
    };
    let step = Dyadic::from_f32(*step);
    // clamp(floor(x / step + 1/2), 0, 2^bits - 1) reaches i at x = (i - 1/2) step.
    let middle = |i: i64| (&Dyadic::from_int(2 * i - 1) * &step).half();
    (Compared::Reals((1..1 << bits).map(middle).collect()), Kind::Unsigned { bits: *bits as u8 })
}

/// The given thresholds, channel by channel.
pub(crate) fn integers(thresholds: &[i32], descends: &[bool]) -> Vec<Steps> {
    let each = thresholds.chunks_exact(thresholds.len() / descends.len());
    each.zip(descends).map(|(values, &descends)| Steps { values: values.into(), descends }).collect()
}

/// Turns every falling channel into a rising one with negated weights, where its kind of weights can.
pub(crate) fn normalise(folded: &mut [Steps], negated: &mut [bool], weights: &Weights) {
    for (channel, (steps, negated)) in folded.iter_mut().zip(negated).enumerate() {
        if steps.descends && pack::may_negate(weights, channel) {
            fold::negate(steps);
            *negated = true;
        }
    }
}

/// The thresholds of all channels, of those that are alike for `sums` the smallest to store, and their directions.
pub(crate) fn section(folded: &[Steps], sums: &[Sums]) -> DraftTransform {
    let mut directions = vec![0; folded.len().div_ceil(32)];
    let mut ranges = Vec::new();
    for (channel, (steps, sums)) in folded.iter().zip(sums).enumerate() {
        directions[channel / 32] |= u32::from(steps.descends) << (channel % 32);
        // `acc <= t` is what `acc >= t + 1` is not.
        let above = i64::from(steps.descends);
        ranges.extend(steps.values.iter().map(|&value| sums.alike(i64::from(value) + above)));
    }
    let per_channel = folded.first().map_or(1, |steps| steps.values.len() as u32);
    DraftTransform::Thresholds { values: choose_thresholds(&ranges, per_channel), directions }
}

/// Height, width, channels.
pub(crate) fn shape(shape: graph::Shape) -> Shape {
    Shape::new(shape.height, shape.width, shape.channels)
}

/// Kernel, stride, padding.
pub(crate) fn window(window: &graph::Window) -> Window {
    Window { kernel: window.kernel, stride: window.stride, padding: window.padding }
}

/// What lies outside.
pub(crate) fn pad_value(window: &graph::Window) -> PadValue {
    match window.pad_value {
        // Without a border the value says nothing; the format wants zero for all but signs.
        _ if !window.has_padding() => PadValue::Zero,
        graph::PadValue::Zero | graph::PadValue::Level(0) => PadValue::Zero,
        graph::PadValue::MinusOne => PadValue::MinusOne,
        graph::PadValue::PlusOne => PadValue::PlusOne,
        graph::PadValue::Level(level) => PadValue::Level(level),
    }
}

/// What is known of the input and the classes; of the rows that were learned from the smallest fingerprints.
pub(crate) fn interface(interface: &graph::Interface, input: Kind) -> DraftInterface {
    let limits = interface.limits.map_or(Limits::of(input), |[low, high]| Limits { low, high });
    DraftInterface {
        codings: interface.codings.iter().map(coding).collect(),
        limits: (!interface.codings.is_empty()).then_some(limits),
        names: interface.names.clone(),
        units: interface.units.clone(),
        classes: interface.classes.clone(),
        learned_rows: interface.learned.len() as u32,
        fingerprints: interface.learned.iter().copied().take(MAX_FINGERPRINTS).collect(),
    }
}

fn coding(from: &graph::Coding) -> Coding {
    let graph::Coding { fraction, zero, multiplier, shift, base, count } = *from;
    let count = count.map(|graph::Count { mantissa, shift }| Count { mantissa, shift });
    Coding { fraction, zero, multiplier, shift, base, count }
}
