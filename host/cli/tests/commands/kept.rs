//! Nothing is lost by accident: files of another kind, checkpoints of unfinished runs, runs that are under way.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use crate::common::{Learned, bitfab, json};

const TRAIN: [&str; 7] = ["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "2"];

/// Learning that takes its two epochs.
fn train(folder: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    bitfab(folder).args(TRAIN).args(more).assert()
}

/// Starts learning for very long and waits until it has a checkpoint.
fn start(folder: &Path, output: &str) -> Child {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("bitfab"));
    command
        .current_dir(folder)
        .args(["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "90000", "-o", output]);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let (begin, checkpoint) = (Instant::now(), folder.join(format!("{output}.checkpoint")));
    while !checkpoint.exists() {
        assert!(begin.elapsed() < Duration::from_secs(120), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_model_is_compiled_at_once_and_its_network_kept_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let said = train(folder.path(), &["-o", "net.bfab"]).success();
    said.stdout(contains("model: net.bfab").and(contains("network: net.graph")));
    bitfab(folder.path()).args(["compile", "net.graph", "-o", "by_hand.bfab"]).assert().success();
    let [a, b] = ["net.bfab", "by_hand.bfab"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
    assert!(a == b, "compiled in another way");
    let summary = json(folder.path(), &[&TRAIN[..], &["-o", "net.bfab"]].concat());
    assert_eq!((&summary["output"], &summary["graph"]), (&"net.bfab".into(), &"net.graph".into()));
    let eval = json(folder.path(), &["eval", "net.bfab", "--data", "digits"]);
    assert_eq!(eval["correct"], summary["correct"], "train says what eval says");
    let said = train(folder.path(), &["-o", "other.graph"]).success();
    said.stdout(contains("network: other.graph").and(contains("model:").not()));
    assert!(!folder.path().join("other.bfab").exists());
}

/// Commands, and the file of another kind that each would replace.
const CASES: [(&[&str], &str); 17] = [
    (&["train", "-o", "net.bfab.copy"], "net.bfab.copy"),
    (&["train", "-o", "file.bfab"], "file.bfab"),
    (&["train", "-o", "of.bfab"], "of.graph"),
    (&["train", "-o", "new.graph", "--checkpoint", "file"], "file"),
    (&["train", "-o", "new.graph", "--checkpoint", "file", "--restart"], "file"),
    (&["train", "-o", "new.graph", "--log", "file"], "file"),
    (&["train", "-o", "new.graph", "--log", "file.csv"], "file.csv"),
    (&["compile", "net.graph", "-o", "file.bfab"], "file.bfab"),
    (&["compile", "net.graph", "-o", "net.graph"], "net.graph"),
    (&["compile", "net.graph", "--update", "net.bfab", "-o", "net.bfab"], "net.bfab"),
    (&["import", "net.bfab", "-o", "file.graph"], "file.graph"),
    (&["import", "net.bfab", "-o", "file.bfab"], "file.bfab"),
    (&["import", "net.bfab", "-o", "new.graph", "--picture", "file.svg"], "file.svg"),
    (&["import", "net.bfab", "-o", "new.graph", "--picture", "file.png"], "file.png"),
    (&["run", "net.bfab", "--input", "x.npy", "-o", "file.npy"], "file.npy"),
    (&["verilog", "net.bfab", "-o", "folder"], "folder/bitfab.v"),
    (
        &[
            "bench",
            "methods",
            "--data",
            "digits",
            "--arch",
            "mlp:8",
            "--epochs",
            "1",
            "--seeds",
            "1",
            "--only",
            "bnn",
            "--no-instructions",
            "--out",
            "folder",
        ],
        "folder/bnn-1.json",
    ),
];

#[test]
fn no_command_writes_over_a_file_of_another_kind() {
    let learned = Learned::new("mlp:8");
    let notes = b"my notes, 1.0, of the lab\n";
    std::fs::create_dir(learned.file("folder")).unwrap();
    learned.write("net.bfab.copy", &learned.read("net.bfab"));
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 64), }";
    learned
        .write("x.npy", &[&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), &[3; 64]].concat());
    for (words, file) in CASES {
        let path = learned.file(file);
        if !path.exists() {
            std::fs::write(&path, notes).unwrap();
        }
        let before = std::fs::read(&path).unwrap();
        let more: &[&str] = if words[0] == "train" { &TRAIN[1..] } else { &[] };
        let run = bitfab(learned.path()).args(words).args(more).assert().code(1);
        run.stderr(contains(file).and(contains("is not")).and(contains("panicked").not()));
        assert!(std::fs::read(&path).unwrap() == before, "{words:?} changed {file}");
        assert!(!learned.file("new.graph").exists(), "{words:?}");
    }
    train(learned.path(), &["-o", "file.bfab", "--force"]).success();
    assert!(learned.read("file.bfab").starts_with(b"bfab"));
    train(learned.path(), &["-o", "net.bfab"]).success();
}

#[test]
fn one_file_has_one_part_in_a_command() {
    let learned = Learned::new("mlp:8");
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 64), }";
    let rows = [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), &[3; 64]].concat();
    learned.write("x.npy", &rows);
    let run = bitfab(learned.path()).args(["run", "net.bfab", "--data", "x.npy", "-o", "./x.npy"]).assert().code(1);
    run.stderr(contains("for --data and for -o"));
    assert!(learned.read("x.npy") == rows);
    for more in [
        ["-o", "a.graph", "--log", "a.graph"],
        ["-o", "a.bfab", "--log", "./a.graph"],
        ["-o", "a.graph", "--checkpoint", "a.graph"],
    ] {
        train(learned.path(), &more).code(1).stderr(contains("choose different files"));
    }
    #[cfg(unix)]
    {
        let _socket = std::os::unix::net::UnixListener::bind(learned.file("socket")).unwrap();
        for more in [&["-o", "socket"][..], &["-o", "socket", "--force"]] {
            train(learned.path(), more).code(1).stderr(contains("no ordinary file"));
        }
    }
}

#[test]
fn an_unfinished_run_is_kept_until_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), "net.graph");
    child.kill().unwrap();
    child.wait().unwrap();
    let checkpoint = folder.path().join("net.graph.checkpoint");
    let before = std::fs::read(&checkpoint).unwrap();
    let said = contains("unfinished run")
        .and(contains("of 90000 epochs"))
        .and(contains("--resume"))
        .and(contains("--restart"));
    train(folder.path(), &["-o", "net.graph"]).code(1).stderr(said);
    train(folder.path(), &["-o", "net.graph", "--resume"])
        .code(1)
        .stderr(contains("another epochs").and(contains("--restart")));
    assert!(std::fs::read(&checkpoint).unwrap() == before, "the checkpoint has changed");
    train(folder.path(), &["-o", "net.graph", "--resume", "--restart"]).code(2);
    train(folder.path(), &["-o", "net.graph", "--restart"]).success();
    assert!(!checkpoint.exists());
    std::fs::write(&checkpoint, &before[..before.len() / 2]).unwrap();
    train(folder.path(), &["-o", "net.graph"])
        .code(1)
        .stderr(contains("may be").and(contains("checksum")).and(contains("--restart")));
    assert!(checkpoint.exists());
}

#[cfg(unix)]
#[test]
fn two_runs_with_one_output_do_not_share_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), "net.graph");
    for more in [
        &["-o", "net.graph"][..],
        &["-o", "net.graph", "--restart"],
        &["-o", "net.graph", "--resume"],
        &["-o", "x.graph", "--checkpoint", "net.graph.checkpoint"],
    ] {
        let said = contains("another run is under way").and(contains("net.graph.checkpoint.lock"));
        train(folder.path(), more).code(1).stderr(said);
    }
    train(folder.path(), &["-o", "other.graph"]).success();
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(folder.path().join("net.graph.checkpoint").exists());
    assert!(!folder.path().join("net.graph.checkpoint.lock").exists());
}

#[test]
fn what_one_answer_would_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24
    };
    let row = |at: usize, noise: &mut dyn FnMut() -> u32| {
        format!("{},{},{}\n", noise(), noise(), if at.is_multiple_of(10) { "fall" } else { "walk" })
    };
    let table: String = (0..600).map(|at| row(at, &mut noise)).collect();
    std::fs::write(folder.path().join("table.csv"), table).unwrap();
    let words = ["train", "--data", "table.csv", "--arch", "mlp:8", "--epochs", "3", "-o", "net.bfab"];
    let said = bitfab(folder.path()).args(words).assert().success();
    let imbalance = contains("warning: the classes are unbalanced").and(contains("--class-weights balanced"));
    said.stderr(imbalance.and(contains("warning: always answering")));
    let summary = json(folder.path(), &words);
    assert_eq!(summary["warnings"].as_array().unwrap().len(), 2, "{summary}");
    assert_eq!(summary["test"]["classes"].as_array().unwrap().len(), 2);
    let weighed = json(folder.path(), &[&words[..], &["--class-weights", "balanced"]].concat());
    assert_eq!(weighed["config"]["class_weights"], "balanced");
    let unbalanced = |one: &serde_json::Value| one.as_str().unwrap().contains("unbalanced");
    assert!(!weighed["warnings"].as_array().unwrap().iter().any(unbalanced), "{weighed}");
    let listed = bitfab(folder.path()).args(words).args(["--class-weights", "1,2,3"]).assert().code(1);
    listed.stderr(contains("3 numbers for 2 classes"));
}

#[test]
fn patience_ends_a_run_and_says_which_epoch_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["train", "--data", "digits", "--arch", "mlp:16", "--epochs", "500", "--rate", "0.05", "-o", "net.graph"];
    let summary = json(folder.path(), &[&words[..], &["--patience", "2"]].concat());
    let (epochs, kept) = (summary["epochs"].as_u64().unwrap(), summary["kept_epoch"].as_u64().unwrap());
    assert!(epochs < 500 && epochs == kept + 2, "{epochs}, {kept}");
    let none = bitfab(folder.path()).args(words).args(["--patience", "2", "--validation", "0"]).assert().code(1);
    none.stderr(contains("patience").and(contains("validation")));
}
