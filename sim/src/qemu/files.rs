//! Files that pass between laptop and firmware.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol};
use tempfile::TempDir;

use super::QemuError;
use crate::Rows;

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
/// `bitfab_board_bench::Images` is the reader.
pub fn images_file(rows: &Images<'_>, counted: usize, digests: bool) -> Vec<u8> {
    let header = [rows.images.len() as u32, rows.bytes as u32, counted as u32, u32::from(digests) | rows.flags];
    let mut file = b"bfim".to_vec();
    file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(rows.images.iter().flat_map(|image| image.iter()));
    file
}

/// Rows as the firmware takes them.
#[derive(Debug)]
pub struct Images<'a> {
    /// What the values are, as bits of the last word of the header.
    pub flags: u32,
    /// Bytes of the longest.
    pub bytes: usize,
    /// Their little-endian bytes.
    pub images: Vec<Cow<'a, [u8]>>,
}

impl<'a> Images<'a> {
    /// The bytes of rows.
    pub fn new(rows: Rows<'a>) -> Self {
        let (flags, images): (u32, Vec<Cow<'a, [u8]>>) = match rows {
            Rows::Bytes(rows) => (0, rows.iter().map(|row| Cow::Borrowed(*row)).collect()),
            Rows::Real(rows) => {
                (2, rows.iter().map(|row| row.iter().flat_map(|x| x.to_le_bytes()).collect()).collect())
            }
            Rows::Counts(rows) => {
                (4, rows.iter().map(|row| row.iter().flat_map(|x| x.to_le_bytes()).collect()).collect())
            }
        };
        let bytes = images.iter().map(|image| image.len()).max().unwrap_or(0);
        Self { flags, bytes, images }
    }

    /// The rows in parts of at most `count`.
    pub fn parts(&self, count: usize) -> impl Iterator<Item = Self> {
        self.images.chunks(count).map(|images| Self { images: images.to_vec(), ..*self })
    }
}

/// Bytes of the header of [`images_file`].
pub const IMAGES_HEADER: usize = 20;
