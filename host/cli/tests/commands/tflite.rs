//! TFLite models of integers, with the answers of TFLite's own reference kernels.
//!
//! `tests/run --install` fetches the models in packages of crates, builds some more, and asks TFLite once for all
//! (`tests/tflite_answers.py`); they stand in the folder `tflite` beside the other models.

use std::path::Path;

use crate::common::{EVERY_ENGINE, agree, bitfab, fetched, import, json};
use predicates::str::contains;

/// A file of the folder.
fn file(name: &str) -> String {
    fetched(&format!("tflite/{name}"))
}

/// The integers of an array.
fn integers(path: impl AsRef<Path>) -> Vec<i32> {
    let bytes = std::fs::read(path).unwrap();
    npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
}

/// Imports a model and compares the runtime's answers with TFLite's on all its rows; gives how many differ and how many
/// there are, and the folder.
fn compare(name: &str, notes: usize) -> (usize, usize, tempfile::TempDir) {
    let model = file(&format!("{name}.tflite"));
    let folder = import(&model, &[]);
    let explained = json(folder.path(), &["import", &model, "-o", "model.bfab"]);
    let said: Vec<&str> = explained["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    let first = said.iter().find_map(|note| note.split_once("bytes are level + "));
    // Behind DEQUANTIZE a level stands for a real number; the last bytes before it are int8.
    let first: i32 = first.map_or(-128, |(_, first)| first.parse().unwrap());
    assert_eq!(
        said.iter().any(|note| note.contains("bytes are level")),
        explained["result"]["unit"] == 1.0,
        "{said:?}"
    );
    let rounded = said.iter().filter(|note| note.contains("have no exact multiplier")).count();
    assert_eq!(rounded, notes, "{said:?}");
    let rows = file(&format!("{name}.x.npy"));
    let run = ["run", "model.bfab", "--input", &rows, "-o", "y.npy"];
    bitfab(folder.path()).args(run).assert().success();
    let (found, wanted) = (integers(folder.path().join("y.npy")), integers(file(&format!("{name}.y.npy"))));
    assert_eq!(found.len(), wanted.len());
    let differing = found.iter().zip(&wanted).filter(|(level, byte)| **level + first != **byte).count();
    let far = found.iter().zip(&wanted).map(|(level, byte)| (level + first - byte).abs()).max();
    println!("{name}: {differing} of {} answers differ, by at most {far:?}", wanted.len());
    (differing, wanted.len(), folder)
}

/// Models whose answers are all those of TFLite, and whose tensors are the same in every engine.
fn agree_with_tflite(models: &[(&str, usize)]) {
    for &(name, answers) in models {
        let (differing, count, folder) = compare(name, 0);
        assert_eq!((differing, count), (0, answers), "{name}");
        let rows = file(&format!("{name}.x.npy"));
        let subset = "cycle-model=10,rtl=2,verilator=4,icarus=1,qemu-m4=2";
        agree(folder.path(), &["--data", &rows], &file(&format!("{name}.tflite")), &[], "40", EVERY_ENGINE, subset);
    }
}

#[test]
fn models_of_others_give_the_answers_of_tflite() {
    agree_with_tflite(&[("sine", 256), ("hello_world", 256), ("speech", 808)]);
}

#[test]
fn every_operator_gives_the_answers_of_tflite() {
    agree_with_tflite(&[("cnn", 2000), ("residual", 1000), ("old", 600)]);
}

#[test]
fn what_is_rounded_twice_on_both_sides_of_zero_is_said() {
    let (differing, count, _folder) = compare("signed", 1);
    assert_eq!((differing, count), (0, 2000), "11 in a million sums are near enough to differ");
}

#[test]
fn a_mobilenet_of_31_operators_gives_the_answers_of_tflite() {
    let (differing, count, folder) = compare("person_detect", 1);
    assert_eq!((differing, count), (0, 404));
    let rows = file("person_detect.x.npy");
    let model = file("person_detect.tflite");
    let verify = ["verify", "model.bfab", "--source", &model, "--data", &rows, "--limit", "10"];
    let outcome = json(folder.path(), &[&verify[..], &["--engines", "reference,kernels,runtime"]].concat());
    for verdict in outcome["verdicts"].as_array().unwrap() {
        assert_eq!((verdict["agreeing"].as_u64(), verdict["images"].as_u64()), (Some(10), Some(10)), "{verdict}");
    }
}

#[test]
fn what_has_no_integers_says_which_operator_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |name: &str, words: &str| {
        let import = ["import", &file(name), "--explain"];
        bitfab(folder.path()).args(import).assert().failure().stderr(contains(words));
    };
    refuse("uneven.tflite", "node 2 `add7` (ADD): adds tensors whose steps are 0.11 and 0.1");
    refuse("magic_wand.tflite", "node 0 `sequential/conv2d/Relu` (DEPTHWISE_CONV_2D): `conv2d_input` is float32");
    refuse(
        "micro_speech.tflite",
        "node 0 `Relu` (DEPTHWISE_CONV_2D): the weights `weights_quant/FakeQuantWithMinMaxVars` less their zero point 132 go from -131 to 123, which takes 9 bits",
    );
    refuse("person_detection_grayscale.tflite", "less their zero point 134 go from -133 to 121, which takes 9 bits");
    let speech = std::fs::read(file("speech.tflite")).unwrap();
    std::fs::write(folder.path().join("cut.bin"), &speech[..1000]).unwrap();
    let import = ["import", "cut.bin", "--explain"];
    bitfab(folder.path()).args(import).assert().failure().stderr(contains("not a TFLite file: its 1000 bytes"));
    std::fs::write(folder.path().join("noise.tflite"), "noise").unwrap();
    let import = ["import", "noise.tflite", "--explain"];
    bitfab(folder.path()).args(import).assert().failure().stderr(contains("its bytes 4 to 7 are not `TFL3`"));
    // Bytes that stand for something else are refused where they meet the kernel's arithmetic.
    let import = ["import", &file("sine.tflite"), "--input", "u8/255", "--explain"];
    bitfab(folder.path()).args(import).assert().failure().stderr(contains("is no whole number; a TFLite model"));
}
