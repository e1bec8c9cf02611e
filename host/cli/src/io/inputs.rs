//! The rows that a model is judged by: a part of a data set, or the user's own files.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bitfab::Inputs;
use bitfab::data::{Expected, Reading, Rows, Takes};
use bitfab::format::{Kind, Model};
use bitfab::graph::Shape;
use bitfab::import::Prepared;
use bitfab::train::TrainConfig;
use clap::ValueEnum;

use super::data::{Format, PartArgument, SplittingArguments, loaded};
use super::{files, npy};

/// Where rows come from.
#[derive(Clone, Debug, clap::Args)]
pub struct DataArgument {
    /// Real values in FILE.csv, .tsv, .txt, .dat, .npy or .npz, coded as the model says; all rows of it, or the test part
    /// of a known data set (`bitfab data list`) and of a FILE.npz that has one.
    /// Rows of FILE.npy are N x height x width x channels, or flat in that order.
    #[arg(long, value_name = "DATA")]
    pub data: String,
    #[command(flatten)]
    pub choice: Choice,
}

/// Which rows, and what their values are.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Choice {
    /// Which part of the rows [default: test where there are parts, else all].
    #[arg(long, value_name = "PART")]
    pub part: Option<PartArgument>,
    /// What the values are: real values, the model's bytes, or raw counts of the sensor.
    #[arg(long = "as", value_name = "WHAT", default_value = "values")]
    pub meaning: Meaning,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub splitting: SplittingArguments,
}

/// What the values of rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Meaning {
    /// Real values, which the model's codings turn into bytes.
    #[default]
    Values,
    /// Bytes as the model takes them.
    Bytes,
    /// Raw counts of the sensor, whole numbers of 16 bits.
    Counts,
}

impl DataArgument {
    /// Rows of a data set or file, read as is the default.
    pub fn of(data: &str, format: &Format) -> Self {
        Self { data: data.into(), choice: Choice { format: format.clone(), ..Choice::default() } }
    }

    /// Reads at most `limit` rows that fit `model`, and says what a person should know of them.
    ///
    /// `path` is the model's file, beside which its graph may lie, with all fingerprints of rows.
    pub fn load(&self, model: &Model<'_>, path: Option<&Path>, limit: Option<usize>) -> Result<Inputs> {
        let graph = path.and_then(|path| std::fs::read(path.with_extension("graph")).ok());
        let takes = bitfab::takes(model, graph.as_deref());
        let is_bytes = takes.codings.is_empty() || self.choice.meaning == Meaning::Bytes;
        if self.is_array() && self.choice.part.is_none() && is_bytes {
            return self.bytes(model, limit);
        }
        let inputs = Inputs::new(self.rows(&takes)?, &takes, self.choice.meaning.into(), limit)?;
        inputs.notes.iter().for_each(|note| note!("note: {note}"));
        inputs.warnings().iter().for_each(|warning| note!("warning: {warning}"));
        Ok(inputs)
    }

    /// Whether the file is a NumPy array.
    fn is_array(&self) -> bool {
        Path::new(&self.data).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
    }

    /// The rows as they were read for a model.
    fn rows(&self, takes: &Takes) -> Result<Rows> {
        let expected = self.expected(takes);
        let (part, splitting) = (self.choice.part.map(Into::into), self.choice.splitting.value());
        let loaded = loaded(&self.data, &self.choice.format, splitting.split.as_slice(), Some(expected))?;
        Ok(loaded.part(part, &splitting, f64::from(TrainConfig::default().validation))?)
    }

    /// What the file must have for a model.
    pub fn expected(&self, takes: &Takes) -> Expected {
        let mut expected = takes.expected();
        if self.choice.format.has_windows() {
            // Rows of the file are samples; names of a model of windows are those of its channels.
            let channels = takes.shape.channels as usize;
            expected.width = channels;
            expected.names = if takes.names.len() == channels { takes.names.clone() } else { Vec::new() };
        }
        expected
    }

    /// Bytes of an array, as the model takes them.
    fn bytes(&self, model: &Model<'_>, limit: Option<usize>) -> Result<Inputs> {
        let path = Path::new(&self.data);
        let Choice { format, splitting, .. } = &self.choice;
        format.no_table(&self.data)?;
        let is_plain = format.windowing().options(None)?.is_none() && !splitting.value().is_asked();
        ensure!(is_plain, "{} holds rows of bytes as the model takes them: leave out --window and --split", self.data);
        let Takes { shape, kind, .. } = Takes::of_model(model);
        let rows = npy::rows(&files::read(path)?, shape, kind).with_context(|| path.display().to_string())?;
        let all = rows.slices();
        let count = limit.unwrap_or(usize::MAX).min(all.len());
        let labels = self.choice.format.labels.as_deref().map(|path| -> Result<Vec<usize>> {
            let labels = npy::classes(&files::read(path)?).with_context(|| path.display().to_string())?;
            ensure!(labels.len() == all.len(), "{} classes for {} rows", labels.len(), all.len());
            Ok(labels[..count].to_vec())
        });
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        Ok(Inputs::from_bytes(&name, model, &all[..count], labels.transpose()?)?)
    }

    /// Rows to measure the ranges of tensors by, as bytes: of the part to learn from where there are two, at most `limit`.
    pub fn calibration(&self, prepared: &Prepared, limit: usize) -> Result<Vec<Vec<u8>>> {
        let takes = bitfab::calibration_takes(prepared);
        if self.is_array() && takes.codings.is_empty() {
            let path = Path::new(&self.data);
            let rows = npy::rows(&files::read(path)?, takes.shape, takes.kind);
            let rows = rows.with_context(|| path.display().to_string())?;
            return Ok(rows.slices().into_iter().take(limit).map(<[u8]>::to_vec).collect());
        }
        Ok(bitfab::calibration_rows(prepared, self.to_learn_from(&takes, limit)?)?)
    }

    /// Rows of real values of this shape to measure their range by, as [`Self::calibration`] chooses them.
    pub fn values(&self, shape: Shape, limit: usize) -> Result<Vec<Vec<f32>>> {
        let rows = self.to_learn_from(&Takes::bytes(shape, Kind::U8), limit)?;
        Ok(bitfab::real_rows(&rows, shape)?)
    }

    /// Names of the values of a row, where the file has any.
    pub fn names(&self, shape: Shape) -> Result<Vec<String>> {
        Ok(self.to_learn_from(&Takes::bytes(shape, Kind::U8), 1)?.names)
    }

    /// The first rows of the part to learn from.
    fn to_learn_from(&self, takes: &Takes, limit: usize) -> Result<Rows> {
        let loaded = loaded(&self.data, &self.choice.format, &[], Some(self.expected(takes)))?;
        let mut rows = loaded.rows_to_learn_from(&self.choice.splitting.value())?;
        rows.labels = None;
        let rows = rows.settled()?;
        ensure!(!rows.is_empty(), "{} has no rows", rows.name);
        Ok(bitfab::first_rows(&rows, limit))
    }
}

impl From<Meaning> for Reading {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Values => Self::Values,
            Meaning::Bytes => Self::Bytes,
            Meaning::Counts => Self::Counts,
        }
    }
}
