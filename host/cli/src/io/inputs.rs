//! The rows that a model is judged by: a part of a data set, or the user's own files.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bitfab::data::{Expected, Fitted, Reading, Rows, Takes, fit};
use bitfab::format::Model;
use bitfab::graph::Graph;
use bitfab::report::Confusion;
use bitfab::sim::{Engine, Rows as EngineRows, Run, SimError};
use bitfab::train::TrainConfig;
use clap::ValueEnum;
use serde::Serialize;

use super::{files, models, npy};
use crate::io::data::{Format, Loaded, Part, Splitting};

/// Columns whose values outside the learned range are named one by one.
const NAMED: usize = 8;

/// Where rows come from.
#[derive(Clone, Debug, clap::Args)]
pub struct From {
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
    pub part: Option<Part>,
    /// What the values are: real values, the model's bytes, or raw counts of the sensor.
    #[arg(long = "as", value_name = "WHAT", default_value = "values")]
    pub meaning: Meaning,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub splitting: Splitting,
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

/// Values of one column that lay outside what was learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clamped {
    /// Its name, or its number from 1.
    pub column: String,
    /// How many of its values.
    pub values: u64,
    /// Of how many.
    pub of: u64,
}

/// Rows and, where they are known, their classes.
#[derive(Debug)]
pub struct Inputs {
    /// Name for people.
    pub name: String,
    /// Columns with values outside what was learned from.
    pub clamped: Vec<Clamped>,
    /// How many rows the model has learned from, in words, where it says that any was.
    pub learned: Option<String>,
    bytes: Vec<u8>,
    width: usize,
    /// The number of each row in its source.
    sources: Vec<u32>,
    /// The values as they were read, where the model's codings made the bytes of them all.
    reals: Option<Vec<f32>>,
    labels: Option<Vec<usize>>,
    class_names: Vec<String>,
}

impl From {
    /// Rows of a data set or file, read as is the default.
    pub fn of(data: &str, format: &Format) -> Self {
        Self { data: data.into(), choice: Choice { format: format.clone(), ..Choice::default() } }
    }

    /// Reads at most `limit` rows that fit `model`, and says what a person should know of them.
    ///
    /// `path` is the model's file, beside which its graph may lie, with all fingerprints of rows.
    pub fn load(&self, model: &Model<'_>, path: Option<&Path>, limit: Option<usize>) -> Result<Inputs> {
        let takes = takes(model, path);
        let is_array = Path::new(&self.data).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
        if is_array && self.choice.part.is_none() && (takes.codings.is_empty() || self.choice.meaning == Meaning::Bytes)
        {
            return self.bytes(model, limit);
        }
        let rows = self.rows(&takes)?;
        let count = limit.unwrap_or(usize::MAX).min(rows.len()) as u32;
        let rows = if count as usize == rows.len() { rows } else { first(&rows, count) };
        let names = rows.labels.as_ref().map(|labels| labels.names.clone()).unwrap_or_default();
        let reals = reals(&rows, &takes, self.choice.meaning);
        let hint = "the rows do not suit the model (--as says what their values are, --columns which they are)";
        let fitted = fit(rows, &takes, self.choice.meaning.into()).context(hint)?;
        let inputs = Inputs::new(fitted, &takes, reals, names);
        inputs.warn();
        Ok(inputs)
    }

    /// The rows as they were read for a model.
    fn rows(&self, takes: &Takes) -> Result<Rows> {
        let expected = self.expected(takes);
        let groups = self.choice.splitting.split.as_slice();
        let loaded = Loaded::of(&self.data, &self.choice.format, groups, Some(expected))?;
        loaded.part(self.choice.part, &self.choice.splitting, f64::from(TrainConfig::default().validation))
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
        let is_plain = format.windows(None)?.is_none() && !splitting.is_asked();
        ensure!(is_plain, "{} holds rows of bytes as the model takes them: leave out --window and --split", self.data);
        let rows = npy::rows(&files::read(path)?, &model.input().into()).with_context(|| path.display().to_string())?;
        let all = rows.slices();
        let count = limit.unwrap_or(usize::MAX).min(all.len());
        let labels = self.choice.format.labels.as_deref().map(|path| -> Result<Vec<usize>> {
            let labels = npy::classes(&files::read(path)?).with_context(|| path.display().to_string())?;
            ensure!(labels.len() == all.len(), "{} classes for {} rows", labels.len(), all.len());
            Ok(labels[..count].to_vec())
        });
        Ok(Inputs {
            name: path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()),
            bytes: all[..count].concat(),
            width: model.input_bytes(),
            sources: (0..count as u32).collect(),
            labels: labels.transpose()?,
            class_names: Takes::of_model(model).class_names,
            clamped: Vec::new(),
            learned: None,
            reals: None,
        })
    }
}

/// The first rows.
pub fn first(rows: &Rows, count: u32) -> Rows {
    let mut found = rows.pick(&(0..count).collect::<Vec<u32>>());
    found.notes.clone_from(&rows.notes);
    found
}

/// What a model takes, with all fingerprints where the graph that it was compiled from lies beside it.
fn takes(model: &Model<'_>, path: Option<&Path>) -> Takes {
    let mut takes = Takes::of_model(model);
    let graph = path.map(|path| path.with_extension("graph")).and_then(|path| std::fs::read(path).ok());
    let learned = graph.and_then(|bytes| Graph::from_bytes(&bytes).ok()).map(|graph| graph.interface.learned);
    // A graph of another run has other fingerprints and is not believed.
    if let Some(learned) =
        learned.filter(|learned| learned.len() as u64 == takes.learned_rows && learned.starts_with(&takes.fingerprints))
    {
        takes.fingerprints = learned;
    }
    takes
}

/// The values for engines that code them themselves.
fn reals(rows: &Rows, takes: &Takes, meaning: Meaning) -> Option<Vec<f32>> {
    let is_coded = !takes.codings.is_empty() && meaning == Meaning::Values;
    let values = is_coded.then(|| (0..rows.values.len()).map(|at| rows.values.real(at)).collect::<Vec<f32>>());
    values.filter(|values| !values.iter().any(|value| value.is_nan()))
}

impl std::convert::From<Meaning> for Reading {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Values => Self::Values,
            Meaning::Bytes => Self::Bytes,
            Meaning::Counts => Self::Counts,
        }
    }
}

impl Inputs {
    fn new(fitted: Fitted, takes: &Takes, reals: Option<Vec<f32>>, names: Vec<String>) -> Self {
        fitted.notes.iter().for_each(|note| note!("note: {note}"));
        let rows = (fitted.bytes.len() / fitted.width.max(1)) as u64;
        let of = rows * fitted.width as u64 / fitted.clamped.len().max(1) as u64;
        let name = |at: usize| takes.names.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
        let outside = fitted.clamped.iter().enumerate().filter(|&(_, &values)| values > 0);
        Self {
            clamped: outside.map(|(at, &values)| Clamped { column: name(at), values, of }).collect(),
            learned: fitted.learned_text().filter(|_| fitted.learned.is_some_and(|learned| learned.matching > 0)),
            labels: fitted.labels.map(|labels| labels.into_iter().map(|label| label as usize).collect()),
            class_names: if takes.class_names.is_empty() { names } else { takes.class_names.clone() },
            name: fitted.name,
            bytes: fitted.bytes,
            sources: fitted.sources,
            width: fitted.width,
            reals,
        }
    }

    /// Says what may make results worth less than they seem.
    fn warn(&self) {
        for Clamped { column, values, of } in self.clamped.iter().take(NAMED) {
            note!(
                "warning: in column {column} {values} of {of} values lay outside what was learned from and were limited"
            );
        }
        if let Some(more) = self.clamped.len().checked_sub(NAMED).filter(|&more| more > 0) {
            note!("warning: and so did values of {more} more columns");
        }
        if let Some(learned) = &self.learned {
            note!("warning: {learned}");
        }
    }

    /// The rows.
    pub fn rows(&self) -> Vec<&[u8]> {
        self.bytes.chunks_exact(self.width).collect()
    }

    /// The number of each row in its file or data set, from 0; of windows that of their first row.
    pub fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// The values as they were read, where the model's codings made the bytes of them.
    pub fn reals(&self) -> Option<Vec<&[f32]>> {
        self.reals.as_ref().map(|values| values.chunks_exact(self.width).collect())
    }

    /// Runs an engine on the rows: on the values where there are any, which some engines code themselves.
    pub fn run(
        &self,
        model: &Model<'_>,
        engine: &mut dyn Engine,
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        let (bytes, reals) = (self.rows(), self.reals());
        engine.run_rows(model, reals.as_ref().map_or(EngineRows::from(&bytes), EngineRows::from), done)
    }

    /// The classes, where they are known.
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where they have none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// True and predicted classes of the model's runs.
    pub fn confusion(&self, model: &Model<'_>, runs: &[Run]) -> Result<Confusion> {
        let found = models::classes(model, runs)?;
        let labels = self.labels.as_ref().with_context(|| {
            format!(
                "the rows of {} have no classes: name their column by --label, or their file by --labels",
                self.name
            )
        })?;
        let classes = labels.iter().map(|&label| label + 1).max().unwrap_or(0).max(self.class_names.len());
        let classes = classes.max(model.output().shape.volume() as usize);
        Ok(Confusion::of(classes, labels.iter().copied().zip(found)).named(&self.class_names))
    }
}
