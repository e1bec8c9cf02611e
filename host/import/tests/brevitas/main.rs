//! Nets that Brevitas exported, against the answers of Brevitas itself in 32-bit floats.
//!
//! `export.py` beside this file made them; it names the versions of PyTorch and the exporters.

#[path = "../common/mod.rs"]
mod common;

use std::path::Path;

use bitfab_compile::{CompileOptions, compile_with};
use bitfab_format::Model;
use bitfab_import::{ImportOptions, Imported, lower, onnx};
use common::{run, said};

/// Rows of every net.
const ROWS: usize = 64;
/// Debian's PyTorch 1.13, PyTorch 2.15 by TorchScript, and by its newer exporter.
const EXPORTERS: [&str; 3] = ["one", "two", "dyn"];

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/brevitas").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What follows the header of a `.npy` file.
fn values_of(npy: &[u8]) -> &[u8] {
    &npy[10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]))..]
}

fn imported(net: &str) -> Imported {
    let source = onnx::read(file(&format!("{net}.onnx")), &mut |name: &str| Err(std::io::Error::other(name)))
        .unwrap_or_else(|error| panic!("{net}: {error}"));
    lower(source, &ImportOptions { input: None }).unwrap_or_else(|error| panic!("{net}: {error}"))
}

fn largest<T: PartialOrd>(scores: &[T]) -> usize {
    (1..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best })
}

/// Compares all rows of a net; how far a score of ours lies off one of Brevitas, at most.
fn check(net: &str) -> f64 {
    let imported = imported(net);
    let compiled = compile_with(&imported.graph, &CompileOptions::default()).expect("it compiles");
    let model = Model::from_words(&compiled.words).expect("compile checked it");
    let said = said(&model, &compiled.rounded);
    let (rows, scores) = (file(&format!("{net}.rows.npy")), file(&format!("{net}.scores.npy")));
    let scores = values_of(&scores).chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four")));
    let scores: Vec<f64> = scores.map(f64::from).collect();
    let rows: Vec<&[u8]> = values_of(&rows).chunks_exact(model.input_bytes()).collect();
    assert_eq!(rows.len(), ROWS, "{net}");
    let (mut most, mut size) = (0.0f64, 0.0f64);
    for (row, (bytes, theirs)) in rows.iter().zip(scores.chunks_exact(scores.len() / ROWS)).enumerate() {
        let oracle = imported.oracle(bytes).expect("the oracle runs");
        let ours = &oracle[&imported.source.outputs[0]].values;
        for (ours, theirs) in ours.iter().zip(theirs) {
            (most, size) = (most.max((ours - theirs).abs()), size.max(theirs.abs()));
        }
        let tensors = run(&model, bytes);
        let integers = |name: &str| tensors.iter().find(|(layer, _)| layer == name).map(|(_, values)| values.clone());
        let found = imported.compare(bytes, &integers, &said).expect("the oracle runs");
        found.unwrap_or_else(|why| panic!("{net}, row {row}: {why}"));
        let device = &tensors.last().expect("a layer").1;
        assert_eq!(largest(device), largest(theirs), "{net}, row {row}: the class");
    }
    println!("{net}: {ROWS} rows; scores of up to {size:.3} are off by at most {most:.1e}");
    most
}

fn check_all(net: &str) {
    for exporter in EXPORTERS {
        let off = check(&format!("{exporter}_{net}"));
        // One level of an activation moves scores by thousandths; floats of 32 bits by less than this.
        assert!(off < 1e-5, "{exporter}_{net}: {off}");
    }
}

#[test]
fn two_bit_weights_norms_and_four_bit_relus() {
    check_all("mlp");
}

#[test]
fn weights_and_activations_of_one_bit() {
    check_all("binary");
}

#[test]
fn depthwise_pointwise_and_pools() {
    check_all("conv");
}

#[test]
fn branches_that_share_a_quantiser() {
    check_all("residual");
}

#[test]
fn biases_of_eight_sixteen_and_thirty_two_bits() {
    check_all("bias");
}
