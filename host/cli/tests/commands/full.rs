//! A result that could not be printed is a failure of every command; a reader who wants no more is none.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Learned, bitfab};

/// Each command as it prints a result, in a folder with `net.graph`, `net.bfab`, `x.npy` and `layers.toml`.
const COMMANDS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["train", "--help"],
    &["demo", "--out", "demo"],
    &["data", "list"],
    &["data", "list", "--json"],
    &["data", "get", "digits"],
    &["data", "get", "digits", "--json"],
    &["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "1", "-o", "new.graph"],
    &["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "1", "-o", "new.bfab", "--json"],
    &["import", "layers.toml", "--explain"],
    &["import", "layers.toml", "--json"],
    &["compile", "net.graph", "-o", "again.bfab"],
    &["compile", "net.graph", "-o", "again.bfab", "--json"],
    &["inspect", "net.bfab"],
    &["inspect", "net.bfab", "--json"],
    &["eval", "net.bfab", "--data", "digits"],
    &["eval", "net.bfab", "--data", "digits", "--json"],
    &["verify", "net.bfab", "--data", "digits", "--limit", "1", "--engines", "runtime"],
    &["verify", "net.bfab", "--data", "digits", "--limit", "1", "--engines", "runtime", "--json"],
    &["verilog", "net.bfab", "-o", "verilog"],
    &["synth", "net.bfab", "--target", "up5k", "--seeds", "1", "--lanes", "1", "--json"],
    &[
        "bench",
        "methods",
        "--data",
        "digits",
        "--arch",
        "mlp:8",
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--only",
        "bnn",
        "--no-instructions",
    ],
    &[
        "bench",
        "methods",
        "--data",
        "digits",
        "--arch",
        "mlp:8",
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--only",
        "bnn",
        "--no-instructions",
        "--json",
    ],
    &["run", "net.bfab", "--input", "x.npy", "-o", "y.npy"],
    &["bitstream", "net.bfab", "--board", "icebreaker", "--clock", "12", "--seeds", "1", "-o", "bits"],
    &["new", "net.bfab", "--board", "pico", "-o", "app"],
    &["uf2", "pico", "-o", "pico.uf2"],
    &["cosim", "--help"], // its result takes minutes
];

/// A dense layer of signs on two bytes.
const LAYERS: &str = r#"
framework = "keras"
[input]
shape = [2]
bytes = "u8/255"
[[layer]]
kind = "dense"
name = "scores"
weights = "w"
quantizer = { kind = "binary" }
"#;

/// The names of all commands, as the help lists them.
fn names() -> BTreeSet<String> {
    let help = bitfab(Path::new(".")).arg("--help").assert().success();
    let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
    names.filter(|name| !name.is_empty() && name != "help").collect()
}

fn folder() -> Learned {
    let learned = Learned::new("mlp:8");
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 64), }";
    let array = [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), &[3; 64]].concat();
    learned.write("x.npy", &array);
    learned.write("layers.toml", LAYERS.as_bytes());
    learned.write("pico", &crate::uf2::program());
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    let weights = [1f32, -1.0, 1.0, 1.0].map(f32::to_le_bytes).concat();
    let array = [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{header:<117}\n").as_bytes(), &weights].concat();
    let mut archive = zip::ZipWriter::new(File::create(learned.file("layers.npz")).unwrap());
    archive.start_file("w.npy", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&array).unwrap();
    archive.finish().unwrap();
    learned
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_a_failure_of_every_command() {
    let learned = folder();
    let tested: BTreeSet<String> = COMMANDS.iter().map(|words| words[0].to_owned()).collect();
    let missing: Vec<String> = names().difference(&tested).cloned().collect();
    assert!(names().len() >= 12 && missing.is_empty(), "not tested: {missing:?}");
    for words in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("bitfab"));
        let output =
            command.current_dir(learned.path()).args(*words).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {message}");
        assert!(message.contains("error: cannot write to standard output"), "{words:?}: {message}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_no_result() {
    let learned = folder();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let run = |words: &[&str], is_ok: bool| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("bitfab"));
        let output = command.current_dir(learned.path()).args(words).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(if is_ok { 0 } else { 1 }), "{words:?}");
    };
    run(&["train", "--data", "digits", "--arch", "mlp:8", "--epochs", "2", "-o", "quiet.bfab"], true);
    run(&["inspect", "no.bfab"], false);
    assert!(learned.file("quiet.bfab").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_who_wants_no_more_ends_a_command_quietly() {
    let learned = folder();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("bitfab"));
    command.current_dir(learned.path()).args(["inspect", "net.bfab"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_ne!(output.status.code(), Some(1), "{}", output.status);
}
