//! The file that a model was imported from, as an oracle beside the engines.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bitfab::compile::{Rounded, Worth};
use bitfab::format::{Kind, Model};
use bitfab::graph::ByteKind;
use bitfab::import::{
    Agreement, Difference, Entry, Imported, Prepared, Said, Source, Start, Stated, layers, onnx, tflite,
};
use bitfab::sim::software::output_values;
use bitfab::sim::verify::Verdict;
use bitfab::sim::{Evidence, Run};
use rayon::prelude::*;

use crate::commands::import;
use crate::commands::verify::Timed;
use crate::io::files;
use crate::io::inputs::{From, Inputs};
use crate::nearest;
use crate::show::bars;

/// The source of an imported model.
#[derive(Debug, clap::Args)]
pub struct Arguments {
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

/// A source and what it was lowered to.
#[derive(Debug)]
pub struct Origin {
    prepared: Prepared,
    imported: Imported,
    /// What its compilation rounds.
    rounded: Vec<Rounded>,
    /// Ranges were measured on the rows that are judged, which need not be those of the import.
    is_measured: bool,
}

impl Arguments {
    /// Reads and lowers the source, if one is named.
    pub fn open(&self, from: &From) -> Result<Option<Origin>> {
        ensure!(self.source.is_some() || self.map.input.is_none(), "--input belongs to --source FILE");
        let Some(path) = self.source.as_deref() else { return Ok(None) };
        let ranges = self.ranges.as_ref().map(|data| From { data: data.clone(), ..from.clone() });
        let from = ranges.as_ref().unwrap_or(from);
        let prepared = prepare(path, self.map, Some(from).filter(|_| self.nearest || self.map.is_values()))?;
        let imported = if self.nearest {
            nearest::import(&prepared, Some(from)).map(|(imported, _)| imported)
        } else {
            prepared.clone().lower().map_err(Into::into)
        };
        let imported = imported.with_context(|| path.display().to_string())?;
        let rounded = import::compile(&imported).with_context(|| path.display().to_string())?.rounded;
        Ok(Some(Origin { prepared, imported, rounded, is_measured: self.ranges.is_none() && self.nearest }))
    }
}

impl Map {
    /// Whether rows are said to be real values.
    pub fn is_values(self) -> bool {
        self.input == Some(Entry::Values)
    }
}

/// Reads a file and finds where bytes enter it; the range of real values is measured on rows of `from`.
pub fn prepare(path: &Path, map: Map, from: Option<&From>) -> Result<Prepared> {
    let file = || path.display().to_string();
    let mut start = Start::new(read(path)?, map.input).with_context(file)?;
    if let (Some(from), Some(shape)) = (from, start.wants().with_context(file)?) {
        for row in from.values(shape, nearest::CALIBRATION)? {
            start.see(&row).with_context(file)?;
        }
    }
    start.prepare().with_context(file)
}

impl Origin {
    /// Compares the oracle with the reference's runs, as if it were an engine.
    ///
    /// Of real values, each byte is first compared with that of the file's own quantiser.
    pub fn judge(&self, model: &Model<'_>, inputs: &Inputs, runs: &[Run]) -> Result<Timed> {
        let hint = "ranges were measured on these rows: if the import measured others, name them by --ranges";
        let judged = self.judge_rows(model, inputs, runs);
        if self.is_measured { judged.context(hint) } else { judged }
    }

    fn judge_rows(&self, model: &Model<'_>, inputs: &Inputs, runs: &[Run]) -> Result<Timed> {
        let rows = &inputs.rows()[..];
        let coded = self.judge_codings(inputs)?;
        let (start, bar, count) = (Instant::now(), bars::rows("source", rows.len()), AtomicUsize::new(0));
        let said = self.said(model)?;
        let one = |(row, run): (&&[u8], &Run)| -> Result<Result<Agreement, Box<Difference>>> {
            let result = self.compare(model, row, run, &said);
            bar.set_position(count.fetch_add(1, Ordering::Relaxed) as u64 + 1);
            result
        };
        let results: Result<Vec<_>> = rows.par_iter().zip(runs).map(one).collect();
        bar.finish_and_clear();
        let results = results?;
        let first =
            results.iter().enumerate().find_map(|(image, result)| result.as_ref().err().map(|why| (image, why)));
        if let Some((image, why)) = first {
            bail!("image {image} differs from its source: {why}");
        }
        let agreements = || results.iter().filter_map(|result| result.as_ref().ok());
        let verdict = Verdict {
            engine: "source".into(),
            images: rows.len(),
            agreeing: rows.len(),
            tensors: agreements().map(|one| one.tensors).sum(),
            first: None,
            cycles: None,
            instructions: None,
        };
        let neighbours = Some(coded + agreements().map(|one| one.neighbours).sum::<usize>());
        Ok(Timed { verdict, seconds: start.elapsed().as_secs_f64(), neighbours })
    }

    /// How many bytes of real values are neighbours of those that the file's own quantiser gives.
    fn judge_codings(&self, inputs: &Inputs) -> Result<usize> {
        let kind = self.imported.graph.input_kind;
        let (rows, mut neighbours) = (inputs.rows(), 0);
        for (image, (values, bytes)) in inputs.reals().into_iter().flatten().zip(rows).enumerate() {
            let Some(own) = self.prepared.integers(values)? else { break };
            for (at, (&byte, own)) in bytes.iter().zip(own).enumerate() {
                let byte = if kind == ByteKind::I8 { i64::from(byte as i8) } else { i64::from(byte) };
                let value = values[at];
                let off = byte.abs_diff(own);
                ensure!(
                    off <= 1,
                    "image {image} differs from its source: value {at}, {value}, is the byte {byte}, the file has {own}"
                );
                neighbours += off as usize;
            }
        }
        Ok(neighbours)
    }

    /// What a user is told: what the output stands for by the file, and what was rounded by the import.
    fn said(&self, model: &Model<'_>) -> Result<Said> {
        let (mut error, mut neighbours) = (0, std::collections::BTreeSet::new());
        for rounded in &self.rounded {
            match rounded {
                Rounded::Scores { units, .. } => error = *units,
                Rounded::Levels { node, .. } => drop(neighbours.insert(node.clone())),
                _ => {}
            }
        }
        let worth = Worth::of(model);
        let is_said = worth.is_some() || model.output().kind != Kind::I32;
        ensure!(is_said, "the model does not say what its scores are worth; import it again");
        let output = worth.map(|Worth { unit, constant }| Stated { unit, constant, error });
        Ok(Said { neighbours, output })
    }

    /// One row through the oracle.
    fn compare(
        &self,
        model: &Model<'_>,
        row: &[u8],
        run: &Run,
        said: &Said,
    ) -> Result<Result<Agreement, Box<Difference>>> {
        let Evidence::Tensors(tensors) = &run.evidence else { bail!("the reference shows no tensors") };
        let integers = |name: &str| {
            let layer = model.layers().find(|layer| layer.name == name)?;
            Some(output_values(&layer, &tensors[usize::from(layer.index)]))
        };
        Ok(self.imported.compare(row, &integers, said)?)
    }
}

/// Reads a TFLite file, an ONNX file and the data files beside it, or a description in TOML and the `.npz` of its name.
pub fn read(path: &Path) -> Result<Source> {
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
