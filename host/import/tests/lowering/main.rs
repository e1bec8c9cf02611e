//! What is imported computes what the source computes: random models against the oracle, tensor by tensor.

mod activations;
#[path = "../common/mod.rs"]
mod common;
mod compound;
mod nearest;
mod random;
mod refusals;
mod small;
mod values;
mod wild;

use bitfab_compile::{CompileError, CompileOptions, Compiled, Rounded, compile_with};
use bitfab_format::{Model, PadValue};
use bitfab_import::{Agreement, Entry, ImportOptions, Imported, Source, lower};
use common::{run, said};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Compares random rows; the number of tensors that were compared.
fn compare(imported: &Imported, compiled: &Compiled, seed: u64) -> usize {
    agreement(imported, compiled, seed).tensors
}

/// As [`compare`], with the number of values that have a neighbouring level where that is said.
fn agreement(imported: &Imported, compiled: &Compiled, seed: u64) -> Agreement {
    let model = Model::from_words(&compiled.words).expect("compile checked it");
    let said = said(&model, &compiled.rounded);
    let mut rng = StdRng::seed_from_u64(seed);
    let (low, high) = imported.input.range;
    let mut all = Agreement::default();
    for _ in 0..3 {
        let bytes: Vec<u8> = (0..model.input_bytes()).map(|_| rng.random_range(low..=high) as u8).collect();
        let tensors = run(&model, &bytes);
        let integers = |name: &str| tensors.iter().find(|(layer, _)| layer == name).map(|(_, values)| values.clone());
        match imported.compare(&bytes, &integers, &said).expect("the oracle runs") {
            Ok(one) => {
                all.tensors += one.tensors;
                all.neighbours += one.neighbours;
            }
            Err(why) => panic!("seed {seed}: {why}\n{:#?}\n{:?}", imported.folded, compiled.rounded),
        }
    }
    all
}

/// A model that `import` does not refuse, or why it does.
fn compiled(source: Source, input: Option<Entry>) -> Result<(Imported, Compiled), String> {
    let imported = lower(source, &ImportOptions { input }).map_err(|error| error.to_string())?;
    let compiled = match compile_with(&imported.graph, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(error @ CompileError::Node { .. }) => return Err(error.to_string()),
        Err(error) => panic!("{error}"),
    };
    for one in &compiled.rounded {
        match one {
            // Refused by the compiler's word.
            Rounded::Levels { levels: 2.., .. } => return Err(one.to_string()),
            Rounded::Levels { accumulators, of, .. } => assert!(accumulators <= of, "{one}"),
            _ => {}
        }
    }
    Ok((imported, compiled))
}

#[test]
fn random_models_compute_what_their_source_computes() {
    let (mut models, mut all, mut borders, mut refused) = (0, Agreement::default(), [0; 2], Vec::new());
    for seed in 0..1800 {
        let (source, input) = random::model(seed);
        let (imported, compiled) = match compiled(source, input) {
            Ok(both) => both,
            Err(error) => {
                refused.push(format!("{seed}: {error}"));
                continue;
            }
        };
        let found = agreement(&imported, &compiled, seed);
        models += 1;
        all.tensors += found.tensors;
        all.neighbours += found.neighbours;
        let model = Model::from_words(&compiled.words).expect("compile checked it");
        for layer in model.layers().filter(|layer| matches!(layer.pad_value, PadValue::Level(_))) {
            borders[usize::from(layer.input.kind.is_bytes())] += 1;
        }
    }
    let shown = refused.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    println!("{models} models, {all:?}, {} refused:\n{shown}", refused.len());
    assert!(borders.iter().all(|count| *count > 10), "{borders:?} borders of levels and of bytes hold a level");
    assert!(models > 1200 && all.tensors > 9000, "{models} models, {all:?}; refused are\n{shown}");
}
