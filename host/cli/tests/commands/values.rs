//! Imported models that take real values: MAGIC's showers as they are, through networks that begin with
//! `(x - mean) / sd` (`host/import/tests/values`).

use std::path::Path;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use tempfile::TempDir;

use crate::common::{agree, bitfab, correct, fetched, json, npy};

const MAGIC: [&str; 2] = ["--data", "magic"];
const CLASSES: [&str; 2] = ["--classes", "g,h"];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests/values").join(name);
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_str().unwrap().into()
}

/// `name` imported to `model.bfab` in a new folder, and what the import says.
fn imported(name: &str, how: &[&str]) -> (TempDir, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let said = json(folder.path(), &[&["import", &file(name), "-o", "model.bfab"], how, &CLASSES].concat());
    (folder, said)
}

#[test]
fn arithmetic_before_a_quantiser_becomes_codings() {
    let (folder, said) = imported("quantised.onnx", &MAGIC);
    let folder = folder.path();
    assert_eq!(said["codings"], 10, "{said}");
    let notes = said["notes"].to_string();
    assert!(notes.contains("`centre`, `scale`, `q_quant` became 10 codings"), "{notes}");
    assert_eq!(said["effect"]["same"], said["effect"]["rows"], "nothing but halves may differ: {said}");
    // What the file's own floats have right is printed by host/import/tests/values/make.py for all rows.
    assert!(correct(folder, &MAGIC) * 100 > 80 * 3804, "{}", correct(folder, &MAGIC));
    let engines = "reference,kernels,runtime,cycle-model,rtl,qemu-m4";
    agree(folder, &MAGIC, &file("quantised.onnx"), &[], "400", engines, "rtl=20,qemu-m4=40");
    let shown = json(folder, &["inspect", "model.bfab"]).to_string();
    assert!(shown.contains("\"g\"") && shown.contains("\"h\""), "{shown}");
}

#[test]
fn a_range_is_measured_where_the_file_has_none() {
    let (folder, said) = imported("floats.onnx", &["--nearest", "--data", "magic"]);
    let folder = folder.path();
    assert_eq!(said["codings"], 10, "{said}");
    let effect = &said["effect"];
    let [rows, same] = ["rows", "same"].map(|key| effect[key].as_u64().unwrap());
    // The file's floats see the values themselves, not the bytes of them.
    assert!(same < rows && same * 100 > 97 * rows, "{effect}");
    let source = file("floats.onnx");
    agree(folder, &[&MAGIC[..], &["--nearest"]].concat(), &source, &[], "400", "kernels,runtime,qemu-m4", "qemu-m4=40");

    // Another day's rows are coded by the model, whatever their own range.
    std::fs::write(folder.join("day.csv"), "28.7967,16.0021,2.6449,0.3918,0.1982,27.7004,22.011,-8.2027,40.092,81.8828\n162.052,136.031,4.0612,0.0374,0.0187,116.741,-64.858,-45.216,76.96,256.788\n").unwrap();
    bitfab(folder).args(["run", "model.bfab", "--data", "day.csv", "-o", "answers.csv"]).assert().success();
    let answers = std::fs::read_to_string(folder.join("answers.csv")).unwrap();
    assert!(answers.starts_with("row,class,score of g,score of h\n0,g,"), "{answers}");
    assert!(answers.lines().nth(2).unwrap().starts_with("1,h,"), "{answers}");
}

#[test]
fn what_rows_are_must_be_known() {
    let folder = tempfile::tempdir().unwrap();
    let (floats, quantised) = (file("floats.onnx"), file("quantised.onnx"));
    let import = |model: &str, how: &[&str]| {
        bitfab(folder.path()).args(["import", model, "-o", "model.bfab"]).args(how).assert()
    };
    import(&floats, &[]).failure().stderr(contains("--input values for rows of real values"));
    import(&floats, &["--input", "values"]).failure().stderr(contains("name rows of real values by --data"));
    let bytes = npy("|u1", "(2, 10)", &[7; 20]);
    std::fs::write(folder.path().join("bytes.npy"), bytes).unwrap();
    let refused = import(&floats, &["--input", "values", "--data", "bytes.npy"]);
    refused.failure().stderr(contains("are bytes").and(contains("--input, as in u8/255")));
    std::fs::write(folder.path().join("nan.csv"), "1,2,3,4,5,6,7,8,9,nan\n").unwrap();
    import(&floats, &["--nearest", "--data", "nan.csv"]).failure();
    std::fs::write(folder.path().join("short.csv"), "1.5,2\n3,4\n").unwrap();
    import(&floats, &["--nearest", "--data", "short.csv"]).failure();
    import(&quantised, &["--classes", "g"]).failure().stderr(contains("1 names of classes for 2 outputs"));
    import(&quantised, &["--classes", "g,g"]).failure().stderr(contains("empty or there twice"));
    import(&quantised, &["--data", "magic"]).failure().stderr(contains("no names of classes"));
    assert!(!folder.path().join("model.bfab").exists());
    // Bytes are taken as such where that is said.
    import(&quantised, &[]).success();
    let run = |how: &[&str]| {
        bitfab(folder.path()).args(["run", "model.bfab", "--data", "bytes.npy", "-o", "answers.csv"]).args(how).assert()
    };
    std::fs::write(folder.path().join("bytes.npy"), npy("|i1", "(2, 10)", &[249; 20])).unwrap();
    run(&[]).failure().stderr(contains("the array holds bytes"));
    run(&["--as", "bytes"]).success();
}

#[test]
fn integers_of_tflite_are_made_of_real_values_where_that_is_asked_for() {
    let model = fetched("tflite/hello_world.tflite");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = json(folder, &["import", &model, "--input", "values", "-o", "model.bfab"]);
    assert_eq!(said["codings"], 1, "{said}");
    let reals: Vec<u8> = (0..200).flat_map(|step| (step as f32 * std::f32::consts::PI / 100.0).to_le_bytes()).collect();
    std::fs::write(folder.join("angles.npy"), npy("<f4", "(200, 1)", &reals)).unwrap();
    agree(folder, &["--data", "angles.npy"], &model, &["--input", "values"], "200", "kernels,runtime", "kernels=100");
    let run = |rows: &str, how: &[&str]| {
        let run = ["run", "model.bfab", "--data", rows, "-o", "answers.npy"];
        bitfab(folder).args(run).args(how).assert().success();
        std::fs::read(folder.join("answers.npy")).unwrap()
    };
    // Its zero point is -128.
    std::fs::write(folder.join("zero.npy"), npy("<f4", "(1, 1)", &[0; 4])).unwrap();
    std::fs::write(folder.join("byte.npy"), npy("|i1", "(1, 1)", &[128])).unwrap();
    assert_eq!(run("zero.npy", &[]), run("byte.npy", &["--as", "bytes"]));
    let said = json(folder, &["import", &model, "-o", "plain.bfab"]);
    assert_eq!(said["codings"], 0, "bytes are its input where nothing is asked for: {said}");
}

#[test]
fn a_result_behind_dequantize_stands_for_its_real_numbers() {
    let model = fetched("tflite/hello_world.tflite");
    let (folder, reals) = (tempfile::tempdir().unwrap(), [0.5f32, 1.5, 4.0]);
    let folder = folder.path();
    let said = json(folder, &["import", &model, "--input", "values", "-o", "model.bfab"]);
    let (unit, constant) = (said["result"]["unit"].as_f64().unwrap(), said["result"]["constant"].as_f64().unwrap());
    let bytes: Vec<u8> = reals.iter().flat_map(|real| real.to_le_bytes()).collect();
    std::fs::write(folder.join("angles.npy"), npy("<f4", "(3, 1)", &bytes)).unwrap();
    bitfab(folder).args(["run", "model.bfab", "--data", "angles.npy", "-o", "y.npy"]).assert().success();
    let levels: Vec<i32> =
        npyz::NpyFile::new(&std::fs::read(folder.join("y.npy")).unwrap()[..]).unwrap().into_vec().unwrap();
    for (level, real) in levels.into_iter().zip(reals) {
        let found = f64::from(level) * unit + constant;
        // It was trained on the sine.
        assert!((found - f64::from(real).sin()).abs() < 0.15, "{real}: {found}, {said}");
    }
}

#[test]
fn answers_say_which_row_of_the_file_they_are_of() {
    let (folder, _) = imported("quantised.onnx", &[]);
    let folder = folder.path();
    let row = |first: &str| format!("{first},16.0,2.6,0.39,0.198,27.7,22.0,-8.2,40.1,81.9\n");
    let text: String = ["28.8", "", "30.1", "", "162.0"].iter().map(|&first| row(first)).collect();
    std::fs::write(folder.join("gaps.csv"), text).unwrap();
    let run = ["run", "model.bfab", "--data", "gaps.csv", "--missing", "drop", "-o", "answers.csv"];
    bitfab(folder).args(run).assert().success();
    let answers = std::fs::read_to_string(folder.join("answers.csv")).unwrap();
    let numbers: Vec<&str> = answers.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(numbers, ["0", "2", "4"], "{answers}");
}

#[test]
fn columns_of_an_imported_model_go_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let row = |seed: usize| -> Vec<String> {
        (0..10).map(|at| format!("{}", ((seed * 7 + at * 13) % 29) as f64 / 2.0 + at as f64 * 9.0)).collect()
    };
    let table = |order: &[usize]| {
        let line = |cells: &[String]| order.iter().map(|&at| cells[at].clone()).collect::<Vec<_>>().join(",") + "\n";
        let header: Vec<String> = names.iter().map(|&name| name.into()).collect();
        line(&header) + &(0..40).map(|seed| line(&row(seed))).collect::<String>()
    };
    let order: Vec<usize> = (0..10).collect();
    std::fs::write(folder.join("rows.csv"), table(&order)).unwrap();
    std::fs::write(folder.join("turned.csv"), table(&order.iter().rev().copied().collect::<Vec<_>>())).unwrap();
    let import = ["import", &file("floats.onnx"), "--nearest", "--data", "rows.csv", "-o", "model.bfab"];
    bitfab(folder).args(import).assert().success();
    let answers = |rows: &str| {
        bitfab(folder).args(["run", "model.bfab", "--data", rows, "-o", "answers.csv"]).assert().success();
        std::fs::read_to_string(folder.join("answers.csv")).unwrap()
    };
    assert_eq!(answers("rows.csv"), answers("turned.csv"));
}

#[test]
fn whole_numbers_are_values_too_and_their_bytes_are_judged() {
    let (folder, _) = imported("quantised.onnx", &[]);
    let folder = folder.path();
    let whole: Vec<u8> = (0..30).map(|at| at * 8).collect();
    std::fs::write(folder.join("whole.npy"), npy("|u1", "(3, 10)", &whole)).unwrap();
    let rows = ["--data", "whole.npy"];
    agree(folder, &rows, &file("quantised.onnx"), &[], "3", "kernels,qemu-m4", "qemu-m4=3");
    // Against a file with other codings they are seen to differ.
    let other = ["verify", "model.bfab", "--source", &file("floats.onnx"), "--nearest", "--engines", "kernels"];
    let refused = bitfab(folder).args(other).args(rows).args(["--ranges", "magic"]).assert().failure();
    refused.stderr(contains("differs from its source: value"));
}
