//! Every fast kernel computes what the reference computes, word for word.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{Random, draft, draft_of, scored, value};
use bitfab_format::{
    Coder, Draft, DraftLayer, DraftTensor, DraftTransform, DraftWeights, Kind, Layer, Model, Op, PadValue, Rescale,
    Shape, Tensor, Transform, WeightKind, Window,
};
use bitfab_kernels::{Views, reference, run, values};
use proptest::prelude::*;

/// One tensor in the three forms that kernels and reference want.
struct Data {
    values: Vec<i32>,
    bytes: Vec<u8>,
    words: Vec<u32>,
}

impl Data {
    fn random(tensor: &Tensor, random: &mut Random) -> Self {
        let values: Vec<i32> = (0..tensor.shape.volume()).map(|_| value(tensor.kind, random)).collect();
        let bytes = if tensor.kind.is_bytes() { values.iter().map(|&value| value as u8).collect() } else { vec![] };
        let mut words = vec![0; tensor.region.words as usize];
        if tensor.kind.is_packed() {
            values::pack(tensor, &values, &mut words);
        }
        Self { values, bytes, words }
    }
}

/// Runs the last layer of a random model both ways and compares every word, those of pad bits included.
fn check(op: Op, seed: u64) {
    let random = &mut Random::new(seed);
    let draft = draft(op, random);
    check_draft(&draft, seed, random, &mut |_, _| {});
}

/// As [`check`]; shows the layer and its expected values.
fn check_draft(draft: &Draft, seed: u64, random: &mut Random, seen: &mut dyn FnMut(&Layer<'_>, &[i32])) {
    let words = draft.emit();
    let model = Model::new(bytemuck::cast_slice(&words)).expect("a valid draft");
    let layer = model.layers().last().expect("a layer");
    let input = Data::random(&layer.input, random);
    let residual = layer.residual.map(|from| Data::random(&from.tensor, random));
    let (residual_values, residual_words) =
        residual.as_ref().map_or((&[][..], &[][..]), |data| (&data.values, &data.words));
    let mut expected = vec![0; layer.output.shape.volume() as usize];
    reference::run(&layer, &input.values, residual_values, &mut expected);
    let mut expected_words = vec![0; layer.output.region.words as usize];
    values::pack(&layer.output, &expected, &mut expected_words);

    // Rubbish in output and scratch: every word must be written, none may be read.
    let mut output: Vec<u32> = expected_words.iter().map(|_| random.word()).collect();
    let mut scratch: Vec<u32> = (0..layer.scratch.words).map(|_| random.word()).collect();
    let views = Views {
        bytes: &input.bytes,
        input: &input.words,
        residual: residual_words,
        output: &mut output,
        scratch: &mut scratch,
    };
    run(&layer, views);
    if output != expected_words {
        report(&layer, seed, &output, &expected);
    }
    seen(&layer, &expected);
}

fn report(layer: &Layer<'_>, seed: u64, output: &[u32], expected: &[i32]) -> ! {
    let mut found = vec![0; expected.len()];
    values::unpack(&layer.output, &[], output, &mut found);
    let at = found.iter().zip(expected).position(|(a, b)| a != b);
    let values = at.map(|at| (found[at], expected[at]));
    panic!("seed {seed}: value {at:?} of {layer:?}: found and expected {values:?} (none: a pad bit is not 0)");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn encodings_equal_the_reference(seed: u64) {
        check(Op::Encode, seed);
    }

    #[test]
    fn dense_layers_equal_the_reference(seed: u64) {
        check(Op::Dense, seed);
    }

    #[test]
    fn max_pools_equal_the_reference(seed: u64) {
        check(Op::MaxPool, seed);
    }

    #[test]
    fn sum_pools_equal_the_reference(seed: u64) {
        check(Op::SumPool, seed);
    }

    #[test]
    fn short_slices_never_panic(seed: u64, op in 0usize..5, keep in 0usize..8) {
        let op = [Op::Encode, Op::Dense, Op::Conv2d, Op::MaxPool, Op::SumPool][op];
        let random = &mut Random::new(seed);
        let words = draft(op, random).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).expect("a valid draft");
        let layer = model.layers().last().expect("a layer");
        let input = Data::random(&layer.input, random);
        let mut part = |words: u32| vec![0; words as usize * (random.word() % 8).min(keep as u32) as usize / 8];
        let (mut output, mut scratch) = (part(layer.output.region.words), part(layer.scratch.words));
        let short = part(layer.input.region.words);
        let bytes = &input.bytes[..input.bytes.len() * keep / 8];
        run(&layer, Views { bytes, input: &short, residual: &[], output: &mut output, scratch: &mut scratch });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1600, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_equal_the_reference(seed: u64) {
        check(Op::Conv2d, seed);
    }
}

/// Bytes that are compared with a threshold each, and a max-pool of the signs.
fn of_signs(shape: Shape, kind: Kind, pool: Option<Window>, random: &mut Random) -> Draft {
    let input = DraftTensor { shape, kind, start: 0 };
    let thresholds = (0..shape.channels).map(|_| random.word() as u8).collect();
    let encoding = (Op::Encode, Window::unit(), DraftTransform::Encode { per_channel: 1, thresholds });
    let pool = pool.map(|window| (Op::MaxPool, window, DraftTransform::None));
    let mut draft = Draft { input, arena_words: 0, scale: None, interface: Default::default(), layers: Vec::new() };
    for (index, (op, window, transform)) in std::iter::once(encoding).chain(pool).enumerate() {
        let [height, width] = window.output(shape).expect("the window lies inside");
        let output =
            DraftTensor { shape: Shape { height, width, ..shape }, kind: Kind::Sign, start: draft.arena_words };
        draft.arena_words += output.shape.pixels() * output.shape.channel_words();
        draft.layers.push(DraftLayer {
            name: op.name().into(),
            op,
            input: index as u16,
            residual: None,
            window,
            pad_value: PadValue::Zero,
            groups: 1,
            output,
            scratch: 0,
            weights: DraftWeights::default(),
            transform,
        });
    }
    draft
}

proptest! {
    /// Words that are full and one that is not, with up to three bytes behind the last four.
    #[test]
    fn encodings_of_many_bytes_equal_the_reference(seed: u64, channels in 1u32..200, is_signed: bool) {
        let random = &mut Random::new(seed);
        let kind = if is_signed { Kind::I8 } else { Kind::U8 };
        let draft = of_signs(Shape::new(1, 2, channels), kind, None, random);
        check_draft(&draft, seed, random, &mut |_, _| {});
    }

    /// Windows that lie apart, side by side or over one another, inside the input or beyond it.
    #[test]
    fn max_pools_of_signs_equal_the_reference(
        seed: u64,
        [height, width] in [3u32..9, 3u32..9],
        channels in 1u32..100,
        kernel in [1u32..4, 1u32..4],
        stride in [1u32..4, 1u32..4],
        is_padded in prop::bool::weighted(0.2),
    ) {
        let random = &mut Random::new(seed);
        let padding = if is_padded { kernel.map(|side| side - 1)[0].min(kernel[1] - 1) } else { 0 };
        let window = Window { kernel, stride, padding: [padding; 4] };
        let draft = of_signs(Shape::new(height, width, channels), Kind::U8, Some(window), random);
        check_draft(&draft, seed, random, &mut |_, _| {});
    }
}

/// The coders of a kind.
fn coders(kind: WeightKind) -> &'static [Coder] {
    match kind {
        WeightKind::SparseBinary => &[Coder::Bitmap, Coder::Rice, Coder::List],
        WeightKind::Ternary => &[Coder::Bitmap, Coder::Rice, Coder::List, Coder::Trits],
        _ => &[Coder::Plain],
    }
}

/// What a layer is made of, as far as kernels tell layers apart.
type Facts = BTreeSet<String>;

fn facts(layer: &Layer<'_>, values: &[i32]) -> Facts {
    let weights = format!("{} {}", layer.weights.name(), layer.weights.coder().name());
    let input = match layer.input.kind {
        Kind::Unsigned { bits: 5.. } => "many planes",
        Kind::Unsigned { .. } => "few planes",
        Kind::Sign => "signs",
        Kind::U8 => "u8",
        _ => "i8",
    };
    let mut facts = Facts::from([format!("{weights}, {} of {input}", layer.op.name())]);
    if layer.op == Op::Conv2d {
        let groups = if layer.groups == 1 { "no groups" } else { "groups" };
        facts.insert(format!("{weights}, {groups}"));
        match layer.pad_value {
            _ if !layer.window.is_padded() => {}
            PadValue::Level(_) => drop(facts.insert(format!("{weights}, pads a level of {input}, {groups}"))),
            pad if layer.input.kind == Kind::Sign => drop(facts.insert(format!("{weights}, pads {pad:?}"))),
            _ => {}
        }
    }
    if !layer.fan_in().is_multiple_of(32) {
        facts.insert(format!("{weights}, odd fan-in"));
    }
    if layer.fan_in() > 256 {
        facts.insert(format!("{weights}, several segments"));
    }
    let ends = |ends: [i32; 2]| values.contains(&ends[0]) && values.contains(&ends[1]);
    let (low, high) = layer.output.kind.range();
    match layer.transform {
        Transform::Requant { .. } if ends([low, high]) => drop(facts.insert(format!("{weights}, requant"))),
        Transform::Thresholds(_) if ends([low, high]) => drop(facts.insert(format!("{weights}, thresholds"))),
        Transform::Affine { .. } => drop(facts.insert(format!("{weights}, affine"))),
        Transform::Raw if layer.residual.is_some() => drop(facts.insert(format!("{weights}, residual"))),
        _ => {}
    }
    facts
}

/// Everything that [`facts`] can say of weighted layers.
fn all_facts() -> Facts {
    let mut all = Facts::new();
    for kind in WeightKind::WEIGHTED {
        for coder in coders(kind) {
            let weights = format!("{} {}", kind.name(), coder.name());
            let inputs = ["u8", "i8", "signs", "few planes", "many planes"];
            let ops = inputs.iter().flat_map(|input| ["dense", "conv2d"].map(|op| format!("{op} of {input}")));
            let pads = [PadValue::Zero, PadValue::MinusOne, PadValue::PlusOne].map(|pad| format!("pads {pad:?}"));
            let levels = ["u8", "i8", "few planes", "many planes"].into_iter();
            let levels = levels
                .flat_map(|input| ["no groups", "groups"].map(|groups| format!("pads a level of {input}, {groups}")));
            let others = ["no groups", "groups", "odd fan-in", "several segments"];
            let outputs = ["requant", "affine", "thresholds", "residual"];
            let others = others.into_iter().chain(outputs).map(String::from);
            all.extend(ops.chain(pads).chain(levels).chain(others).map(|what| format!("{weights}, {what}")));
        }
    }
    all
}

#[test]
fn every_kind_of_weights_meets_every_input_and_equals_the_reference() {
    let mut seen = Facts::new();
    for kind in WeightKind::WEIGHTED {
        for seed in 0..1600 {
            let random = &mut Random::new(seed);
            let op = if seed % 3 == 0 { Op::Dense } else { Op::Conv2d };
            let draft = draft_of(op, Some(kind), random);
            check_draft(&draft, seed, random, &mut |layer, values| {
                seen.extend(facts(layer, values));
                // Drafts fall back to binary weights where sums could leave 32 bits.
                assert!(layer.weights.kind() == kind || layer.weights.kind() == WeightKind::Binary);
            });
        }
    }
    let missed: Vec<_> = all_facts().difference(&seen).cloned().collect();
    assert!(missed.is_empty(), "no layer with: {missed:#?}");
}

#[test]
fn the_factored_smart_deal_equals_the_rebuilt_weights() {
    let mut found = 0;
    for seed in 0..400 {
        let random = &mut Random::new(seed);
        let draft = draft_of(Op::Dense, Some(WeightKind::SmartDeal), random);
        // The reference rebuilds every weight (path A), the kernels never do (path B); raw sums show every bit.
        check_draft(&draft, seed, random, &mut |layer, _| {
            let is_raw = matches!(layer.transform, Transform::Raw);
            found += usize::from(is_raw && layer.weights.kind() == WeightKind::SmartDeal);
        });
    }
    assert!(found > 50, "{found} layers");
}

#[test]
fn requantisation_rounds_half_up_and_clamps() {
    // NUMERICS 5.5 in exact 128-bit arithmetic, floor division written out.
    let naive = |acc: i32, multiplier: i32, offset: i64, shift: u32, bits: u32| {
        let twice = 2 * (i128::from(acc) * i128::from(multiplier) + i128::from(offset)) + (1i128 << shift);
        twice.div_euclid(2i128 << shift).clamp(0, (1 << bits) - 1) as i32
    };
    let random = &mut Random::new(1);
    let (mut ties, mut low, mut high) = (0, 0, 0);
    for _ in 0..100_000 {
        let (shift, bits) = (random.between(1, 47) as u32, random.between(1, 8) as u32);
        let small = random.once_in(2);
        let acc = if small { random.between(-300, 300) } else { random.word() as i32 };
        let multiplier = if small { random.between(-3, 3) } else { random.word() as i32 };
        let offset = if small { random.between(-9, 900).into() } else { random.bits() as i64 >> 2 };
        let shift = if small { shift % 5 + 1 } else { shift };
        let expected = naive(acc, multiplier, offset, shift, bits);
        let scale = Rescale { multiplier, offset, shift };
        assert_eq!(scale.apply(acc, bits), expected, "{acc} {multiplier} {offset} {shift}");
        let sum = i128::from(acc) * i128::from(multiplier) + i128::from(offset);
        ties += usize::from(sum.rem_euclid(1 << shift) == 1 << (shift - 1) && expected > 0);
        low += usize::from(sum < -(1 << shift));
        high += usize::from(sum >> shift > (1 << bits));
    }
    assert!(ties > 1000 && low > 1000 && high > 1000, "{ties} ties, {low} below, {high} above");
}

#[test]
fn corners_of_scores_equal_the_reference() {
    for (at, (_, draft)) in scored().iter().enumerate() {
        check_draft(draft, at as u64, &mut Random::new(at as u64), &mut |_, _| {});
    }
}

#[test]
fn scores_round_half_up_and_are_never_clamped() {
    // NUMERICS 5.6 in exact 128-bit arithmetic, floor division written out.
    let naive = |acc: i32, multiplier: i32, offset: i64, shift: u32| {
        let sum = i128::from(acc) * i128::from(multiplier) + i128::from(offset);
        if shift == 0 { sum } else { (2 * sum + (1i128 << shift)).div_euclid(2i128 << shift) }
    };
    let random = &mut Random::new(2);
    let (mut ties, mut plain, mut scores) = ([0; 2], 0, 0);
    for _ in 0..100_000 {
        let small = random.once_in(2);
        let acc = if small { random.between(-300, 300) } else { random.word() as i32 };
        let multiplier = if small { random.between(-3, 3) } else { random.word() as i32 };
        let offset = if small { random.between(-900, 900).into() } else { random.bits() as i64 >> 2 };
        let shift = random.between(0, if small { 5 } else { 47 }) as u32;
        let expected = naive(acc, multiplier, offset, shift);
        let scale = Rescale { multiplier, offset, shift };
        assert_eq!(i128::from(scale.value(acc)), expected, "{acc} {multiplier} {offset} {shift}");
        if let Ok(score) = i32::try_from(expected) {
            assert_eq!(scale.score(acc), score);
            scores += 1;
        }
        let sum = i128::from(acc) * i128::from(multiplier) + i128::from(offset);
        let is_tie = shift != 0 && sum.rem_euclid(1 << shift) == 1 << (shift - 1);
        ties[usize::from(sum < 0)] += usize::from(is_tie);
        plain += usize::from(shift == 0);
    }
    assert!(ties[0] > 1000 && ties[1] > 1000 && plain > 1000 && scores > 50_000, "{ties:?} {plain} {scores}");
}
