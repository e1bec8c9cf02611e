//! What is imported computes what the source computes: random models against the oracle, tensor by tensor.

mod activations;
#[path = "../common/mod.rs"]
mod common;
mod compound;
mod nearest;
mod random;
mod refusals;
mod small;

use bitfab_compile::{CompileError, Options as Compilation, Rounded, compile_with, score_unit};
use bitfab_format::{Model, PadValue};
use bitfab_import::{Imported, Options, ScoreUnit, lower};
use common::run;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Compares random rows; the number of tensors that were compared.
fn compare(imported: &Imported, words: &[u32], seed: u64) -> usize {
    let model = Model::from_words(words).expect("compile checked it");
    let unit = score_unit(&model).map(|(unit, is_rounded)| ScoreUnit::new(unit, is_rounded));
    let mut rng = StdRng::seed_from_u64(seed);
    let (low, high) = imported.input.range;
    let mut count = 0;
    for _ in 0..3 {
        let bytes: Vec<u8> = (0..model.input_bytes()).map(|_| rng.random_range(low..=high) as u8).collect();
        let oracle = imported.oracle(&bytes).expect("the oracle runs");
        let tensors = run(&model, &bytes);
        let integers = |name: &str| tensors.iter().find(|(layer, _)| layer == name).map(|(_, values)| values.clone());
        match imported.compare(&oracle, &integers, unit) {
            Ok(compared) => count += compared,
            Err(why) => panic!("seed {seed}: {why}\n{:#?}", imported.folded),
        }
    }
    count
}

#[test]
fn random_models_compute_what_their_source_computes() {
    let (mut models, mut tensors, mut rounded, mut borders, mut refused) = (0, 0, 0, [0; 2], Vec::new());
    for seed in 0..1800 {
        let (source, input) = random::model(seed);
        let imported = match lower(source, &Options { input }) {
            Ok(imported) => imported,
            Err(error) => {
                refused.push(format!("{seed}: {error}"));
                continue;
            }
        };
        match compile_with(&imported.graph, &Compilation::default()) {
            Ok(compiled) => {
                // Levels of eight bits may have no exact multiplier, which the compiler says.
                if compiled.rounded.iter().all(|one| matches!(one, Rounded::Scores { .. })) {
                    tensors += compare(&imported, &compiled.words, seed);
                    models += 1;
                    let model = Model::from_words(&compiled.words).expect("compile checked it");
                    for layer in model.layers().filter(|layer| matches!(layer.pad_value, PadValue::Level(_))) {
                        borders[usize::from(layer.input.kind.is_bytes())] += 1;
                    }
                } else {
                    rounded += 1;
                }
            }
            Err(error @ CompileError::Node { .. }) => refused.push(format!("{seed}: {error}")),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    let shown = refused.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    println!("{models} models, {tensors} tensors, {rounded} rounded, {} refused:\n{shown}", refused.len());
    assert!(borders.iter().all(|count| *count > 10), "{borders:?} borders of levels and of bytes hold a level");
    assert!(models > 1200 && tensors > 9000, "{models} models, {tensors} tensors; refused are\n{shown}");
}
