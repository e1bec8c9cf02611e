//! Inference on real values and raw counts: coded by the format, then run as bytes.

use bitfab_format::Model;

use crate::run::run;
use crate::{Observer, Output, RunError};

/// As [`run`], on real values that are first coded into `bytes` as the model says ([`Model::code_real`]).
///
/// `values` and `bytes` have [`Model::input_bytes`] entries; infinities and values outside what the model learned are
/// moved to the nearer limit and counted by [`Output::clamped`].
///
/// # Errors
/// [`RunError::Coding`] where a slice has another length or a value is no number; else as [`run`].
pub fn run_real<'a, O: Observer>(
    model: &Model<'a>,
    values: &[f32],
    bytes: &mut [u8],
    arena: &'a mut [u32],
    observer: &mut O,
) -> Result<Output<'a>, RunError> {
    let clamped = model.code_real(values, bytes).map_err(RunError::Coding)?;
    Ok(run(model, bytes, arena, observer)?.with_clamped(clamped))
}

/// As [`run`], on raw counts of a sensor that are first coded into `bytes` as the model says
/// ([`Model::code_counts`]).
///
/// # Errors
/// As [`run_real`]; every count is a number.
pub fn run_counts<'a, O: Observer>(
    model: &Model<'a>,
    counts: &[i16],
    bytes: &mut [u8],
    arena: &'a mut [u32],
    observer: &mut O,
) -> Result<Output<'a>, RunError> {
    let clamped = model.code_counts(counts, bytes).map_err(RunError::Coding)?;
    Ok(run(model, bytes, arena, observer)?.with_clamped(clamped))
}
