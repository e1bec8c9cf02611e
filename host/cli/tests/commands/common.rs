//! What the tests of the commands share: a folder with a small model that was learned from the digits, and other
//! people's models.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// The command in `folder`.
pub fn bitfab(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("bitfab").unwrap();
    command.current_dir(folder).timeout(Duration::from_secs(300));
    command
}

/// Runs a command that must succeed and print JSON.
pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = bitfab(folder).args(arguments).arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

/// A folder with `net.graph` and `net.bfab`, and what training said.
pub struct Learned {
    folder: tempfile::TempDir,
    /// Summary of `bitfab train`.
    pub summary: Value,
}

impl Learned {
    /// Learns `arch` for two epochs.
    pub fn new(arch: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let train = ["train", "--data", "digits", "--arch", arch, "--epochs", "2", "-o", "net.graph"];
        let summary = json(folder.path(), &train);
        bitfab(folder.path()).args(["compile", "net.graph", "-o", "net.bfab"]).assert().success();
        Self { folder, summary }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.file(name), bytes).unwrap();
    }

    /// The bytes of a file in the folder.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }
}

/// The engines that other people's models are run on.
pub const EVERY_ENGINE: &str = "reference,kernels,runtime,cycle-model,rtl,verilator,icarus,qemu-m4";

/// A file that `tests/run --install` fetched, or made from what it fetched.
pub fn fetched(file: &str) -> String {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models");
    let folder = std::env::var_os("BITFAB_MODELS").map_or(default, PathBuf::from);
    let path = folder.join(file);
    assert!(path.is_file(), "{} is missing: fetch it by tests/run --install", path.display());
    path.canonicalize().unwrap().to_str().unwrap().into()
}

/// Imports `source` to `model.bfab` in a new folder.
pub fn import(source: &str, input: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    bitfab(folder.path()).args(["import", source, "-o", "model.bfab"]).args(input).assert().success();
    folder
}

/// Engines on rows of `data`, and the source's floats; all must agree in every tensor.
pub fn agree(folder: &Path, data: &[&str], source: &str, input: &[&str], limit: &str, engines: &str, subset: &str) {
    let command =
        ["verify", "model.bfab", "--source", source, "--limit", limit, "--engines", engines, "--subset", subset];
    let outcome = json(folder, &[&command[..], data, input].concat());
    let verdicts = outcome["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), engines.split(',').count() + 1, "{outcome}");
    for verdict in verdicts {
        assert_eq!(verdict["agreeing"], verdict["images"], "{verdict}");
        assert!(verdict["tensors"].as_u64().unwrap() > 0, "{verdict}");
        if !verdict["instructions"].is_null() {
            println!("{}: {} instructions an inference", verdict["engine"], verdict["instructions"]);
        }
    }
}

/// How many rows the runtime has right.
pub fn correct(folder: &Path, data: &[&str]) -> u64 {
    json(folder, &[&["eval", "model.bfab"], data].concat())["correct"].as_u64().unwrap()
}

/// A NumPy array with a header of version 1.
pub fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\x00", &(padded.len() as u16).to_le_bytes()[..], padded.as_bytes(), values].concat()
}
