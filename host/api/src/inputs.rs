//! The rows that a model is judged by, and what is known of them.

use bitfab_data::{Fitted, Reading, Rows, Takes, fit};
use bitfab_format::Model;
use bitfab_graph::Graph;
use bitfab_report::Confusion;
use bitfab_sim::{Engine, Rows as EngineRows, Run, SimError};
use serde::Serialize;

use crate::model::classes;
use crate::{Error, Result};

/// Columns whose values outside the learned range are named one by one.
const NAMED: usize = 8;

/// The most classes that are counted against each other.
const MATRIX: usize = 1 << 12;

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

/// Rows as a model takes them and, where they are known, their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Name for people.
    pub name: String,
    /// Columns with values outside what was learned from.
    pub clamped: Vec<Clamped>,
    /// How many rows the model has learned from, in words, where it says that any was.
    pub learned: Option<String>,
    /// What a person should know of the rows.
    pub notes: Vec<String>,
    bytes: Vec<u8>,
    width: usize,
    /// The number of each row in its source.
    sources: Vec<u32>,
    /// The values as they were read, where the model's codings made the bytes of them all.
    reals: Option<Vec<f32>>,
    labels: Option<Vec<usize>>,
    class_names: Vec<String>,
}

/// The first rows.
pub fn first_rows(rows: &Rows, count: usize) -> Rows {
    let mut found = rows.pick(&(0..count.min(rows.len()) as u32).collect::<Vec<u32>>());
    found.notes.clone_from(&rows.notes);
    found
}

/// What a model takes; `graph` is the stored network that it may have been compiled from, which has the fingerprints of
/// all rows that it learned from.
pub fn takes(model: &Model<'_>, graph: Option<&[u8]>) -> Takes {
    let mut takes = Takes::of_model(model);
    let learned = graph.and_then(|bytes| Graph::from_bytes(bytes).ok()).map(|graph| graph.interface.learned);
    // A graph of another run has other fingerprints and is not believed.
    if let Some(learned) =
        learned.filter(|learned| learned.len() as u64 == takes.learned_rows && learned.starts_with(&takes.fingerprints))
    {
        takes.fingerprints = learned;
    }
    takes
}

/// The values for engines that code them themselves.
fn reals(rows: &Rows, takes: &Takes, reading: Reading) -> Option<Vec<f32>> {
    let is_coded = !takes.codings.is_empty() && reading == Reading::Values;
    let values = is_coded.then(|| (0..rows.values.len()).map(|at| rows.values.real(at)).collect::<Vec<f32>>());
    values.filter(|values| !values.iter().any(|value| value.is_nan()))
}

impl Inputs {
    /// Rows that were read, at most `limit`, as the bytes of a model that `takes` such.
    ///
    /// # Errors
    /// [`Error::Unsuited`] where the model does not take such rows: another shape, other columns, unknown classes.
    pub fn new(rows: Rows, takes: &Takes, reading: Reading, limit: Option<usize>) -> Result<Self> {
        let count = limit.unwrap_or(usize::MAX);
        let rows = if count >= rows.len() { rows } else { first_rows(&rows, count) };
        let names = rows.labels.as_ref().map(|labels| labels.names.clone()).unwrap_or_default();
        let reals = reals(&rows, takes, reading);
        let fitted = fit(rows, takes, reading).map_err(Error::Unsuited)?;
        Ok(Self::fitted(fitted, takes, reals, names))
    }

    /// Rows of bytes as the model takes them, in the order of its shape, and their classes where they are known.
    ///
    /// # Errors
    /// [`Error::Rows`] where there are none, where a row has another length, or where there are not as many classes as
    /// rows.
    pub fn from_bytes(name: &str, model: &Model<'_>, rows: &[&[u8]], labels: Option<Vec<usize>>) -> Result<Self> {
        let width = model.input_bytes();
        ensure!(!rows.is_empty(), Rows, "{name} has no rows");
        if let Some((at, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != width) {
            bail!(Rows, "row {at} of {name} has {} bytes, the model takes {width}", row.len());
        }
        let known = labels.as_ref().map_or(rows.len(), Vec::len);
        ensure!(known == rows.len(), Rows, "{known} classes for {} rows", rows.len());
        Ok(Self {
            name: name.into(),
            bytes: rows.concat(),
            width,
            sources: (0..rows.len() as u32).collect(),
            labels,
            class_names: Takes::of_model(model).class_names,
            clamped: Vec::new(),
            learned: None,
            notes: Vec::new(),
            reals: None,
        })
    }

    fn fitted(fitted: Fitted, takes: &Takes, reals: Option<Vec<f32>>, names: Vec<String>) -> Self {
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
            notes: fitted.notes,
            bytes: fitted.bytes,
            sources: fitted.sources,
            width: fitted.width,
            reals,
        }
    }

    /// What may make results worth less than they seem, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let column = |Clamped { column, values, of }: &Clamped| {
            format!("in column {column} {values} of {of} values lay outside what was learned from and were limited")
        };
        let more = self.clamped.len().checked_sub(NAMED).filter(|&more| more > 0);
        let more = more.map(|more| format!("and so did values of {more} more columns"));
        self.clamped.iter().take(NAMED).map(column).chain(more).chain(self.learned.clone()).collect()
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
    ///
    /// # Errors
    /// [`SimError`] where the engine cannot do its work.
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
    ///
    /// # Errors
    /// [`Error::Classes`] where the model or the rows have none, or a class is beyond 4,095; [`Error::Rows`] of runs of
    /// another model.
    pub fn confusion(&self, model: &Model<'_>, runs: &[Run]) -> Result<Confusion> {
        let found = classes(model, runs)?;
        let Some(labels) = &self.labels else {
            bail!(
                Classes,
                "the rows of {} have no classes: name their column by --label, or their file by --labels",
                self.name
            );
        };
        let classes =
            labels.iter().map(|&label| label.saturating_add(1)).max().unwrap_or(0).max(self.class_names.len());
        let classes = classes.max(model.output().shape.volume() as usize);
        ensure!(
            classes <= MATRIX,
            Classes,
            "class {} of the rows: classes are counted from 0 to {}",
            classes - 1,
            MATRIX - 1
        );
        Ok(Confusion::of(classes, labels.iter().copied().zip(found)).named(&self.class_names))
    }
}
