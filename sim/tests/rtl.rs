//! The accelerator agrees with the reference on random models, whatever its lanes and its streams' pauses.

use std::collections::BTreeSet;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Coder, Draft, DraftWeights, Kind, Model, Op, Shape, WeightKind};
use bitfab_hdl::{HdlError, Options, Program, Row, cycles};
use bitfab_sim::engine::Engine;
use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls, run_with_waveform};
use bitfab_sim::software::Reference;
use bitfab_sim::verify;

/// Random inputs for a model.
fn inputs(model: &Model<'_>, count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    (0..count).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect()
}

fn options(random: &mut Random) -> Options {
    let lanes = random.pick(&[1, 2, 4, 8, 16, 32]);
    Options {
        lanes,
        pipe: random.pick(&[0, 1, 2, 3]),
        reads: random.pick(&[1, 1, 2, 4, 8, 32]).min(lanes),
        ..Options::default()
    }
}

fn stalls(random: &mut Random) -> Stalls {
    let often = |random: &mut Random| random.pick(&[0, 0, 64, 200]);
    Stalls { seed: random.bits(), input: often(random), output: often(random) }
}

fn check(draft: &Draft, random: &mut Random, what: &str) {
    let words = draft.emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let (options, stalls) = (options(random), stalls(random));
    let inputs = inputs(&model, 3, random);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut engine = CycleModel { options, stalls };
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    let found = loop {
        match engine.run(&model, &inputs, &mut |_| {}) {
            Ok(found) => break found,
            // Few lanes have no room for the widest models; the error says what helps.
            Err(error) if error.to_string().contains("use more lanes") && engine.options.lanes < 32 => {
                engine.options.lanes *= 2;
            }
            Err(error) => panic!("{what}, {:?}: {error}", engine.options),
        }
    };
    let options = engine.options;
    if let Some(first) =
        expected.iter().zip(&found).enumerate().find_map(|(at, (e, f))| verify::compare(&model, at, e, f))
    {
        panic!("{what}, {options:?}, {stalls:?}: {first}");
    }
}

#[test]
fn random_layers_of_every_operation_agree() {
    for op in [Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool] {
        for seed in 0..100 {
            let mut random = Random::new(seed);
            let draft = arbitrary::draft(op, &mut random);
            check(&draft, &mut random, &format!("{op:?} of seed {seed}"));
        }
    }
}

#[test]
fn random_layers_of_every_kind_of_weights_agree() {
    for kind in WeightKind::WEIGHTED {
        for (seed, op) in (0..40).flat_map(|seed| [(seed, Op::Dense), (seed, Op::Conv2d)]) {
            let mut random = Random::new(2000 + seed);
            let draft = arbitrary::draft_of(op, Some(kind), &mut random);
            check(&draft, &mut random, &format!("{kind:?} {op:?} of seed {seed}"));
        }
    }
}

#[test]
fn random_models_reach_every_unit() {
    type Uses = fn(&Row) -> bool;
    let units: [(&str, Uses); 8] = [
        ("several passes", |row| row.passes != 0),
        ("lists", |row| row.weights.listed),
        ("lists of doubling planes", |row| row.weights.listed && row.doubles),
        ("shared sums", |row| row.sum.shared && !row.weights.listed),
        ("shared sums of lists with residuals", |row| row.sum.shared && row.weights.listed && row.residual.added),
        ("requantisation", |row| row.scaling.requant && row.output.planes == 7),
        ("scaled scores", |row| row.scaling.affine),
        ("scaled scores of several pixels", |row| row.scaling.affine && !row.window.output.contains(&0)),
    ];
    let mut rows = Vec::new();
    for (kind, seed) in WeightKind::WEIGHTED.into_iter().flat_map(|kind| (0..40).map(move |seed| (kind, seed))) {
        for op in [Op::Dense, Op::Conv2d] {
            let words = arbitrary::draft_of(op, Some(kind), &mut Random::new(2000 + seed)).emit();
            let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
            rows.extend(Program::new(&model, &Options::default()).unwrap().rows);
        }
    }
    for (unit, is_used) in units {
        assert!(rows.iter().any(is_used), "no random model has {unit}");
    }
}

#[test]
fn borders_that_hold_a_level_agree() {
    type Has = fn(&Program) -> bool;
    fn any(program: &Program, is_so: fn(&Row) -> bool) -> bool {
        program.rows.iter().any(|row| row.padding.border != 0 && is_so(row))
    }
    let borders: [(&str, Has); 7] = [
        ("planes", |program| any(program, |row| !row.weights.masked)),
        ("planes behind masks", |program| any(program, |row| row.weights.masked)),
        ("planes and their sum", |program| any(program, |row| row.sum.shared)),
        ("planes, several times", |program| any(program, |row| row.passes != 0)),
        ("all planes", |program| {
            program.rows.iter().any(|row| row.padding.ones && row.window.padded && row.planes != 0)
        }),
        ("bytes", |program| program.jobs.iter().any(|job| job.window.padded && job.border != program.byte_offset)),
        ("bytes, and others", |program| {
            let borders = program.jobs.iter().filter(|job| job.window.padded).map(|job| job.border);
            borders.collect::<BTreeSet<_>>().len() > 1
        }),
    ];
    let mut checked = [0; 7];
    for seed in 0..1500 {
        let mut random = Random::new(3000 + seed);
        let draft = arbitrary::draft(Op::Conv2d, &mut random);
        let words = draft.emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let program = Program::new(&model, &Options::default()).unwrap();
        let found: Vec<usize> = (0..borders.len()).filter(|&at| checked[at] < 12 && borders[at].1(&program)).collect();
        if !found.is_empty() {
            check(&draft, &mut random, &format!("border of seed {seed}"));
        }
        found.into_iter().for_each(|at| checked[at] += 1);
    }
    for (count, (name, _)) in checked.iter().zip(borders) {
        assert!(*count >= 3, "{count} models have {name}");
    }
}

#[test]
fn scores_of_every_size_agree() {
    for (at, (name, draft)) in arbitrary::scored().into_iter().enumerate() {
        for seed in 0..4 {
            check(&draft, &mut Random::new(seed), &format!("{name}, model {at}"));
        }
    }
}

/// A layer of 1,024 signs and 64 outputs whose weights are 5 (`ones` in a thousand of them) or -3.
fn sparse_layer(ones: i32) -> Vec<u32> {
    let mut random = Random::new(3);
    let plans = [Plan::dense(1024, Kind::Sign), Plan::dense(64, Kind::Sign)];
    let mut draft = arbitrary::build(Shape::vector(8), Kind::U8, &plans, &mut random);
    let words = draft.emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let layer = model.layer(1).unwrap();
    let matrix: Vec<i32> = (0..1024 * 64).map(|_| if random.between(1, 1000) <= ones { 5 } else { -3 }).collect();
    let weights = DraftWeights::sparse_binary(&layer, &matrix, -3, 3, Coder::Rice);
    let last = draft.layers.last_mut().unwrap();
    last.weights = weights;
    // Weights that are not bits meet a window of bytes.
    last.scratch = draft.arena_words;
    draft.arena_words += 1024 / 4;
    draft.emit()
}

#[test]
fn cycles_fall_with_the_ones() {
    let cycles_of = |ones: i32, options: Options| {
        let words = sparse_layer(ones);
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        cycles(&model, &options).unwrap().rows[1].iter().sum::<u64>()
    };
    for (lanes, reads, most) in [(1, 1, 30), (8, 8, 50), (8, 1, 80)] {
        let options = Options { lanes, reads, ..Options::default() };
        let counted: Vec<u64> = [500, 50, 20, 10, 5].into_iter().map(|ones| cycles_of(ones, options)).collect();
        assert!(counted.windows(2).all(|pair| pair[1] <= pair[0]), "{counted:?}");
        assert!(100 * counted[3] <= most * counted[0], "one in a hundred: {counted:?}");
    }
}

#[test]
fn random_chains_agree() {
    for seed in 0..80 {
        let mut random = Random::new(seed);
        let draft = arbitrary::chain(2 + (seed % 4) as u32, &mut random);
        check(&draft, &mut random, &format!("chain of seed {seed}"));
    }
}

#[test]
fn wires_and_registers_agree_cycle_by_cycle() {
    let scored = arbitrary::scored();
    for seed in 0..40 + scored.len() as u64 {
        let mut random = Random::new(1000 + seed);
        let op = random.pick(&[Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool]);
        let corner = seed.checked_sub(40).map(|at| scored[at as usize].1.clone());
        let words = corner.unwrap_or_else(|| arbitrary::draft(op, &mut random)).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let (options, stalls) = (options(&mut random), stalls(&mut random));
        let inputs = inputs(&model, 3, &mut random);
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let registers = CycleModel { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        let wires = RustHdl { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        assert_eq!(registers, wires, "seed {seed}, {options:?}");
    }
}

/// 784-256-256-256-10 over bytes.
fn mnist_network() -> Vec<u32> {
    let sign = Kind::Sign;
    let plans = [Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(10, Kind::I32)];
    arbitrary::build(Shape::new(28, 28, 1), Kind::U8, &plans, &mut Random::new(1)).emit()
}

#[test]
fn most_cycles_of_a_large_network_do_useful_work() {
    let words = mnist_network();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let counted = cycles(&model, &Options::default()).unwrap();
    // 8 planes of 25 words, then 8 words, for each group of 8 channels.
    let useful: u64 = counted.rows.iter().map(|row| row[0]).sum();
    assert_eq!(useful, 32 * 8 * 25 + 2 * 32 * 8 + 2 * 8);
    assert!(counted.useful_percent() >= 95.0, "{counted:?}");
    assert!(counted.interval <= 7_200, "the recorded number may not grow: {counted:?}");
}

#[test]
fn predicted_cycles_are_those_of_the_circuit() {
    let words = mnist_network();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let options = Options::default();
    let counted = cycles(&model, &options).unwrap();
    let inputs = inputs(&model, 1, &mut Random::new(2));
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut circuit = RustHdl { options, stalls: Stalls::default() };
    let runs = circuit.run(&model, &inputs, &mut |_| {}).unwrap();
    assert_eq!(runs[0].cycles, Some(counted.latency));
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    assert_eq!(verify::compare(&model, 0, &expected[0], &runs[0]), None);
}

#[test]
fn a_waveform_shows_the_ports_for_as_long_as_asked() {
    let mut random = Random::new(5);
    let words = arbitrary::chain(2, &mut random).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let inputs = inputs(&model, 1, &mut random);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut waveform = Vec::new();
    run_with_waveform(RustHdl::default(), &model, &inputs, &mut waveform, 10).unwrap();
    let text = String::from_utf8(waveform).unwrap();
    for name in ["clock", "in_ready", "out_valid", "sequencer"] {
        assert!(text.contains(name), "{name} is not in the waveform");
    }
    let last = text.lines().filter_map(|line| line.strip_prefix('#')?.parse::<u64>().ok()).max();
    assert_eq!(last, Some(9 * 25_000 + 12_500));
}

#[test]
fn options_and_models_that_do_not_fit_are_refused_with_advice() {
    let words = mnist_network();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let refused = |options: Options| Program::new(&model, &options).unwrap_err();
    assert_eq!(refused(Options::default().with_lanes(3)), HdlError::Lanes { lanes: 3 });
    assert_eq!(refused(Options { pipe: 4, ..Options::default() }), HdlError::Pipe { pipe: 4 });
    assert_eq!(refused(Options::default().with_reads(16)), HdlError::Reads { reads: 16, lanes: 8 });
    let plans = [Plan::dense(5_000, Kind::Sign)];
    let large = arbitrary::build(Shape::new(200, 200, 1), Kind::U8, &plans, &mut Random::new(1)).emit();
    let large = Model::new(bytemuck::cast_slice(&large)).unwrap();
    let error = Program::new(&large, &Options::default().with_lanes(1)).unwrap_err();
    assert!(matches!(error, HdlError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("use more lanes"), "{error}");
}
