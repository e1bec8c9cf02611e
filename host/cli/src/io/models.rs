//! Model files that a command is given.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab::ModelFile;

use super::files;

/// Which model, and at which precision.
#[derive(Debug, clap::Args)]
pub struct ModelArgument {
    /// The model file.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Use at most this many planes of a file of several precisions [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub planes: Option<u32>,
}

impl ModelArgument {
    /// Reads and checks the file.
    pub fn open(&self) -> Result<ModelFile> {
        let file = read(&self.model)?;
        let Some(planes) = self.planes else { return Ok(file) };
        ensure!(file.has_planes(), "{} has no layers of planes; leave out --planes", self.model.display());
        Ok(file.with_planes(planes))
    }
}

/// Reads and checks a file.
pub fn read(path: &Path) -> Result<ModelFile> {
    ensure!(!path.is_dir(), "{} is a folder, not a model file", path.display());
    let bytes = files::read(path).context("no model file (`bitfab compile` makes one)")?;
    ModelFile::from_bytes(&bytes).with_context(|| {
        format!("{} ({} bytes) is refused; make it again by `bitfab compile`", path.display(), bytes.len())
    })
}
