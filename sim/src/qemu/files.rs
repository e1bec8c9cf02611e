//! Files that pass between laptop and firmware.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol};
use tempfile::TempDir;

use super::QemuError;

/// Names the file in an I/O error.
pub fn in_file(path: &Path) -> impl FnOnce(io::Error) -> QemuError {
    move |source| QemuError::Io { path: path.into(), source }
}

/// A folder that is removed with its contents when it is dropped.
pub fn scratch() -> Result<TempDir, QemuError> {
    tempfile::tempdir().map_err(in_file(&std::env::temp_dir()))
}

/// Firmware and where its linker script put things.
#[derive(Debug)]
pub struct Firmware {
    /// The ELF file.
    pub path: PathBuf,
    /// The model partition.
    pub model: Range<u32>,
    /// The image partition.
    pub images: Range<u32>,
    /// The room of the stack; it grows down from the end.
    pub stack: Range<u32>,
}

impl Firmware {
    /// Reads the symbols of an ELF file.
    pub fn read(path: PathBuf) -> Result<Self, QemuError> {
        let bytes = fs::read(&path).map_err(in_file(&path))?;
        let wrong = |what: String| QemuError::Elf { path: path.clone(), what };
        let file = object::File::parse(&*bytes).map_err(|error| wrong(error.to_string()))?;
        let symbols: HashMap<&str, u64> =
            file.symbols().filter_map(|symbol| Some((symbol.name().ok()?, symbol.address()))).collect();
        let address = |name: &str| match symbols.get(name).map(|&address| u32::try_from(address)) {
            Some(Ok(address)) => Ok(address),
            _ => Err(wrong(format!("no symbol `{name}`: memory.x must define it"))),
        };
        let model = address("__model_start")?..address("__model_end")?;
        let images = address("__images_start")?..address("__images_end")?;
        let stack = address("__ebss")?..address("_stack_start")?;
        Ok(Self { path, model, images, stack })
    }
}

/// The file of images that the firmware reads: five words, then the images.
///
/// `bitfab_board::Images` is the reader.
pub fn images_file(images: &[&[u8]], counted: usize, digests: bool) -> Vec<u8> {
    let bytes = images.first().map_or(0, |image| image.len());
    let header = [images.len() as u32, bytes as u32, counted as u32, u32::from(digests)];
    let mut file = b"bfim".to_vec();
    file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(images.iter().copied().flatten());
    file
}

/// Bytes of the header of [`images_file`].
pub const IMAGES_HEADER: usize = 20;
