//! Tables of real values on every command that takes rows: the model's codings and classes, never the file's.

use std::path::Path;

use crate::common::{bitfab, json, npy};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

/// Rows of two columns: the class follows from which of both is greater.
fn rows(from: u32, to: u32) -> String {
    // Mixed, so that no two rows are neighbours by a number of Fibonacci.
    let value = |row: u32, by: u32| {
        let mixed = row.wrapping_mul(by);
        f64::from((mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d) >> 20) / 1024.0
    };
    let row = |row: u32| {
        let (x, y) = (value(row, 2_654_435_761), value(row, 2_246_822_519));
        format!("{x:.5},{:.5},{}\n", -10.0 * y, if x > y { "hot" } else { "cold" })
    };
    (from..to).map(row).collect()
}

fn file(folder: &Path, name: &str, rows: &str) {
    std::fs::write(folder.join(name), format!("x,y,state\n{rows}")).unwrap();
}

/// A folder with `net.bfab`, learned from `table.csv`.
fn learned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "table.csv", &rows(1, 401));
    let train = ["train", "--data", "table.csv", "--arch", "mlp:16", "--method", "int:4", "--epochs", "30"];
    bitfab(folder.path()).args(train).args(["-o", "net.bfab"]).assert().success();
    folder
}

/// Every command that takes rows for a model, on `file`.
fn commands(file: &str) -> [Vec<&str>; 4] {
    [
        vec!["eval", "net.bfab", "--data", file],
        vec!["run", "net.bfab", "--data", file, "-o", "out.csv"],
        vec!["verify", "net.bfab", "--data", file, "--engines", "kernels"],
        vec!["verilog", "net.bfab", "--data", file, "--vectors", "1000", "-o", "verilog"],
    ]
}

/// Every command fails and says `reason`.
fn all_refuse(folder: &Path, file: &str, more: &[&str], reason: &str) {
    for command in commands(file) {
        let run = bitfab(folder).args(&command).args(more).assert().code(1);
        run.stderr(contains(file).and(contains(reason)).and(contains("panicked").not()));
    }
}

/// Every command succeeds and says `text`.
fn all_say(folder: &Path, file: &str, more: &[&str], text: &str) {
    for command in commands(file) {
        bitfab(folder).args(&command).args(more).assert().success().stderr(contains(text));
    }
}

#[test]
fn a_file_with_some_of_the_classes_is_coded_and_numbered_by_the_model() {
    let folder = learned();
    let folder = folder.path();
    let fresh = rows(1001, 1201);
    let cold: String = fresh.lines().filter(|line| line.ends_with("cold")).map(|line| format!("{line}\n")).collect();
    file(folder, "fresh.csv", &fresh);
    file(folder, "cold.csv", &cold);
    let all = json(folder, &["eval", "net.bfab", "--data", "fresh.csv"]);
    assert_eq!(all["total"], 200);
    assert!(all["accuracy"].as_f64().unwrap() > 0.9, "{all}");
    let some = json(folder, &["eval", "net.bfab", "--data", "cold.csv"]);
    assert_eq!(some["confusion"]["counts"][0], all["confusion"]["counts"][0], "the same rows, the same answers");
    assert_eq!(some["total"], cold.lines().count());
    // Columns in another order are found by their names.
    let turned: String = fresh
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split(',').collect();
            format!("{},{},{}\n", parts[2], parts[1], parts[0])
        })
        .collect();
    std::fs::write(folder.join("turned.csv"), format!("state,y,x\n{turned}")).unwrap();
    assert_eq!(json(folder, &["eval", "net.bfab", "--data", "turned.csv"])["confusion"], all["confusion"]);
}

#[test]
fn what_a_model_cannot_know_is_one_error_on_every_command() {
    let folder = learned();
    let folder = folder.path();
    std::fs::write(folder.join("other.csv"), "x,z,state\n1,2,hot\n").unwrap();
    all_refuse(folder, "other.csv", &[], "y");
    file(folder, "gap.csv", &format!("{}0.5,,hot\n", rows(1, 3)));
    all_refuse(folder, "gap.csv", &[], "line 4");
    file(folder, "nan.csv", &format!("{}0.5,nan,hot\n", rows(1, 3)));
    all_refuse(folder, "nan.csv", &[], "line 4");
    all_refuse(folder, "no.csv", &[], "no.csv");
    std::fs::write(folder.join("x.npy"), npy("|u1", "(1, 2)", &[1, 2])).unwrap();
    all_refuse(folder, "x.npy", &[], "--as");
    let nan: Vec<u8> = [0.5f32, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join("nan.npy"), npy("<f4", "(1, 2)", &nan)).unwrap();
    all_refuse(folder, "nan.npy", &[], "row 0");
    file(folder, "new.csv", &format!("{}0.5,-1,warm\n", rows(1, 3)));
    for command in [&["eval"][..], &["verify"]] {
        let run = bitfab(folder).args(command).args(["net.bfab", "--data", "new.csv"]).assert().code(1);
        run.stderr(contains("warm").and(contains("cold, hot")));
    }
    std::fs::write(folder.join("bare.csv"), "x,y\n0.5,-1\n").unwrap();
    bitfab(folder).args(["eval", "net.bfab", "--data", "bare.csv"]).assert().code(1).stderr(contains("--label"));
    bitfab(folder).args(["run", "net.bfab", "--data", "bare.csv", "-o", "bare_out.csv"]).assert().success();
}

#[test]
fn what_a_person_should_know_is_said_by_every_command() {
    let folder = learned();
    let folder = folder.path();
    file(folder, "far.csv", &format!("{}9,-1,hot\n8,-1e30,hot\n", rows(1001, 1011)));
    all_say(folder, "far.csv", &[], "in column x 2 of 12 values lay outside what was learned from and were limited");
    all_say(folder, "far.csv", &[], "in column y 2 of 12 values");
    let outcome = json(folder, &["eval", "net.bfab", "--data", "far.csv"]);
    assert_eq!(outcome["clamped"][0], serde_json::json!({"column": "x", "values": 2, "of": 12}));
    file(folder, "gap.csv", &format!("{}0.5,,hot\n", rows(1001, 1003)));
    all_say(folder, "gap.csv", &["--missing", "mean"], "1 missing values took the base of their coding");
    // The graph beside the model knows every row that was learned from; the model alone a sample of them.
    let part = ["eval", "net.bfab", "--data", "table.csv", "--part", "train"];
    let learned = json(folder, &part);
    let total = learned["total"].as_u64().unwrap();
    assert_eq!(learned["learned"], format!("{total} of these {total} rows were learned from (by their bytes)"));
    all_say(folder, "table.csv", &[], "of these 400 rows were learned from");
    std::fs::write(folder.join("fresh.csv"), format!("x,y,state\n{}", rows(1001, 1011))).unwrap();
    assert_eq!(json(folder, &["eval", "net.bfab", "--data", "fresh.csv"])["learned"], serde_json::Value::Null);
    std::fs::rename(folder.join("net.graph"), folder.join("kept.graph")).unwrap();
    all_say(folder, "table.csv", &[], "rows were learned from");
}

#[test]
fn the_same_values_in_any_kind_of_file_give_the_same_answers() {
    let folder = learned();
    let folder = folder.path();
    let text = rows(1001, 1021);
    file(folder, "x.csv", &text);
    std::fs::write(folder.join("x.TXT"), format!("x;y;state\n{}", text.replace(',', ";").replace('.', ","))).unwrap();
    let numbers = text.lines().flat_map(|line| line.split(',').take(2)).map(|field| field.parse::<f32>().unwrap());
    let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
    std::fs::write(folder.join("x.npy"), npy("<f4", "(20, 2)", &bytes)).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.join("x.npz")).unwrap());
    zip.start_file("x.npy", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, &npy("<f4", "(20, 2)", &bytes)).unwrap();
    zip.finish().unwrap();
    let answers = |file: &str| {
        bitfab(folder).args(["run", "net.bfab", "--data", file, "-o", "y.csv"]).assert().success();
        std::fs::read_to_string(folder.join("y.csv")).unwrap()
    };
    let expected = answers("x.csv");
    for file in ["x.TXT", "x.npy", "x.npz"] {
        assert_eq!(answers(file), expected, "{file}");
    }
}

#[test]
fn inspect_shows_codings_and_classes() {
    let folder = learned();
    let outcome = json(folder.path(), &["inspect", "net.bfab"]);
    let interface = &outcome["interface"];
    assert_eq!(interface["classes"], serde_json::json!(["cold", "hot"]));
    assert_eq!(interface["codings"][1]["name"], "y");
    let low = interface["codings"][1]["low"].as_f64().unwrap();
    assert!((-40.0..-39.0).contains(&low), "{low}");
    assert!(interface["learned_rows"].as_u64().unwrap() > 200);
    let text = bitfab(folder.path()).args(["inspect", "net.bfab"]).assert().success();
    text.stdout(contains("Classes: cold, hot.").and(contains("multiplier")).and(contains("fingerprints")));
}

#[test]
fn folds_judge_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "table.csv", &rows(1, 201));
    let train = ["train", "--data", "table.csv", "--arch", "mlp:8", "--epochs", "2", "--folds", "3"];
    let outcome = json(folder.path(), &train);
    let rows: u64 = outcome["rows"].as_array().unwrap().iter().map(|rows| rows.as_u64().unwrap()).sum();
    assert_eq!((rows, outcome["accuracies"].as_array().unwrap().len()), (200, 3));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
    bitfab(folder.path())
        .args(["train", "--data", "digits", "--folds", "3"])
        .assert()
        .code(1)
        .stderr(contains("--folds"));
}

#[test]
fn a_first_line_of_numbers_is_a_heading_where_one_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows: String = (0..60).map(|row| format!("{},{},{}\n", row % 7, row % 5, row % 2)).collect();
    std::fs::write(folder.join("table.csv"), format!("0,1,2\n{rows}")).unwrap();
    let train = ["train", "--data", "table.csv", "--arch", "mlp:4", "--epochs", "1", "-o", "x.graph"];
    bitfab(folder).args(train).assert().failure().stderr(contains("heading"));
    // As a row, its class is one that no other row has.
    for (heading, classes) in [("yes", 2), ("no", 3)] {
        let summary = json(folder, &[&train[..], &["--heading", heading, "--validation", "0"]].concat());
        let count = |part: &str| summary["rows"][part].as_u64().unwrap();
        assert_eq!(count("train") + count("test"), if classes == 2 { 60 } else { 61 }, "{summary}");
    }
}
