//! The generated Verilog does what the registers do, cycle by cycle, in two simulators; and damage to it is seen.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Options, Program, Row, cycles};
use bitfab_sim::engine::Engine;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::Stalls;
use bitfab_sim::software::Reference;
use bitfab_sim::verify;

/// Cycles of one input that an interpreter of Verilog can bear in a test.
const BEARABLE: u64 = 3_000;

fn options(random: &mut Random) -> Options {
    let lanes = random.pick(&[1, 2, 4, 8, 16, 32]);
    Options {
        lanes,
        pipe: random.pick(&[0, 1, 2, 3]),
        reads: random.pick(&[1, 1, 2, 4, 8]).min(lanes),
        ..Options::default()
    }
}

/// The first of the drawn models that is small enough, with its options.
fn small(random: &mut Random, draw: impl Fn(&mut Random) -> Draft) -> (Vec<u32>, Options) {
    small_of(random, draw, |_| true)
}

/// As [`small`], of those whose program has what is asked for.
fn small_of(
    random: &mut Random,
    draw: impl Fn(&mut Random) -> Draft,
    has: impl Fn(&Program) -> bool,
) -> (Vec<u32>, Options) {
    loop {
        let (words, options) = (draw(random).emit(), options(random));
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        if has(&Program::new(&model, &options).unwrap()) && cycles(&model, &options).unwrap().latency <= BEARABLE {
            return (words, options);
        }
    }
}

fn inputs(model: &Model<'_>, count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    (0..count).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect()
}

fn replay(words: &[u32], options: Options, random: &mut Random, simulator: Simulator, what: &str) {
    let model = Model::new(bytemuck::cast_slice(words)).unwrap();
    let often = |random: &mut Random| random.pick(&[0, 64, 200]);
    let stalls = Stalls { seed: random.bits(), input: often(random), output: often(random) };
    let inputs = inputs(&model, 3, random);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    // The two editions of the language start registers and processes in different orders.
    let simulators =
        if simulator == Simulator::Icarus { vec![simulator, Simulator::Icarus2005] } else { vec![simulator] };
    for simulator in simulators {
        let mut engine = Replay { simulator, options, stalls };
        let what = format!("{what}, {simulator:?}, {options:?}, {stalls:?}");
        let found = engine.run(&model, &inputs, &mut |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(found.len(), inputs.len(), "{what}");
        for (image, (expected, found)) in expected.iter().zip(&found).enumerate() {
            if let Some(first) = verify::compare(&model, image, expected, found) {
                panic!("{what}: {first}");
            }
        }
    }
}

#[test]
fn icarus_agrees_on_random_layers_of_every_operation() {
    type Draw = fn(&mut Random) -> Draft;
    let draws: [(&str, Draw); 5] = [
        ("dense", |random| arbitrary::draft(Op::Dense, random)),
        ("conv2d", |random| arbitrary::draft(Op::Conv2d, random)),
        ("encode", |random| arbitrary::draft(Op::Encode, random)),
        ("max-pool", |random| arbitrary::draft(Op::MaxPool, random)),
        ("sum-pool", |random| arbitrary::draft(Op::SumPool, random)),
    ];
    for (name, draw) in draws {
        for seed in 0..4 {
            let mut random = Random::new(5000 + seed);
            let (words, options) = small(&mut random, draw);
            replay(&words, options, &mut random, Simulator::Icarus, &format!("{name} of seed {seed}"));
        }
    }
}

#[test]
fn icarus_agrees_on_random_layers_of_every_kind_of_weights() {
    for kind in WeightKind::WEIGHTED {
        for (seed, op) in [(0, Op::Dense), (1, Op::Conv2d), (2, Op::Dense)] {
            let mut random = Random::new(7000 + seed);
            let (words, options) = small(&mut random, |random| arbitrary::draft_of(op, Some(kind), random));
            replay(&words, options, &mut random, Simulator::Icarus, &format!("{kind:?} {op:?} of seed {seed}"));
        }
    }
}

#[test]
fn icarus_agrees_on_scores_of_every_size() {
    for (at, (name, draft)) in arbitrary::scored().into_iter().enumerate() {
        let mut random = Random::new(at as u64);
        let options = options(&mut random);
        replay(&draft.emit(), options, &mut random, Simulator::Icarus, &format!("{name}, model {at}"));
    }
}

#[test]
fn icarus_agrees_on_borders_that_hold_a_level() {
    type Has = fn(&Program) -> bool;
    /// Whether the last layer of the model that has a window is as asked for.
    fn last(program: &Program, is_so: fn(&Row) -> bool) -> bool {
        let has_window = |row: &&Row| row.words | row.planes != 0 || row.window.kernel != [0; 2];
        program.rows.iter().rfind(has_window).is_some_and(is_so)
    }
    let borders: [(&str, Has); 8] = [
        ("planes", |program| last(program, |row| row.padding.border != 0 && !row.weights.masked)),
        ("planes of a few channels", |program| {
            last(program, |row| row.padding.border != 0 && row.padding.tail != u32::MAX)
        }),
        ("all planes", |program| last(program, |row| row.padding.ones && row.planes != 0 && row.window.padded)),
        ("planes behind masks", |program| last(program, |row| row.padding.border != 0 && row.weights.masked)),
        ("planes and their sum", |program| last(program, |row| row.padding.border != 0 && row.sum.shared)),
        ("planes, twice", |program| last(program, |row| row.padding.border != 0 && row.passes != 0)),
        ("bytes", |program| program.jobs.iter().any(|job| job.window.padded && job.border != program.byte_offset)),
        ("bytes, and others", |program| {
            let borders = program.jobs.iter().filter(|job| job.window.padded).map(|job| job.border);
            borders.collect::<BTreeSet<_>>().len() > 1
        }),
    ];
    for ((name, has), seed) in borders.into_iter().flat_map(|border| [(border, 8000), (border, 8001)]) {
        let mut random = Random::new(seed);
        let (words, options) = small_of(&mut random, |random| arbitrary::draft(Op::Conv2d, random), has);
        replay(&words, options, &mut random, Simulator::Icarus, &format!("{name} of seed {seed}"));
    }
}

#[test]
fn icarus_agrees_on_random_chains() {
    for seed in 0..6 {
        let mut random = Random::new(6000 + seed);
        let (words, options) = small(&mut random, |random| arbitrary::chain(3, random));
        replay(&words, options, &mut random, Simulator::Icarus, &format!("chain of seed {seed}"));
    }
}

#[test]
fn verilator_agrees_on_a_random_chain() {
    let mut random = Random::new(7);
    let (words, options) = (arbitrary::chain(3, &mut random).emit(), options(&mut random));
    replay(&words, options, &mut random, Simulator::Verilator, "chain");
}

/// A small convolutional network.
fn network() -> Vec<u32> {
    let sign = Kind::Sign;
    let plans = [
        Plan::same(3, PadValue::Zero, 16, sign),
        Plan::same(3, PadValue::PlusOne, 16, sign),
        Plan::pool(Op::MaxPool, 2, sign),
        Plan::dense(10, Kind::I32),
    ];
    arbitrary::build(Shape::new(4, 4, 1), Kind::U8, &plans, &mut Random::new(9)).emit()
}

/// Flips the lowest bit of the last hexadecimal digit of the line that sets `memory[address]`.
fn flip(verilog: &str, memory: &str, address: usize) -> String {
    let start = verilog.find(&format!("{memory}[{address}] = ")).expect("the memory has this address");
    let end = start + verilog[start..].find(';').expect("a statement ends");
    let digit = u8::from_str_radix(&verilog[end - 1..end], 16).expect("a hexadecimal digit") ^ 1;
    format!("{}{digit:x}{}", &verilog[..end - 1], &verilog[end..])
}

/// What a check of `verilog` against the reference says: the first layer that differs, or the ports.
fn verdict(model: &Model<'_>, verilog: &str) -> Option<String> {
    let options = Options::default();
    let inputs = inputs(model, 24, &mut Random::new(1));
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let replay = Replay { simulator: Simulator::Icarus, options, stalls: Stalls::default() };
    let expected = Reference.run(model, &inputs, &mut |_| {}).unwrap();
    let replayed = match replay.replay(model, &inputs, verilog) {
        Ok(replayed) => replayed,
        Err(error) => return Some(error.to_string()),
    };
    let found = replayed.frames.into_iter().map(|frame| frame.into_run());
    let mut pairs = expected.iter().zip(found).enumerate();
    let mismatch = pairs.find_map(|(image, (expected, found))| verify::compare(model, image, expected, &found));
    mismatch.map(|first| first.to_string()).or(replayed.first_difference.map(|first| first.to_string()))
}

#[test]
fn a_flipped_bit_of_the_verilog_is_seen_and_its_layer_is_named() {
    let words = network();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let verilog = bitfab_hdl::verilog(&model, &Options::default()).unwrap();
    assert_eq!(verdict(&model, &verilog), None);
    let last = bias_addresses(&verilog);
    // Weights and biases stand in the order of the layers; one may decide nothing for these inputs.
    let layer = |text: String| text.split("layer ").nth(1).and_then(|rest| rest.chars().next()).expect("a layer");
    let seen = |memory: &str, count: usize| -> Vec<char> {
        (0..count).filter_map(|at| verdict(&model, &flip(&verilog, memory, at))).map(layer).collect()
    };
    let weights = seen("weights", 16);
    assert!(!weights.is_empty() && weights.is_sorted(), "{weights:?}");
    let biases = seen("biases", last.min(8));
    assert!(biases.first() == Some(&'0') && biases.is_sorted(), "{biases:?}");
    let bias = verdict(&model, &flip(&verilog, "biases", last - 2)).expect("a flipped bias is seen");
    assert!(bias.contains("layer 3 `dense`"), "{bias}");
}

/// Addresses of the biases.
fn bias_addresses(verilog: &str) -> usize {
    verilog.lines().filter(|line| line.trim_start().starts_with("biases[")).count()
}

#[test]
fn a_changed_operator_of_the_verilog_is_seen() {
    let words = network();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let verilog = bitfab_hdl::verilog(&model, &Options::default()).unwrap();
    let changes = [
        ("word ^ weights_read", "word | weights_read"),
        ("wire tap_end = word_last && plane_last;", "wire tap_end = word_last || plane_last;"),
        ("pack_0 | word", "pack_0 & word"),
        ("flags_1[4] ? tail : 32'hffffffff", "32'hffffffff"),
        ("(complete + {1'd0, leaves}) - {1'd0, release_patch};", "complete + {1'd0, leaves};"),
        ("left <= left - 3'd1;", "left <= left - 3'd2;"),
    ];
    for (right, wrong) in changes {
        assert!(verilog.contains(right), "`{right}` is not in the Verilog");
        assert!(verdict(&model, &verilog.replace(right, wrong)).is_some(), "`{wrong}` was not seen");
    }
}

/// The first small random model of the kind whose layer table has a row as asked for.
fn with_unit(kind: WeightKind, has: fn(&Row) -> bool) -> Vec<u32> {
    let drafts = (0..1000).map(|seed| arbitrary::draft_of(Op::Dense, Some(kind), &mut Random::new(seed)).emit());
    let found = drafts.into_iter().find(|words| {
        let model = Model::new(bytemuck::cast_slice(words)).unwrap();
        let program = Program::new(&model, &Options::default()).unwrap();
        program.rows.last().is_some_and(has) && cycles(&model, &Options::default()).unwrap().latency <= BEARABLE
    });
    found.expect("one of a thousand models has it")
}

/// A kind of weights, a row that uses the unit, and what may be changed in its Verilog.
type Unit = (WeightKind, fn(&Row) -> bool, &'static [(&'static str, &'static str)]);
const UNITS: [Unit; 5] = [
    (
        WeightKind::SparseBinary,
        |row| row.sum.shared && row.sum.ratio != 0 && row.sum.doublings > 1,
        &[("scaling && adds", "scaling"), (" | shared);", ");"), ("kept <= ", "kept <= ~")],
    ),
    (
        WeightKind::Ternary,
        |row| row.weights.listed && row.planes != 0 && row.words > 3,
        &[
            ("(w_now - ", "(w_now + "),
            ("= lists_read[0]", "= 1'b1"),
            ("read_address_0 = x_before + ", "read_address_0 = x_before - "),
        ],
    ),
    (
        WeightKind::Integer,
        |row| row.passes > 2 && row.output.raw,
        &[("pass <= pass_last ?", "pass <= !pass_last ?"), ("pass != ", "pass == ")],
    ),
    (
        WeightKind::PowerOfTwo,
        |row| row.scaling.requant,
        &[
            ("total <= product + addend", "total <= product - addend"),
            ("product_valid <= chosen_valid", "product_valid <= 1'd0"),
            ("wire leaves = finishing && ", "wire leaves = finishing || "),
        ],
    ),
    (
        WeightKind::Binary,
        |row| row.scaling.affine && row.scaling.shift != 0 && row.output.last_lane != 0,
        &[
            ("total <= product + addend", "total <= product - addend"),
            ("total_valid <= product_valid", "total_valid <= chosen_valid"),
            ("? last_lane :", "? 0 :"),
            ("entry <= entry + ", "entry <= entry - "),
            (") * $signed(scales_read", ") + $signed(scales_read"),
        ],
    ),
];

#[test]
fn a_changed_operator_of_every_unit_is_seen() {
    for (kind, has, changes) in UNITS {
        let words = with_unit(kind, has);
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let verilog = bitfab_hdl::verilog(&model, &Options::default()).unwrap();
        assert_eq!(verdict(&model, &verilog), None);
        for (right, wrong) in changes {
            assert!(verilog.contains(right), "`{right}` is not in the Verilog");
            assert!(verdict(&model, &verilog.replace(right, wrong)).is_some(), "{kind:?}: `{wrong}` was not seen");
        }
    }
}
