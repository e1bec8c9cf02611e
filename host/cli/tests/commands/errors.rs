//! Bad input: one clear message, the right exit code, nothing half-written.

use crate::common::{Learned, bitfab, npy};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

#[test]
fn damaged_models_are_refused_with_their_name_and_place() {
    let learned = Learned::new("mlp:16");
    let model = learned.read("net.bfab");
    let mut flipped = model.clone();
    flipped[200] ^= 4;
    let mut newer = model.clone();
    newer[4] = 0xff;
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let longer = [&model[..], &[0; 4]].concat();
    let cases: [(&[u8], &str); 8] = [
        (&[], "ends early"),
        (&model[..3], "ends early"),
        (&model[..model.len() - 1], "ends early"),
        (&model[..model.len() / 2], "ends early"),
        (&longer, "longer than"),
        (&flipped, "CRC-32"),
        (&noise, "not a bitfab model"),
        (&newer, "version"),
    ];
    for (bytes, reason) in cases {
        learned.write("bad.bfab", bytes);
        for command in [&["inspect"][..], &["eval", "--data", "digits"], &["verilog", "-o", "out"]] {
            let run = bitfab(learned.path()).args(command).arg("bad.bfab").assert().code(1);
            run.stderr(contains("bad.bfab").and(contains(reason)).and(contains("panicked").not()));
        }
    }
    assert!(!learned.file("out").exists());
}

#[test]
fn missing_files_and_folders_are_named() {
    let learned = Learned::new("mlp:16");
    let fails = |arguments: &[&str], parts: &[&str]| {
        let run = bitfab(learned.path()).args(arguments).assert().code(1);
        let message = String::from_utf8(run.get_output().stderr.clone()).unwrap();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    };
    fails(&["inspect", "no.bfab"], &["no.bfab", "bitfab compile"]);
    fails(&["inspect", "."], &["folder"]);
    fails(&["compile", ".", "-o", "x.bfab"], &["folder"]);
    fails(&["compile", "no.graph", "-o", "x.bfab"], &["no.graph", "bitfab train"]);
    fails(&["compile", "net.bfab", "-o", "x.bfab"], &["net.bfab", "not a network"]);
    fails(&["compile", "net.graph", "-o", "no/x.bfab"], &["no/x.bfab", "folder must exist"]);
    fails(&["compile", "net.graph", "-o", "net.graph"], &["net.graph", "is not a bitfab model"]);
    fails(&["eval", "net.bfab", "--data", "emnist"], &["emnist", "fashion-mnist", "FILE.csv"]);
    fails(&["run", "net.bfab", "--data", "no.npy", "-o", "y.npy"], &["no.npy"]);
    learned.write(
        "table.csv",
        b"1,2,3,a\n4,5,6,b\n7,8,9,a\n1,2,3,b\n4,5,6,a\n7,8,9,b\n1,2,3,a\n4,5,6,b\n7,8,9,a\n1,2,3,b\n",
    );
    fails(&["verify", "net.bfab", "--data", "table.csv"], &["table.csv", "columns of values, the model takes 64"]);
    assert!(!learned.file("x.bfab").exists());
}

#[test]
fn arrays_of_the_wrong_kind_are_refused_and_nothing_is_written() {
    let learned = Learned::new("mlp:16");
    let cut = npy("|u1", "(2, 64)", &[0; 127]);
    let cases: [(Vec<u8>, &str); 8] = [
        (npy("<f8", "(1, 64)", &[0; 512]), "round(x / STEP) + ZERO"),
        (npy("|i1", "(1, 64)", &[0; 64]), "+ 128).astype(numpy.uint8)"),
        (npy("|u1", "(1, 63)", &[0; 63]), "[1, 63]"),
        (npy("|u1", "()", &[0; 1]), "N x 64"),
        (npy("|u1", "(9223372036854775807, 64)", &[0; 64]), "damaged"),
        (npy("|O", "(1, 64)", &[0; 64]), "needs numbers"),
        (cut, "damaged"),
        (b"hello".to_vec(), ".npy"),
    ];
    for (array, reason) in cases {
        learned.write("x.npy", &array);
        let run = bitfab(learned.path()).args(["run", "net.bfab", "--input", "x.npy", "-o", "y.npy"]).assert().code(1);
        run.stderr(contains("x.npy").and(contains(reason)).and(contains("panicked").not()));
        assert!(!learned.file("y.npy").exists());
    }
    learned.write("x.npy", &npy("|u1", "(1, 64)", &[9; 64]));
    for more in [&["--window", "2"][..], &["--split", "person"], &["--label", "3"]] {
        let command = ["run", "net.bfab", "--data", "x.npy", "-o", "y.npy"];
        bitfab(learned.path())
            .args(command)
            .args(more)
            .assert()
            .code(1)
            .stderr(contains("x.npy").and(contains("leave out")));
    }
    learned.write("y.npy", b"my notes");
    let run = bitfab(learned.path()).args(["run", "net.bfab", "--input", "x.npy", "-o", "y.npy"]).assert().code(1);
    run.stderr(contains("y.npy exists and is not a NumPy array"));
    assert_eq!(learned.read("y.npy"), b"my notes");
}

#[test]
fn wrong_arguments_end_with_two_and_name_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |arguments: &[&str], part: &str| {
        bitfab(folder.path()).args(arguments).assert().code(2).stderr(contains(part));
    };
    wrong(&["eval", "m", "--data", "digits", "--engine", "kernel"], "kernels, runtime");
    wrong(&["verify", "m", "--data", "digits", "--engines", "rtl,gpu"], "no engine `gpu`");
    wrong(&["verify", "m", "--data", "digits", "--subset", "rtl"], "ENGINE=ROWS");
    wrong(&["verify", "m", "--data", "digits", "--subset", "rtl=0"], "from 1");
    wrong(&["verify", "m", "--data", "digits", "--limit", "0"], "--limit");
    wrong(&["verilog", "m", "-o", "d", "--lanes", "3"], "1, 2, 4, 8, 16 or 32");
    wrong(&["verilog", "m", "-o", "d", "--interface", "axi4"], "choose `plain` (valid, ready, last) or `axis`");
    wrong(&["synth", "m", "--target", "up6k"], "up5k, hx8k");
    wrong(&["demo", "--lanes", "64"], "1, 2, 4, 8, 16 or 32");
    wrong(&["inspekt"], "inspect");
    wrong(&[], "demo");
}

#[test]
fn every_command_shows_examples() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["demo", "data", "train", "compile", "inspect", "eval", "verify", "run", "verilog", "synth"] {
        bitfab(folder.path()).args([command, "--help"]).assert().success().stdout(contains("Examples:"));
    }
}
