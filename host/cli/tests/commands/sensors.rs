//! Data sets of sensors that packages carry; `tests/run` fetches them.

use crate::common::{bitfab, json};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

#[test]
fn hapt_is_read_in_windows_by_its_official_people() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let list = bitfab(folder).args(["data", "list", "--json"]).assert().success();
    let list: Vec<serde_json::Value> = serde_json::from_slice(&list.get_output().stdout).unwrap();
    let is_here = list.iter().any(|line| line["name"] == "hapt" && line["here"] == true);
    assert!(is_here, "HAPT is missing: fetch it by tests/run --install, or bitfab data get hapt");
    let train = ["train", "--data", "hapt", "--arch", "mlp:16", "--epochs", "1", "-o", "hapt.bfab"];
    let summary = json(folder, &train);
    let rows = &summary["rows"];
    assert_eq!(rows["train"].as_u64().unwrap() + rows["validation"].as_u64().unwrap(), 7143, "{summary}");
    assert_eq!(rows["test"], 2874, "{summary}");
    let outcome = json(folder, &["eval", "hapt.bfab", "--data", "hapt"]);
    assert_eq!((&outcome["correct"], &outcome["total"]), (&summary["correct"], &summary["total"]));
    let classes = ["WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING"];
    assert_eq!(outcome["confusion"]["classes"], serde_json::json!(classes));
    let inspected = json(folder, &["inspect", "hapt.bfab"]);
    let units: Vec<&str> =
        inspected["interface"]["units"].as_array().unwrap().iter().flat_map(|u| u.as_str()).collect();
    assert_eq!(units, ["g", "g", "g", "rad/s", "rad/s", "rad/s"]);
    // Windows of another length are other rows than the model takes.
    let other = ["eval", "hapt.bfab", "--data", "hapt", "--window", "64"];
    bitfab(folder).args(other).assert().code(1).stderr(contains("64x1x6").and(contains("128x1x6")));
}

#[test]
fn every_data_set_has_the_rows_that_the_list_states() {
    let folder = tempfile::tempdir().unwrap();
    let list = bitfab(folder.path()).args(["data", "list", "--json"]).assert().success();
    let list: Vec<serde_json::Value> = serde_json::from_slice(&list.get_output().stdout).unwrap();
    assert_eq!(list.len(), 10);
    let missing = list.iter().filter(|line| line["here"] != true && line["name"] != "fashion-mnist");
    let missing: Vec<&str> = missing.filter_map(|line| line["name"].as_str()).collect();
    assert!(missing.is_empty(), "{missing:?} are missing: fetch them by tests/run --install");
    for line in list.iter().filter(|line| line["here"] == true && line["shape"] != "28x28x1") {
        let name = line["name"].as_str().unwrap();
        assert!(!line["licence"].as_str().unwrap().is_empty());
        let file = format!("{name}.bfab");
        let summary = json(folder.path(), &["train", "--data", name, "--arch", "mlp:8", "--epochs", "1", "-o", &file]);
        let rows = &summary["rows"];
        let learned = rows["train"].as_u64().unwrap() + rows["validation"].as_u64().unwrap();
        assert_eq!(
            (learned, rows["test"].as_u64()),
            (line["train"].as_u64().unwrap(), line["test"].as_u64()),
            "{name}"
        );
        assert_eq!(summary["test"]["classes"].as_array().unwrap().len() as u64, line["classes"].as_u64().unwrap());
        let inspected = json(folder.path(), &["inspect", &file]);
        let shape: Vec<String> =
            inspected["input"]["shape"].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(shape.join("x"), line["shape"].as_str().unwrap(), "{name}");
    }
}
