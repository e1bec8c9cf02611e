//! The accelerator agrees with the reference on random models, whatever its lanes and its streams' pauses.

use bitfab_format::arbitrary::{self, Random};
use bitfab_format::{Draft, Model, Op};
use bitfab_hdl::Options;
use bitfab_sim::engine::Engine;
use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls};
use bitfab_sim::software::Reference;
use bitfab_sim::verify;

/// Random inputs for a model.
fn inputs(model: &Model<'_>, count: usize, random: &mut Random) -> Vec<Vec<u8>> {
    (0..count).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect()
}

fn options(random: &mut Random) -> Options {
    Options { lanes: random.pick(&[1, 2, 4, 8, 16, 32]), pipe: random.pick(&[0, 1, 2, 3]) }
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
    let found = engine.run(&model, &inputs, &mut |_| {}).unwrap_or_else(|error| panic!("{what}, {options:?}: {error}"));
    if let Some(first) =
        expected.iter().zip(&found).enumerate().find_map(|(at, (e, f))| verify::compare(&model, at, e, f))
    {
        let layers: Vec<_> = model
            .layers()
            .map(|l| {
                format!(
                    "{:?} in {} {:?} {:?} -> {:?} {:?} {:?} groups {} pad {:?} res {:?}",
                    l.op,
                    l.input_index,
                    l.input.kind,
                    l.input.shape,
                    l.output.kind,
                    l.output.shape,
                    l.window,
                    l.groups,
                    l.pad_value,
                    l.residual.map(|r| (r.index, r.shift))
                )
            })
            .collect();
        panic!("{what}, {options:?}, {stalls:?}: {first}\n{layers:#?}");
    }
}

#[test]
fn random_layers_of_every_operation_agree() {
    for op in [Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool] {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let draft = arbitrary::draft(op, &mut random);
            check(&draft, &mut random, &format!("{op:?} of seed {seed}"));
        }
    }
}

#[test]
fn random_chains_agree() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let draft = arbitrary::chain(2 + (seed % 4) as u32, &mut random);
        check(&draft, &mut random, &format!("chain of seed {seed}"));
    }
}

#[test]
fn wires_and_registers_agree_cycle_by_cycle() {
    for seed in 0..60 {
        let mut random = Random::new(1000 + seed);
        let op = random.pick(&[Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool]);
        let words = arbitrary::draft(op, &mut random).emit();
        let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
        let (options, stalls) = (options(&mut random), stalls(&mut random));
        let inputs = inputs(&model, 3, &mut random);
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let registers = CycleModel { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        let wires = RustHdl { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        assert_eq!(registers, wires, "seed {seed}, {options:?}");
    }
}
