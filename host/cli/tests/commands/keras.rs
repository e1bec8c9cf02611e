//! Keras and QKeras nets of hls4ml, against answers that share no code with the importer.
//!
//! `tests/run --install` writes them: `tests/keras_models` the descriptions, `tests/keras_answers.py` the answers.
//! On 2,000 rows the device must give the class and the scores of the definitions of Keras and QKeras.

use std::path::Path;

use crate::common::{agree, bitfab, correct, fetched, import};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use tempfile::TempDir;

/// Rows of every net.
const ROWS: usize = 2000;
const ENGINES: &str = "reference,kernels,runtime,cycle-model,rtl,icarus,qemu-m4";
const SUBSET: &str = "rtl=20,icarus=2,qemu-m4=20";

fn file(name: &str, end: &str) -> String {
    fetched(&format!("keras/{name}.{end}"))
}

/// Rows of `net` with the answers of `by`.
fn data(net: &str, by: &str) -> [String; 4] {
    ["--data".into(), file(net, "rows.npy"), "--labels".into(), file(by, "answers.npy")]
}

/// Rows whose class is the one that `by` has.
fn same_class(folder: &TempDir, net: &str, by: &str) -> u64 {
    let count = correct(folder.path(), &data(net, by).each_ref().map(String::as_str));
    println!("{net}: {count} of {ROWS} rows have the class of {by}");
    count
}

fn numbers<T: npyz::Deserialize>(path: &str) -> Vec<T> {
    let bytes = std::fs::read(path).unwrap();
    npyz::NpyFile::new(&bytes[..]).unwrap().into_vec::<T>().unwrap()
}

/// Scores of each row relative to its first class: a device may leave out what all classes share.
fn relative(scores: impl Iterator<Item = f64>) -> Vec<Vec<f64>> {
    let scores: Vec<f64> = scores.collect();
    let rows = scores.chunks_exact(scores.len() / ROWS);
    rows.map(|row| row.iter().map(|score| score - row[0]).collect()).collect()
}

/// Rows whose scores are those of `by` in the device's unit, but for `off` units.
///
/// The unit is the middle one of what all scores say, so that one wrong score cannot move it.
fn same_scores(folder: &TempDir, net: &str, by: &str, off: f64) -> usize {
    let run = ["run", "model.bfab", "--input", &file(net, "rows.npy"), "-o", "scores.npy"];
    bitfab(folder.path()).args(run).assert().success();
    let path = folder.path().join("scores.npy");
    let found = relative(numbers::<i32>(path.to_str().unwrap()).into_iter().map(f64::from));
    let wanted = relative(numbers::<f64>(&file(by, "scores.npy")).into_iter());
    let pairs = found.iter().flatten().zip(wanted.iter().flatten());
    let mut units: Vec<f64> = pairs.filter(|(found, _)| found.abs() > 0.0).map(|(found, want)| want / found).collect();
    units.sort_by(f64::total_cmp);
    let unit = units[units.len() / 2];
    let is_same = |(found, wanted): &(&Vec<f64>, &Vec<f64>)| {
        found.iter().zip(*wanted).all(|(found, wanted)| (found - wanted / unit).abs() <= off)
    };
    let count = found.iter().zip(&wanted).filter(is_same).count();
    println!("{net}: {count} of {ROWS} rows have the scores of {by}, one unit is {unit}");
    count
}

/// Every engine on the first rows of `net`, and the description's own floats on 200 rows.
fn engines_agree(folder: &Path, net: &str, engines: &str, subset: &str) {
    let rows = file(net.trim_end_matches("_half_up"), "rows.npy");
    agree(folder, &["--data", &rows], &file(net, "toml"), &[], "200", engines, subset);
}

#[test]
fn binary_and_ternary_jet_taggers_give_the_scores_of_keras() {
    for net in ["ternary", "binary", "bnn"] {
        let folder = import(&file(net, "toml"), &[]);
        assert_eq!(same_class(&folder, net, net), 2000);
        assert_eq!(same_scores(&folder, net, net, 4.0), 2000);
        if net == "ternary" {
            engines_agree(folder.path(), net, &format!("{ENGINES},verilator"), &format!("{SUBSET},verilator=20"));
        } else {
            engines_agree(folder.path(), net, ENGINES, SUBSET);
        }
    }
}

#[test]
fn pruned_jet_taggers_give_the_scores_of_their_rounded_floats() {
    for (net, float, as_floats) in [("pruned95", "float95", 2000), ("pruned70", "float70", 1913)] {
        let folder = import(&file(net, "toml"), &[]);
        assert_eq!(same_class(&folder, net, net), 2000);
        assert_eq!(same_class(&folder, net, float), as_floats, "eight bits are not floats");
        assert_eq!(same_scores(&folder, net, net, 4.0), 2000);
        engines_agree(folder.path(), net, ENGINES, SUBSET);
    }
}

#[test]
fn powers_of_two_of_qkeras_are_refused_or_raised() {
    let folder = tempfile::tempdir().unwrap();
    let import_it = ["import", &file("po2", "toml"), "-o", "model.bfab"];
    let words = contains("q_dense_2").and(contains("go up to 128; 127 is the most")).and(contains("--nearest"));
    bitfab(folder.path()).args(import_it).assert().failure().stderr(words);
    bitfab(folder.path()).args(import_it).args(["--nearest", "--data", "mnist"]).assert().success();
    assert_eq!(same_class(&folder, "po2", "po2"), 1994, "eight bits are not nine exponents");
    assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9423);
    // Raising the least powers instead keeps the kind.
    let folder = import(&file("po2_near", "toml"), &[]);
    assert_eq!(same_class(&folder, "po2_near", "po2_near"), 2000);
    assert_eq!(same_scores(&folder, "po2_near", "po2_near", 0.01), 2000);
    assert_eq!(same_class(&folder, "po2_near", "po2"), 1995, "raised weights are not those of QKeras");
    assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9421);
    engines_agree(folder.path(), "po2_near", ENGINES, SUBSET);
}

/// QKeras rounds halves to even, one multiplication rounds them up: a net of fixed point meets them in most images.
#[test]
fn the_convolutions_of_qkeras_give_its_classes_and_its_scores_but_for_ties() {
    for (net, same) in [("cnn", 448), ("cnn_half_up", 433)] {
        let folder = import(&file(net, "toml"), &[]);
        assert_eq!(same_class(&folder, "cnn", "cnn"), 2000, "{net}");
        assert_eq!(same_scores(&folder, "cnn", "cnn", 0.01), same, "{net}");
        assert_eq!(correct(folder.path(), &["--data", "mnist"]), 9886, "{net}: as many as QKeras");
        if net == "cnn_half_up" {
            let (engines, subset) = (format!("{ENGINES},verilator"), "rtl=5,icarus=1,qemu-m4=5,verilator=20");
            engines_agree(folder.path(), net, &engines, subset);
        }
    }
}
