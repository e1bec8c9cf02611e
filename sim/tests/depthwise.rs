//! Depthwise layers: all channels of a word are counted at once where that pays, and every engine agrees.

mod common;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape, WeightKind, Window};
use bitfab_hdl::{Options, Program, Row, cycles};
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{CycleModel, Stalls};
use common::{check, size, stalls};

/// A window that fits `input`, with uneven borders.
fn window(input: Shape, random: &mut Random) -> Window {
    loop {
        let kernel = [size(random, 1, 4), size(random, 1, 4)];
        let mut pad = |axis: usize| size(random, 0, kernel[axis] - 1);
        let padding = [pad(0), pad(1), pad(0), pad(1)];
        let window = Window { kernel, stride: [random.pick(&[1, 1, 2]), random.pick(&[1, 1, 2])], padding };
        if window.output(input).is_ok() {
            return window;
        }
    }
}

/// Bytes, a pointwise layer, a depthwise one and mostly scores; of each pixel as many outputs a channel as `multiple`.
fn draft(multiple: u32, random: &mut Random) -> Draft {
    let shape = Shape::new(size(random, 1, 5), size(random, 1, 5), size(random, 1, 3));
    let channels = random.pick(&[2, 3, 8, 20, 31, 32, 33, 40, 64, 70]);
    let any = [1, 2, 3, 5, 8].map(|bits| Kind::Unsigned { bits });
    let kind = |random: &mut Random| if random.once_in(3) { Kind::Sign } else { random.pick(&any) };
    let (inner, outer) = (kind(random), if random.once_in(6) { Kind::I32 } else { kind(random) });
    let border = match inner {
        Kind::Sign => random.pick(&[PadValue::MinusOne, PadValue::PlusOne, PadValue::Zero]),
        _ if random.once_in(3) => PadValue::Zero,
        _ => PadValue::Level(random.between(1, inner.range().1)),
    };
    let weights = random.pick(&[WeightKind::Integer, WeightKind::Integer, WeightKind::Ternary, WeightKind::Binary]);
    let depthwise = Plan {
        op: Op::Conv2d,
        window: window(shape, random),
        pad_value: border,
        groups: channels,
        outputs: channels * multiple,
        kind: outer,
        weights,
    };
    let mut plans = vec![Plan::same(1, PadValue::Zero, channels, inner), depthwise];
    if outer != Kind::I32 && !random.once_in(3) {
        plans.push(Plan::dense(5, Kind::I32));
    }
    arbitrary::build(shape, random.pick(&[Kind::U8, Kind::I8]), &plans, random)
}

fn options(random: &mut Random) -> Options {
    let lanes = random.pick(&[1, 2, 4, 8, 8, 16, 32]);
    let (pipe, reads) = (random.pick(&[0, 1, 2, 3]), random.pick(&[1, 1, 2]).min(lanes));
    Options { lanes, pipe, reads, ..Options::default() }
}

/// What the row of the depthwise layer can be.
type Has = fn(&Row, &Options) -> bool;

const KINDS: [(&str, Has); 14] = [
    ("several planes", |row, _| row.passes > 1),
    ("one plane", |row, _| row.passes == 0),
    ("several words", |row, options| (row.groups + 1) * options.lanes > 32),
    ("several groups of one word", |row, options| row.groups != 0 && options.lanes < 32),
    ("steps", |row, _| row.window.stride == [2, 2] && row.window.output[0] != 0),
    ("borders of zeros", |row, _| row.window.padded && !row.padding.ones && row.padding.border == 0),
    ("borders of ones", |row, _| row.window.padded && row.padding.ones),
    ("borders that hold a level", |row, _| row.window.padded && row.padding.border != 0),
    ("requantisation", |row, _| row.scaling.requant),
    ("thresholds", |row, _| !row.scaling.requant && !row.output.raw),
    ("scores", |row, _| row.output.raw),
    ("results", |row, _| row.output.send),
    ("three registers in a lane", |_, options| options.pipe == 3),
    ("one lane", |_, options| options.lanes == 1),
];

#[test]
fn random_depthwise_layers_agree_and_reach_every_kind() {
    let (mut reached, mut old) = ([0; KINDS.len()], 0);
    for seed in 0..400 {
        let random = &mut Random::new(seed);
        let words = draft(if random.once_in(8) { 2 } else { 1 }, random).emit();
        let model = Model::from_words(&words).unwrap();
        let (options, stalls) = (options(random), stalls(random));
        let program = Program::new(&model, &options).unwrap();
        let what = format!("seed {seed}, {options:?}, {stalls:?}");
        check(&model, random, &mut CycleModel { options, stalls }, &what);
        let Some(row) = program.rows.iter().find(|row| row.depthwise) else {
            old += 1;
            continue;
        };
        for ((_, is_so), reached) in KINDS.iter().zip(&mut reached) {
            *reached += u32::from(is_so(row, &options));
        }
    }
    for ((name, _), reached) in KINDS.iter().zip(reached) {
        assert!(reached >= 5, "{reached} depthwise layers have {name}");
    }
    assert!((50..300).contains(&old), "{old} of 400 models have no layer whose channels are counted at once");
}

#[test]
fn the_circuit_of_depthwise_layers_is_the_cycle_model() {
    common::circuit_is_the_cycle_model(|random| drawn(random, u64::MAX));
}

/// A model whose channels are counted at once, and its options: of at most so many cycles an inference.
fn drawn(random: &mut Random, most: u64) -> (Vec<u32>, Options) {
    loop {
        let (words, options) = (draft(1, random).emit(), options(random));
        let model = Model::from_words(&words).unwrap();
        let is_one = Program::new(&model, &options).unwrap().rows.iter().any(|row| row.depthwise);
        if is_one && cycles(&model, &options).unwrap().latency <= most {
            return (words, options);
        }
    }
}

#[test]
fn the_verilog_of_depthwise_layers_agrees_in_two_simulators() {
    let simulators = [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator];
    for (simulator, seeds) in simulators.into_iter().zip([2000..2006, 2000..2006, 3000..3002]) {
        for seed in seeds {
            let random = &mut Random::new(seed);
            let (words, options) = drawn(random, 2_500);
            let (model, stalls) = (Model::from_words(&words).unwrap(), stalls(random));
            let what = format!("{simulator:?}, seed {seed}, {options:?}, {stalls:?}");
            check(&model, random, &mut Replay { simulator, options, stalls }, &what);
        }
    }
}

/// A network of MLPerf Tiny's keyword spotting: 10 x 4 taps, then four depthwise and pointwise layers, an average and
/// scores, all with weights and activations of 8 bits.
fn keywords() -> Vec<u32> {
    let bytes = Kind::Unsigned { bits: 8 };
    let first = Window { kernel: [10, 4], stride: [2, 2], padding: [4, 1, 5, 1] };
    let plain = Plan::same(1, PadValue::Zero, 64, bytes).with_weights(WeightKind::Integer);
    let depthwise = Plan { groups: 64, ..Plan::same(3, PadValue::Zero, 64, bytes).with_weights(WeightKind::Integer) };
    let whole = Window { kernel: [25, 5], stride: [25, 5], padding: [0; 4] };
    let average = Plan { window: whole, ..Plan::pool(Op::SumPool, 1, bytes) };
    let mut plans = vec![Plan { window: first, ..plain }];
    plans.extend([depthwise, plain].repeat(4));
    plans.extend([average, Plan::dense(12, Kind::I32).with_weights(WeightKind::Integer)]);
    arbitrary::build(Shape::new(49, 10, 1), Kind::I8, &plans, &mut Random::new(1)).emit()
}

#[test]
fn a_network_for_keywords_takes_700_000_cycles() {
    let words = keywords();
    let model = Model::from_words(&words).unwrap();
    let options = Options::default();
    let counted = cycles(&model, &options).unwrap();
    println!("{counted:?}");
    assert!(counted.interval <= 700_000, "{counted:?}");
    check(&model, &mut Random::new(2), &mut CycleModel { options, stalls: Stalls::default() }, "keywords");
}
