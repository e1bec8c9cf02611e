//! The nearest model of real numbers that has an integer form, and what the change costs.

use std::collections::BTreeMap;

use bitfab_data::{Reading, Rows, Takes, Values, fit, suits};
use bitfab_format::{Kind, Model};
use bitfab_graph::{ByteKind, Shape};
use bitfab_import::{Array, Change, ImportError, Imported, Prepared, Ranges};
use bitfab_sim::Engine;
use bitfab_sim::software::Runtime;
use rayon::prelude::*;
use serde::Serialize;

use crate::inputs::Inputs;
use crate::model::{arg_max, classes};
use crate::parallel::Parallel;
use crate::progress::Told;
use crate::{Context, Error, Result, Watch};

/// Rows by which the ranges of tensors are measured.
pub const CALIBRATION: usize = 200;

/// What a file takes as rows to measure its tensors by.
pub fn calibration_takes(prepared: &Prepared) -> Takes {
    let kind = if prepared.input().kind == ByteKind::I8 { Kind::I8 } else { Kind::U8 };
    Takes::bytes(prepared.shape(), kind).coded(&prepared.interface())
}

/// Rows of values as the bytes by which a file's tensors are measured.
///
/// # Errors
/// [`Error::Data`] where the file does not take such rows.
pub fn calibration_rows(prepared: &Prepared, rows: Rows) -> Result<Vec<Vec<u8>>> {
    let fitted = fit(rows, &calibration_takes(prepared), Reading::Values)?;
    Ok(fitted.rows().into_iter().map(<[u8]>::to_vec).collect())
}

/// Rows of real values of this shape, by which it is measured how far they reach.
///
/// # Errors
/// [`Error::Rows`] where they are bytes, are of another shape, or hold values that are no numbers.
pub fn real_rows(rows: &Rows, shape: Shape) -> Result<Vec<Vec<f32>>> {
    let Values::Reals(values) = &rows.values else {
        bail!(
            Rows,
            "the rows of {} are bytes, and it is not said what one is worth to the file: name it by --input, as in u8/255 \
             for pictures from 0 to 1, or convert rows of real values by x.astype(numpy.float32)",
            rows.name
        );
    };
    ensure!(
        suits(rows.shape, shape),
        Rows,
        "rows of {} are {}, the file takes {shape} (height x width x channels)",
        rows.name,
        rows.shape
    );
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (place, column) = (rows.place(at / rows.width()), at % rows.width() + 1);
        bail!(Rows, "{}, {place}: value {column} is {}", rows.name, values[at]);
    }
    Ok(values.chunks_exact(rows.width()).map(<[f32]>::to_vec).collect())
}

/// The nearest model that has an integer form, and the changes; `rows` are bytes by which ranges are measured.
///
/// # Errors
/// [`Error::Import`] for what no change cures, or where a range is needed and there are no rows; [`Error::Rows`] of a row
/// of another length.
pub fn nearest(prepared: &Prepared, rows: Option<&[Vec<u8>]>, watch: Watch<'_>) -> Result<(Imported, Vec<Change>)> {
    let ranges = rows.map_or_else(|| Ok(Ranges::default()), |rows| ranges(prepared, rows, watch))?;
    prepared.clone().nearest(&ranges).map_err(|error| {
        let what = match (error.cure(), rows) {
            (Some(_), None) => "a quantiser needs the range of its tensor: name rows by --data",
            _ => "no rounding of weights and no quantiser of 8 bits gives it an integer form",
        };
        Error::Context { what: what.into(), source: Box::new(error.into()) }
    })
}

/// Refuses rows of another length than the file's.
pub(crate) fn check_lengths<T: AsRef<[V]>, V>(rows: &[T], shape: Shape) -> Result<()> {
    let wanted = shape.elements();
    match rows.iter().position(|row| row.as_ref().len() as u64 != wanted) {
        Some(at) => bail!(Rows, "row {at} has {} values, the file takes {wanted}", rows[at].as_ref().len()),
        None => Ok(()),
    }
}

/// Least and greatest values over the rows.
fn ranges(prepared: &Prepared, rows: &[Vec<u8>], watch: Watch<'_>) -> Result<Ranges> {
    check_lengths(rows, prepared.shape())?;
    let told = Told::rows(watch, "source, for ranges", rows.len());
    let part = |rows: &[Vec<u8>]| -> Result<Ranges> {
        let mut ranges = Ranges::default();
        for row in rows {
            ranges.see(&prepared.run(row)?);
            told.one();
        }
        Ok(ranges)
    };
    let parts: Result<Vec<Ranges>> = rows.par_chunks(8).map(part).collect();
    let mut all = Ranges::default();
    parts?.iter().for_each(|part| all.merge(part));
    Ok(all)
}

/// What a model gives for rows, and what its file gives in floats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
///
/// # Errors
/// [`Error::Rows`] of rows that are not the file's; the node that cannot be computed.
pub fn effect(
    prepared: &Prepared,
    imported: &Imported,
    model: &Model<'_>,
    inputs: &Inputs,
    watch: Watch<'_>,
) -> Result<Option<Effect>> {
    if model.output().shape.volume() == 1 || model.output().kind == Kind::Sign {
        return Ok(None);
    }
    let rows = inputs.rows();
    check_lengths(&rows, prepared.shape())?;
    let told = Told::rows(watch, "runtime", rows.len());
    let mut engine = Parallel::new(Box::new(|| Box::new(Runtime)));
    let runs = engine.run(model, &rows, &mut |done| told.set(done)).context("the runtime stopped")?;
    drop(told);
    let found = classes(model, &runs)?;
    let expected = match inputs.reals() {
        Some(values) => file_classes(imported, &values, |row| prepared.run_values(row), watch)?,
        None => file_classes(imported, &rows, |row| prepared.run(row).map(Some), watch)?,
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
fn file_classes<T: Sync>(
    imported: &Imported,
    rows: &[&[T]],
    run: impl Fn(&[T]) -> Result<Option<BTreeMap<String, Array>>, ImportError> + Sync,
    watch: Watch<'_>,
) -> Result<Vec<usize>> {
    let Some(scores) = imported.scores() else { bail!(Classes, "the model has no layers") };
    let told = Told::rows(watch, "source", rows.len());
    let class = |row: &&[T]| -> Result<usize> {
        let Some(tensors) = run(row)? else { bail!(Rows, "the model takes bytes, and its rows are real values") };
        told.one();
        let Some(found) = tensors.get(scores) else { bail!(Classes, "the file has no scores") };
        Ok(arg_max(&found.values, f64::total_cmp))
    };
    rows.par_iter().map(class).collect()
}
