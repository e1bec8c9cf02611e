//! Files of others: which one, how rows enter it, and reading it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab::import::{Entry, Prepared, Source, Start, layers, onnx, tflite};
use bitfab::{CALIBRATION, Origin};

use super::files;
use super::inputs::DataArgument;
use crate::show::bars;

/// The source of an imported model.
#[derive(Debug, clap::Args)]
pub struct OriginArguments {
    /// The file that the model was imported from: its float arithmetic is compared too, node by node.
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// The model was imported by --nearest: change the file as the import did, by rows of the same --data.
    #[arg(long, requires = "source")]
    nearest: bool,
    /// The rows by which the import measured ranges, for --nearest and real values [default: those of --data].
    #[arg(long, value_name = "DATA", requires = "source")]
    ranges: Option<String>,
    #[command(flatten)]
    map: Map,
}

/// How bytes become the source's input.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Map {
    /// What rows are: bytes and what one is worth (u8/255 for pictures from 0 to 1, u8, i8, i8*0.25, u8-128/128), or
    /// `values`, real values as the file takes them, which the model's codings turn into bytes
    /// [default: the integers of the quantiser that the model begins with; behind arithmetic, or measured by --nearest,
    /// real values].
    #[arg(long, value_name = "MAP|values")]
    pub input: Option<Entry>,
}

impl OriginArguments {
    /// Reads and lowers the source, if one is named.
    pub fn open(&self, from: &DataArgument) -> Result<Option<Origin>> {
        ensure!(self.source.is_some() || self.map.input.is_none(), "--input belongs to --source FILE");
        let Some(path) = self.source.as_deref() else { return Ok(None) };
        let file = || path.display().to_string();
        let ranges = self.ranges.as_ref().map(|data| DataArgument { data: data.clone(), ..from.clone() });
        let from = ranges.as_ref().unwrap_or(from);
        let prepared = prepare(path, self.map, Some(from).filter(|_| self.nearest || self.map.is_values()))?;
        let imported = if self.nearest {
            let rows = from.calibration(&prepared, CALIBRATION).with_context(file)?;
            bitfab::nearest(&prepared, Some(&rows), &bars::follow()).with_context(file)?.0
        } else {
            prepared.clone().lower().with_context(file)?
        };
        let is_measured = self.ranges.is_none() && self.nearest;
        Origin::new(prepared, imported, is_measured).with_context(file).map(Some)
    }
}

impl Map {
    /// Whether rows are said to be real values.
    pub fn is_values(self) -> bool {
        self.input == Some(Entry::Values)
    }
}

/// Reads a file and finds where bytes enter it; the range of real values is measured on rows of `from`.
pub fn prepare(path: &Path, map: Map, from: Option<&DataArgument>) -> Result<Prepared> {
    let file = || path.display().to_string();
    let start = Start::new(read(path)?, map.input).with_context(file)?;
    let rows = match (from, start.wants().with_context(file)?) {
        (Some(from), Some(shape)) => from.values(shape, CALIBRATION)?,
        _ => Vec::new(),
    };
    bitfab::prepare(start, &rows).with_context(file)
}

/// Reads a TFLite file, an ONNX file and the data files beside it, or a description in TOML and the `.npz` of its name.
fn read(path: &Path) -> Result<Source> {
    let bytes = files::read(path)?;
    let is_tflite = bytes.get(4..8) == Some(b"TFL3") || path.extension().is_some_and(|extension| extension == "tflite");
    if is_tflite {
        return tflite::read(&bytes).with_context(|| path.display().to_string());
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not text", path.display()))?;
        let arrays = files::read(&path.with_extension("npz")).context("the weights that it describes")?;
        return layers::read(&text, &arrays).with_context(|| path.display().to_string());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut external = |name: &str| std::fs::read(folder.join(name));
    onnx::read(bytes, &mut external).with_context(|| path.display().to_string())
}
