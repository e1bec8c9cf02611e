//! What the tests of the commands share: a folder with a small model that was learned from the digits.

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
