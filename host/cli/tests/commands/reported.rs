//! Networks that others had trouble with (`host/import/tests/reported`): what a device gives, with what the model
//! states of it, is what the network computes, or the import is refused.

use std::path::Path;

use crate::common::{bitfab, json, npy};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests/reported").join(name);
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_str().unwrap().into()
}

fn numbers<T: npyz::Deserialize>(path: impl AsRef<Path>) -> Vec<T> {
    let bytes = std::fs::read(path).unwrap();
    npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
}

/// A model in a new folder, and what the import says.
fn import(name: &str, input: &[&str]) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let said = json(folder.path(), &[&["import", &file(&format!("{name}.onnx")), "-o", "net.bfab"], input].concat());
    (folder, said)
}

/// What the device's integers stand for, by what the file states of them, and one unit.
fn answers(folder: &Path, name: &str) -> (Vec<f64>, f64) {
    let run = ["run", "net.bfab", "--input", &file(&format!("{name}.rows.npy")), "-o", "y.npy"];
    bitfab(folder).args(run).assert().success().stdout(contains("each stands for value x"));
    let model = json(folder, &["inspect", "net.bfab"]);
    let [unit, constant] = ["output_scale", "output_constant"].map(|key| model[key].as_f64().unwrap());
    let values = numbers::<i32>(folder.join("y.npy")).into_iter();
    (values.map(|value| f64::from(value) * unit + constant).collect(), unit)
}

/// Every answer is the network's, but for the 32 bits in which those are kept and two units of rounded scores; and the
/// source agrees by itself.
fn agrees(name: &str, input: &[&str], ending: fn(f64) -> f64) {
    let (folder, said) = import(name, input);
    let (found, unit) = answers(folder.path(), name);
    let expected: Vec<f32> = numbers(file(&format!("{name}.expected.npy")));
    assert_eq!(found.len(), expected.len(), "{name}");
    let most = expected.iter().fold(1.0f64, |most, value| most.max(f64::from(value.abs())));
    for (at, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
        let off = (ending(found) - f64::from(expected)).abs();
        assert!(off < 1e-6 * most + unit.min(1e-6), "{name}, answer {at}: {found} for {expected}");
    }
    let neighbours = verified(folder.path(), name, input);
    assert_eq!(neighbours, 0, "{said}");
}

/// Values that have a neighbouring level by `verify --source`, which must agree.
fn verified(folder: &Path, name: &str, input: &[&str]) -> u64 {
    let (model, rows) = (file(&format!("{name}.onnx")), file(&format!("{name}.rows.npy")));
    let verify =
        ["verify", "net.bfab", "--source", &model, "--data", &rows, "--engines", "kernels,rtl", "--subset", "rtl=3"];
    let outcome = json(folder, &[&verify[..], input].concat());
    outcome["verdicts"][0]["neighbours"].as_u64().unwrap()
}

#[test]
fn constants_of_scores_are_in_them_or_stated() {
    let input = ["--input", "u8"];
    agrees("constant_of_classes", &input, |score| score);
    agrees("one_score", &input, |score| score);
    agrees("one_sigmoid", &input, |score| 1.0 / (1.0 + (-score).exp()));
    let (_folder, said) = import("one_sigmoid", &input);
    let notes = said["notes"].to_string();
    assert!(notes.contains("one score") && !notes.contains("largest"), "{notes}");
    assert!(said["result"]["unit"].as_f64().unwrap() > 0.0, "{said}");
}

#[test]
fn one_score_is_no_class() {
    let (folder, _) = import("one_score", &["--input", "u8"]);
    let run = ["run", "net.bfab", "--input", &file("one_score.rows.npy"), "-o", "y.npy", "--arg-max"];
    bitfab(folder.path()).args(run).assert().failure().stderr(contains("one score"));
    let eval = ["eval", "net.bfab", "--data", &file("one_score.rows.npy"), "--labels", &file("one_score.rows.npy")];
    bitfab(folder.path()).args(eval).assert().failure();
}

#[test]
fn cuts_below_the_greatest_level_are_exact_but_for_ties() {
    for name in ["relu6_decimal", "relu6_po2"] {
        let input = ["--input", "u8"];
        let (folder, said) = import(name, &input);
        let (found, _) = answers(folder.path(), name);
        let expected: Vec<f32> = numbers(file(&format!("{name}.expected.npy")));
        let off = found.iter().zip(&expected).map(|(found, expected)| (found - f64::from(*expected)).abs());
        let off = off.fold(0.0, f64::max);
        // A level of 0.05 beside its own, times weights of up to 1, in some of eight channels.
        assert!(off < 0.1, "{name}: {off}");
        assert!(verified(folder.path(), name, &input) < 200, "{name}");
        let notes = said["notes"].to_string();
        assert!(notes.contains("get a neighbouring level") && !notes.contains("up to"), "{notes}");
    }
}

#[test]
fn a_curve_of_eight_bits_is_refused_and_says_what_works() {
    let folder = tempfile::tempdir().unwrap();
    let import = ["import", &file("sigmoid_head.onnx"), "--input", "u8", "-o", "net.bfab"];
    let words = contains("`Quant_4`").and(contains("`Sigmoid_3`")).and(contains("4 bits")).and(contains("--nearest"));
    bitfab(folder.path()).args(import).assert().code(1).stderr(words);
    assert!(!folder.path().join("net.bfab").exists());
    let rows = file("sigmoid_head.rows.npy");
    let near = json(folder.path(), &[&import[..], &["--nearest", "--data", &rows]].concat());
    assert!(near["changes"].to_string().contains("quantised to 4 bits"), "{near}");
}

#[test]
fn bytes_of_int8_are_taken_as_they_are() {
    agrees("int8_input", &[], |value| value);
    let (folder, said) = import("int8_input", &[]);
    assert_eq!((&said["bytes"][0], &said["bytes"][1]), (&(-128).into(), &127.into()));
    assert!(said["notes"].to_string().contains("int8"), "{said}");
    // Bytes plus 128 are refused by what makes them right.
    std::fs::write(folder.path().join("x.npy"), npy("|u1", "(2, 6, 6, 1)", &[200; 72])).unwrap();
    let run = ["run", "net.bfab", "--input", "x.npy", "-o", "y.npy"];
    bitfab(folder.path()).args(run).assert().code(1).stderr(contains("- 128).astype(numpy.int8)"));
}

#[test]
fn rows_have_the_axes_of_the_model() {
    let input = ["--input", "u8"];
    agrees("flatten", &input, |score| score);
    let (folder, said) = import("channels_first_rows", &input);
    assert_eq!(said["rows"], "rows of 8 x 8 x 3 (height, width, channels)");
    let rows = file("channels_first_rows.rows.npy");
    let refused = || contains("[40, 3, 8, 8]").and(contains("8 x 8 x 3")).and(contains("x.transpose(0, 2, 3, 1)"));
    let run = ["run", "net.bfab", "--input", &rows, "-o", "y.npy"];
    bitfab(folder.path()).args(run).assert().code(1).stderr(refused());
    let model = file("channels_first_rows.onnx");
    for command in [
        &["eval", "net.bfab", "--data", &rows, "--labels", &rows][..],
        &["verify", "net.bfab", "--data", &rows],
        &["import", &model, "--input", "u8", "--data", &rows, "-o", "other.bfab"],
    ] {
        bitfab(folder.path()).args(command).assert().code(1).stderr(refused());
    }
}

#[test]
fn a_tflite_image_that_is_flattened_first_keeps_its_axes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = json(folder, &["import", &file("flatten_first.tflite"), "-o", "net.bfab"]);
    assert_eq!(said["rows"], "rows of 8 x 8 x 3 (height, width, channels)");
    let (unit, constant) = (said["result"]["unit"].as_f64().unwrap(), said["result"]["constant"].as_f64().unwrap());
    let run = ["run", "net.bfab", "--input", &file("flatten_first.rows.npy"), "-o", "y.npy"];
    bitfab(folder).args(run).assert().success();
    let bytes = numbers::<i8>(file("flatten_first.expected.npy"));
    let levels = numbers::<i32>(folder.join("y.npy"));
    let found: Vec<f64> = levels.into_iter().map(|level| f64::from(level) * unit + constant).collect();
    assert_eq!(found, bytes.into_iter().map(f64::from).collect::<Vec<f64>>(), "LiteRT's reference kernels");
}
