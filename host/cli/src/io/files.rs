//! Files of the user that are read.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
