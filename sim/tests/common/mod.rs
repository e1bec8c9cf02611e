//! What tests of single units share: pauses, noise, and the comparison with the reference.

use bitfab_format::Model;
use bitfab_format::arbitrary::Random;
use bitfab_sim::engine::Engine;
use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls};
use bitfab_sim::software::Reference;
use bitfab_sim::verify;

/// A number from `low` to `high`.
pub fn size(random: &mut Random, low: u32, high: u32) -> u32 {
    random.between(low as i32, high as i32) as u32
}

/// Pauses of both streams, or none.
pub fn stalls(random: &mut Random) -> Stalls {
    let often = |random: &mut Random| random.pick(&[0, 0, 64, 200]);
    Stalls { seed: random.bits(), input: often(random), output: often(random) }
}

/// Three inputs of noise.
pub fn inputs(model: &Model<'_>, random: &mut Random) -> Vec<Vec<u8>> {
    (0..3).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect()
}

/// `engine` gives what the reference gives, for some inputs.
pub fn check(model: &Model<'_>, random: &mut Random, engine: &mut dyn Engine, what: &str) {
    let inputs = inputs(model, random);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(model, &inputs, &mut |_| {}).unwrap();
    let found = engine.run(model, &inputs, &mut |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(found.len(), inputs.len(), "{what}");
    for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert_eq!(verify::compare(model, at, expected, found), None, "{what}");
    }
}

/// The circuit does what the cycle model does, cycle for cycle, for the models and options that are `drawn`.
pub fn circuit_is_the_cycle_model(drawn: fn(&mut Random) -> (Vec<u32>, bitfab_hdl::Options)) {
    for seed in 0..40 {
        let random = &mut Random::new(1000 + seed);
        let (words, options) = drawn(random);
        let model = Model::from_words(&words).unwrap();
        let stalls = stalls(random);
        let inputs = inputs(&model, random);
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let registers = CycleModel { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        let wires = RustHdl { options, stalls }.run(&model, &inputs, &mut |_| {}).unwrap();
        assert_eq!(registers, wires, "seed {seed}, {options:?}");
    }
}
