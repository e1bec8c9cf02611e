//! SmartDeal weights that are rebuilt beside the lanes: every engine agrees, and the accelerator keeps what the file keeps.

mod common;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, DraftWeights, Kind, Layer, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{HdlError, MemorySize, Options, Program, Rebuild, Style, Weights, cycles};
use bitfab_sim::linked::{Linked, LinkedWire};
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{CycleModel, Stalls};
use bitfab_sim::{Engine, SimError};
use common::{check, size, stalls};

/// Dense layers, most of SmartDeal, behind bytes or behind a convolution of any number of channels.
fn draft(random: &mut Random) -> Draft {
    let kinds = [Kind::Sign, Kind::Unsigned { bits: 1 }, Kind::Unsigned { bits: 3 }, Kind::Unsigned { bits: 5 }];
    let dense = |random: &mut Random, outputs: u32, kind: Kind| {
        let other = random.pick(&[WeightKind::Binary, WeightKind::Ternary, WeightKind::Integer]);
        let weights = if random.once_in(4) { other } else { WeightKind::SmartDeal };
        Plan::dense(outputs, kind).with_weights(weights)
    };
    let mut plans = Vec::new();
    let shape = if random.once_in(2) {
        let channels = size(random, 1, 40);
        plans.push(Plan::same(3, PadValue::Zero, channels, random.pick(&kinds)));
        Shape::new(size(random, 1, 3), size(random, 1, 3), 1)
    } else {
        Shape::vector(size(random, 1, 70))
    };
    for _ in 0..random.between(0, 2) {
        let (outputs, kind) = (size(random, 1, 40), random.pick(&kinds));
        plans.push(dense(random, outputs, kind));
    }
    let outputs = size(random, 1, 20);
    plans.push(dense(random, outputs, Kind::I32));
    arbitrary::build(shape, random.pick(&[Kind::U8, Kind::I8]), &plans, random)
}

fn options(random: &mut Random) -> Options {
    let lanes = random.pick(&[1, 2, 4, 8, 8, 16, 32]);
    let (pipe, reads) = (random.pick(&[0, 1, 2, 3]), random.pick(&[1, 1, 2]).min(lanes));
    Options { lanes, pipe, reads, weights: Weights::Rebuilt }
}

/// A model with weights to rebuild, and its options: of at most so many cycles an inference.
fn drawn(random: &mut Random, most: u64) -> (Vec<u32>, Options) {
    loop {
        let (words, options) = (draft(random).emit(), options(random));
        let model = Model::from_words(&words).unwrap();
        match Program::new(&model, &options) {
            Ok(_) if cycles(&model, &options).unwrap().latency <= most => return (words, options),
            Ok(_) | Err(HdlError::NothingToRebuild) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a layer that is rebuilt, and its program, can be.
type Has = fn(&Rebuild, &Program) -> bool;

const KINDS: [(&str, Has); 8] = [
    ("several chunks", |r, _| r.values / 3 > r.chunk_rows),
    ("several taps", |r, _| r.taps != 0),
    ("taps that end within a word", |r, _| r.taps != 0 && r.values % 32 != 31),
    ("taps of several words", |r, _| r.taps != 0 && r.values > 32),
    ("a common factor", |r, _| r.common != 0),
    ("other weights beside them", |r, _| r.place != 0),
    ("other layers that are rebuilt", |r, program| program.rebuilds.iter().any(|other| other != r)),
    ("one lane", |_, program| program.options.lanes == 1),
];

#[test]
fn random_rebuilt_layers_agree_and_reach_every_kind() {
    let mut reached = [0; KINDS.len()];
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let (words, options) = drawn(random, u64::MAX);
        let model = Model::from_words(&words).unwrap();
        let stalls = stalls(random);
        check(&model, random, &mut CycleModel { options, stalls }, &format!("seed {seed}, {options:?}, {stalls:?}"));
        let program = Program::new(&model, &options).unwrap();
        for ((_, is_so), reached) in KINDS.iter().zip(&mut reached) {
            *reached += u32::from(program.rebuilds.iter().any(|rebuild| is_so(rebuild, &program)));
        }
    }
    for ((name, _), reached) in KINDS.iter().zip(reached) {
        assert!(reached >= 5, "{reached} models have {name}");
    }
}

#[test]
fn the_circuit_of_rebuilt_layers_is_the_cycle_model() {
    common::circuit_is_the_cycle_model(|random| drawn(random, u64::MAX));
}

#[test]
fn the_verilog_of_rebuilt_layers_agrees_in_every_simulator() {
    let simulators = [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator];
    for (simulator, seeds) in simulators.into_iter().zip([2000..2006, 2000..2006, 3000..3002]) {
        for seed in seeds {
            let random = &mut Random::new(seed);
            let (words, options) = drawn(random, 8_000);
            let (model, stalls) = (Model::from_words(&words).unwrap(), stalls(random));
            let what = format!("{simulator:?}, seed {seed}, {options:?}, {stalls:?}");
            check(&model, random, &mut Replay { simulator, options, stalls }, &what);
        }
    }
}

#[test]
fn chips_whose_layers_are_rebuilt_answer_their_driver() {
    let mut asked = 0;
    for seed in 4000..4020 {
        let random = &mut Random::new(seed);
        let (words, options) = drawn(random, 4_000);
        let model = Model::from_words(&words).unwrap();
        let mut linked = Linked { wire: LinkedWire::Spi, options };
        let zeros = vec![0; model.input_bytes()];
        match linked.run(&model, &[&zeros], &mut |_| {}) {
            Ok(_) => check(&model, random, &mut linked, &format!("seed {seed}, {options:?}")),
            // Words that end in another order than they lie, of which no digest can be kept.
            Err(SimError::Unsupported { .. }) => continue,
            Err(error) => panic!("seed {seed}, {options:?}: {error}"),
        }
        asked += 1;
    }
    assert!(asked >= 10, "{asked} models were asked");
}

#[test]
fn streams_and_weights_beside_them_are_files() {
    let plans = [
        Plan::dense(64, Kind::Sign),
        Plan::dense(40, Kind::Sign).with_weights(WeightKind::SmartDeal),
        Plan::dense(10, Kind::I32),
    ];
    let words = arbitrary::build(Shape::vector(700), Kind::U8, &plans, &mut Random::new(5)).emit();
    let model = Model::from_words(&words).unwrap();
    let options = Options::default().with_lanes(2).with_weights(Weights::Rebuilt);
    let sources = bitfab_hdl::sources(&model, &options, &Style::default()).unwrap();
    let names: Vec<&str> = sources.memories.iter().map(|memory| memory.name.as_str()).collect();
    assert_eq!(names, ["bitfab_weights.hex", "bitfab_streams.hex"]);
    for simulator in [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator] {
        let mut replay = Replay { simulator, options, stalls: Stalls::default() };
        check(&model, &mut Random::new(6), &mut replay, &format!("{simulator:?}"));
    }
}

/// 784-256-10 over bytes, both of SmartDeal; a fifth of the coefficients is not zero, as training leaves them.
fn pixels() -> Vec<u32> {
    let smart_deal = |plan: Plan| plan.with_weights(WeightKind::SmartDeal);
    let plans = [smart_deal(Plan::dense(256, Kind::Sign)), smart_deal(Plan::dense(10, Kind::I32))];
    let draft = arbitrary::build(Shape::vector(784), Kind::U8, &plans, &mut Random::new(1));
    let random = &mut Random::new(2);
    let mut fill = |layer: &Layer<'_>| {
        let rows = layer.fan_in().div_ceil(3);
        let filters = layer.output.shape.channels;
        let coefficient = |random: &mut Random| match random.once_in(5) {
            true => random.pick(&[-1, 1]) << random.between(0, 6),
            false => 0,
        };
        let coefficients: Vec<i32> = (0..filters * rows * 3).map(|_| coefficient(random)).collect();
        let basis: Vec<i8> = (0..filters * rows.div_ceil(192) * 9).map(|_| random.between(1, 127) as i8).collect();
        DraftWeights::smart_deal(layer, &coefficients, &basis, 192)
    };
    arbitrary::refill(draft, &mut fill).emit()
}

/// Bits of the memories whose contents are weights, and bits that an inference reads of them.
fn weight_bits(model: &Model<'_>, options: &Options) -> (u64, u64, u64) {
    let counted = cycles(model, options).unwrap();
    let memories = Program::new(model, options).unwrap().memories();
    let weights = || memories.iter().filter(|memory| matches!(memory.name.as_str(), "weights" | "signs" | "streams"));
    let stored = weights().filter(|memory| memory.is_constant).map(MemorySize::bits).sum();
    let read = weights().map(|memory| counted.reads.of(&memory.name).unwrap() * u64::from(memory.width)).sum();
    (stored, read, counted.interval)
}

#[test]
fn the_accelerator_keeps_what_the_file_keeps() {
    let words = pixels();
    let model = Model::from_words(&words).unwrap();
    let file: u64 = model.layers().map(|layer| 32 * layer.weights.words() as u64).sum();
    let digits = weight_bits(&model, &Options::default());
    let rebuilt = weight_bits(&model, &Options::default().with_weights(Weights::Rebuilt));
    let buffer = Program::new(&model, &Options::default().with_weights(Weights::Rebuilt)).unwrap().weights.len() * 32;
    println!(
        "bits of the file {file}, of memories {digits:?} and {rebuilt:?} (stored, read, cycles), {buffer} of a group"
    );
    assert!(rebuilt.0 * 100 <= file * 115, "{} bits for {file} of the file", rebuilt.0);
    assert!(rebuilt.0 * 4 < digits.0, "{rebuilt:?} {digits:?}");
    check(
        &model,
        &mut Random::new(3),
        &mut CycleModel { options: Options::default().with_weights(Weights::Rebuilt), stalls: Stalls::default() },
        "pixels",
    );
}

#[test]
fn what_has_nothing_to_rebuild_is_refused() {
    let options = Options::default().with_weights(Weights::Rebuilt);
    for (op, kind) in [(Op::Conv2d, WeightKind::SmartDeal), (Op::Dense, WeightKind::Integer)] {
        let words = arbitrary::draft_of(op, Some(kind), &mut Random::new(1)).emit();
        let model = Model::from_words(&words).unwrap();
        assert_eq!(Program::new(&model, &options).unwrap_err(), HdlError::NothingToRebuild, "{op:?}");
    }
}
