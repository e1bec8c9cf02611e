//! `--nearest`: a model of real numbers changed so that it has an integer form, and what the change costs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bitfab::format::{Kind, Model};
use bitfab::import::{Array, Change, ImportError, Imported, Prepared, Ranges};
use bitfab::sim::Engine;
use bitfab::sim::software::Runtime;
use rayon::prelude::*;
use serde::Serialize;

use crate::io::inputs::{From, Inputs};
use crate::io::models;
use crate::parallel::Parallel;
use crate::show::bars;

/// Rows by which the ranges of tensors are measured.
pub const CALIBRATION: usize = 200;

/// The nearest model that has an integer form, and the changes.
pub fn import(prepared: &Prepared, from: Option<&From>) -> Result<(Imported, Vec<Change>)> {
    let ranges = from.map_or_else(|| Ok(Ranges::default()), |from| ranges(prepared, from))?;
    let (imported, changes) = prepared.clone().nearest(&ranges).map_err(|error| {
        let hint = match (error.cure(), from) {
            (Some(_), None) => "a quantiser needs the range of its tensor: name rows by --data",
            _ => "no rounding of weights and no quantiser of 8 bits gives it an integer form",
        };
        anyhow::Error::new(error).context(hint)
    })?;
    Ok((imported, changes))
}

/// Least and greatest values over the first rows.
fn ranges(prepared: &Prepared, from: &From) -> Result<Ranges> {
    let rows = from.calibration(prepared, CALIBRATION)?;
    let bar = bars::rows("source, for ranges", rows.len());
    let part = |rows: &[Vec<u8>]| -> Result<Ranges> {
        let mut ranges = Ranges::default();
        for row in rows {
            ranges.see(&prepared.run(row)?);
            bar.inc(1);
        }
        Ok(ranges)
    };
    let parts: Result<Vec<Ranges>> = rows.par_chunks(8).map(part).collect();
    bar.finish_and_clear();
    let mut all = Ranges::default();
    parts?.iter().for_each(|part| all.merge(part));
    Ok(all)
}

/// What a model gives for rows, and what its file gives in floats.
#[derive(Debug, Serialize)]
pub struct Effect {
    /// Rows of both.
    pub rows: usize,
    /// Rows to which both give the same class.
    pub same: usize,
    /// Rows that the file has right.
    pub file_correct: Option<usize>,
    /// Rows that the model has right.
    pub model_correct: Option<usize>,
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rows, same, .. } = self;
        let percent = |count: usize| 100.0 * count as f64 / (*rows).max(1) as f64;
        write!(f, "{same} of {rows} rows get the class of the file's floats")?;
        match (self.file_correct, self.model_correct) {
            (Some(file), Some(model)) => {
                write!(f, "; right are {:.2} % instead of {:.2} %", percent(model), percent(file))
            }
            _ => Ok(()),
        }
    }
}

/// Runs the file's floats, unchanged, and the model's integers on the same rows; `None` for one score, or signs, which
/// are no classes.
pub fn measure(prepared: &Prepared, imported: &Imported, model: &Model<'_>, inputs: &Inputs) -> Result<Option<Effect>> {
    if model.output().shape.volume() == 1 || model.output().kind == Kind::Sign {
        return Ok(None);
    }
    let rows = inputs.rows();
    let bar = bars::rows("runtime", rows.len());
    let mut engine = Parallel::new(Box::new(|| Box::new(Runtime)));
    let runs = engine.run(model, &rows, &mut |done| bar.set_position(done as u64)).context("the runtime stopped")?;
    bar.finish_and_clear();
    let found = models::classes(model, &runs)?;
    let expected = match inputs.reals() {
        Some(values) => classes(imported, &values, |row| prepared.run_values(row))?,
        None => classes(imported, &rows, |row| prepared.run(row).map(Some))?,
    };
    let right = |classes: &[usize]| {
        let pairs = inputs.labels().map(|labels| labels.iter().zip(classes));
        pairs.map(|pairs| pairs.filter(|(label, class)| label == class).count())
    };
    Ok(Some(Effect {
        rows: rows.len(),
        same: found.iter().zip(&expected).filter(|(found, expected)| found == expected).count(),
        file_correct: right(&expected),
        model_correct: right(&found),
    }))
}

/// The largest score of the file's floats, the first of equals; `run` gives the file's tensors for a row.
fn classes<T: Sync>(
    imported: &Imported,
    rows: &[&[T]],
    run: impl Fn(&[T]) -> Result<Option<BTreeMap<String, Array>>, ImportError> + Sync,
) -> Result<Vec<usize>> {
    let scores = imported.scores().context("the model has no layers")?;
    let bar = bars::rows("source", rows.len());
    let class = |row: &&[T]| -> Result<usize> {
        let tensors = run(row)?.context("the model takes bytes, and its rows are real values")?;
        bar.inc(1);
        let values = &tensors.get(scores).context("the file has no scores")?.values;
        Ok((0..values.len()).rev().max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0))
    };
    let found = rows.par_iter().map(class).collect();
    bar.finish_and_clear();
    found
}
