//! The generated Verilog does what the registers do, cycle by cycle, in two simulators.

use bitfab_format::arbitrary::{self, Random};
use bitfab_format::{Model, Op};
use bitfab_hdl::Options;
use bitfab_sim::engine::Engine;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::Stalls;
use bitfab_sim::software::Reference;
use bitfab_sim::verify;

fn replay(words: &[u32], random: &mut Random, simulator: Simulator, what: &str) {
    let model = Model::new(bytemuck::cast_slice(words)).unwrap();
    let options = Options { lanes: random.pick(&[1, 2, 4, 8, 16, 32]), pipe: random.pick(&[0, 1, 2, 3]) };
    let often = |random: &mut Random| random.pick(&[0, 64, 200]);
    let stalls = Stalls { seed: random.bits(), input: often(random), output: often(random) };
    let inputs: Vec<Vec<u8>> =
        (0..3).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut engine = Replay { simulator, options, stalls };
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    let found = engine.run(&model, &inputs, &mut |_| {}).unwrap_or_else(|error| panic!("{what}, {options:?}: {error}"));
    assert_eq!(found.len(), inputs.len(), "{what}");
    for (image, (expected, found)) in expected.iter().zip(&found).enumerate() {
        if let Some(first) = verify::compare(&model, image, expected, found) {
            panic!("{what}, {options:?}, {stalls:?}: {first}");
        }
    }
}

#[test]
fn icarus_agrees_on_random_layers_of_every_operation() {
    for op in [Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool, Op::SumPool] {
        for seed in 0..12 {
            let mut random = Random::new(5000 + seed);
            let words = arbitrary::draft(op, &mut random).emit();
            replay(&words, &mut random, Simulator::Icarus, &format!("{op:?} of seed {seed}"));
        }
    }
}

#[test]
fn icarus_agrees_on_random_chains() {
    for seed in 0..15 {
        let mut random = Random::new(6000 + seed);
        let words = arbitrary::chain(3, &mut random).emit();
        replay(&words, &mut random, Simulator::Icarus, &format!("chain of seed {seed}"));
    }
}

#[test]
fn verilator_agrees_on_a_random_chain() {
    let mut random = Random::new(7);
    let words = arbitrary::chain(3, &mut random).emit();
    replay(&words, &mut random, Simulator::Verilator, "chain");
}
