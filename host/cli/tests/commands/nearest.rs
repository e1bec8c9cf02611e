//! Models of real numbers: refused with what the nearest model would cost, imported by `--nearest`.

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use crate::common::{agree, bitfab, correct, fetched, json};

/// A convolutional net of floats for MNIST, from the package qonnx.
fn floats() -> String {
    fetched("qonnx/qonnx/data/onnx/mnist-conv/model.onnx")
}

const INPUT: [&str; 2] = ["--input", "u8/255"];
const ROWS: [&str; 4] = ["--data", "mnist", "--limit", "1000"];

#[test]
fn a_refusal_says_what_the_nearest_model_would_cost() {
    let (folder, model) = (tempfile::tempdir().unwrap(), floats());
    let import = ["import", &model, "-o", "model.bfab", INPUT[0], INPUT[1]];
    let refused = || bitfab(folder.path()).args(import).assert();
    refused().failure().stderr(contains("`Convolution28` (Conv): the weights of output 0").and(contains("--nearest")));
    let offer = contains("--nearest would make 5 changes")
        .and(contains("1000 of 1000 rows get the class of the file's floats; right are 98.40 % instead of 98.40 %"));
    bitfab(folder.path()).args(import).args(ROWS).assert().failure().stderr(offer);
    assert!(!folder.path().join("model.bfab").exists());
    let without_rows = bitfab(folder.path()).args(import).arg("--nearest").assert();
    without_rows.failure().stderr(contains("name rows by --data"));
}

#[test]
fn the_nearest_model_runs_on_every_engine() {
    let (folder, model) = (tempfile::tempdir().unwrap(), floats());
    let import = ["import", &model, "-o", "model.bfab", INPUT[0], INPUT[1], "--nearest"];
    let outcome = json(folder.path(), &[&import[..], &ROWS[..]].concat());
    assert_eq!(outcome["changes"].as_array().unwrap().len(), 5, "{outcome}");
    assert_eq!(outcome["effect"]["same"], 1000, "{outcome}");
    assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9893);
    let engines = "reference,kernels,runtime,cycle-model,icarus,qemu-m4";
    let subset = "cycle-model=20,icarus=1,qemu-m4=5";
    agree(folder.path(), &["--data", "mnist", "--nearest"], &model, &INPUT, "100", engines, subset);
}
