//! The counting plugin: compiled when first needed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::files::{in_file, scratch};
use super::process;
use super::tool::Tool;
use super::{QemuError, target_folder};

const COMPILER: Tool = Tool { program: "cc", package: "gcc" };

const SOURCE: &str = include_str!("../../qemu/count.c");

/// The plugin's shared object under the target folder.
///
/// The file's name holds a digest of the source, so that a changed source is compiled again.
pub fn plugin() -> Result<PathBuf, QemuError> {
    let folder = target_folder()?;
    let digest = bitfab_format::digest(&bitfab_format::align(SOURCE.as_bytes()));
    let path = folder.join(format!("count-{digest:08x}.so"));
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(&folder).map_err(in_file(&folder))?;
    let scratch = scratch()?;
    let source = scratch.path().join("count.c");
    fs::write(&source, SOURCE).map_err(in_file(&source))?;
    // Compiled aside and renamed, so that nobody ever sees half a file; the name is free for each thread.
    let aside = tempfile::Builder::new().suffix(".so").tempfile_in(&folder).map_err(in_file(&folder))?.into_temp_path();
    let mut compiler = Command::new(COMPILER.program);
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&aside).arg(&source);
    let output = process::compile(&mut compiler, COMPILER)?;
    if !output.status.success() {
        return Err(QemuError::Plugin { output: String::from_utf8_lossy(&output.stderr).into() });
    }
    aside.persist(&path).map_err(|error| QemuError::Io { path: path.clone(), source: error.error })?;
    Ok(path)
}
