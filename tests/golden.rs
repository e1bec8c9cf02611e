//! Golden vectors: files of every kind, with rows and what every tensor must be, as they were when they were written.
//!
//! What changes the format or any result turns these red; `golden/write.rs` writes them anew.

#[path = "golden/vector.rs"]
mod vector;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bitfab_format::{Model, align};
use bitfab_sim::Engine;
use bitfab_sim::rtl::{CycleModel, RustHdl};
use bitfab_sim::software::{Kernels, Reference, Runtime};
use bitfab_tests::root;

/// The files, in the order of their names.
fn files() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("tests/vectors")).unwrap();
    let all: BTreeSet<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    all.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "bfab")).collect()
}

#[test]
fn every_engine_still_computes_the_golden_tensors() {
    let mut software: [Box<dyn Engine>; 3] = [Box::new(Reference), Box::new(Kernels), Box::new(Runtime)];
    let mut circuits: [Box<dyn Engine>; 2] = [Box::<CycleModel>::default(), Box::<RustHdl>::default()];
    for path in files() {
        let words = align(&fs::read(&path).unwrap());
        let model = Model::from_words(&words).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = fs::read_to_string(path.with_extension("txt")).unwrap();
        let golden = vector::parse(&text).unwrap();
        assert!(golden.len() >= 3, "{}", path.display());
        for engine in software.iter_mut().chain(&mut circuits) {
            let again = |row: &vector::Row| vector::Row::of(row.values.clone(), &mut **engine, &model).unwrap();
            let found: Vec<vector::Row> = golden.iter().map(again).collect();
            assert_eq!(vector::text(&found), text, "{}, {}", path.display(), engine.name());
        }
    }
}

#[test]
fn the_golden_files_cover_every_kind() {
    let (mut seen, mut files_of_codings) = (BTreeSet::new(), 0);
    for path in files() {
        let words = align(&fs::read(&path).unwrap());
        let model = Model::from_words(&words).unwrap();
        files_of_codings += usize::from(model.interface().codings() != 0);
        for layer in model.layers() {
            seen.insert(format!("{:?}", layer.op));
            seen.insert(layer.weights.name().to_owned());
            seen.insert(format!("{:?}", layer.transform.kind()));
            seen.insert(format!("{:?}", layer.weights.coder()));
        }
    }
    for wanted in [
        "Encode",
        "Dense",
        "Conv2d",
        "MaxPool",
        "SumPool",
        "binary",
        "sparse-binary",
        "ternary",
        "power-of-two",
        "planes",
        "integer",
        "smart-deal",
        "Raw",
        "Thresholds",
        "Requant",
        "Affine",
    ] {
        assert!(seen.contains(wanted), "no golden file with {wanted}");
    }
    assert!(files_of_codings >= 4);
}
