//! What must hold across rooms: places and files of the repository that the tests look at.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Every file that git tracks or would track, relative to the root.
///
/// # Errors
/// If git is not installed or this is not a checkout.
pub fn files() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = git.output().context("git lists the files of the repository: install the Debian package git")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let listing = String::from_utf8(output.stdout)?;
    // A file that was just deleted is still listed until it is committed.
    Ok(listing.lines().filter(|file| root().join(file).is_file()).map(str::to_owned).collect())
}

/// The text of a file of the repository.
///
/// # Errors
/// If it is not there or not UTF-8.
pub fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(root().join(file)).with_context(|| format!("reading {file}"))
}
