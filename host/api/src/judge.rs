//! Engines on rows: how often they are right, and whether they agree with the reference in every tensor.

use std::time::Instant;

use bitfab_format::Model;
use bitfab_report::Confusion;
use bitfab_sim::software::Reference;
use bitfab_sim::verify::{Verdict, verify};
use bitfab_sim::{Engine, Rows, Run};
use serde::Serialize;

use crate::inputs::Inputs;
use crate::parallel::Parallel;
use crate::progress::Told;
use crate::{Accelerator, Context, EngineName, Result, Watch};

/// What an engine did and how long it took, without its preparation.
#[derive(Clone, Debug, Serialize)]
pub struct Timed {
    /// What it did.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Seconds.
    pub seconds: f64,
    /// Values that have a neighbouring level, of a source whose import says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
}

/// How often an engine was right.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The engine.
    pub engine: String,
    /// Seconds, without its preparation.
    pub seconds: f64,
    /// True and predicted classes.
    pub matrix: Confusion,
}

/// What an engine gives for rows, in their order, and seconds.
///
/// # Errors
/// [`Error::Engine`](crate::Error::Engine) where it cannot do its work.
pub fn run(model: &Model<'_>, inputs: &Inputs, engine: &mut dyn Engine, watch: Watch<'_>) -> Result<(Vec<Run>, f64)> {
    let told = Told::rows(watch, engine.name(), inputs.sources().len());
    let start = Instant::now();
    let (name, rows) = (engine.name(), inputs.sources().len());
    let runs = inputs.run(model, engine, &mut |done| told.set(done))?;
    // A program that compares itself stops at the first difference.
    ensure!(runs.len() == rows, Differs, "{name} differs in row {}: `bitfab verify` says where", runs.len());
    Ok((runs, start.elapsed().as_secs_f64()))
}

/// Counts how often an engine is right.
///
/// # Errors
/// As [`run`], and [`Error::Classes`](crate::Error::Classes) where the model or the rows have none.
pub fn eval(
    model: &Model<'_>,
    inputs: &Inputs,
    engine: EngineName,
    accelerator: Accelerator,
    watch: Watch<'_>,
) -> Result<Evaluation> {
    let mut engine = engine.create(accelerator)?;
    let (runs, seconds) = run(model, inputs, &mut *engine, watch).context("the engine stopped")?;
    Ok(Evaluation { engine: engine.name(), seconds, matrix: inputs.confusion(model, &runs)? })
}

/// The runs that all others are compared with.
///
/// # Errors
/// [`Error::Engine`](crate::Error::Engine) of a row that the model does not take.
pub fn reference<'a>(model: &Model<'_>, rows: impl Into<Rows<'a>>, watch: Watch<'_>) -> Result<Vec<Run>> {
    let rows = rows.into();
    let told = Told::rows(watch, "reference", rows.len());
    let mut reference = Parallel::new(Box::new(|| Box::new(Reference)));
    Ok(reference.run_rows(model, rows, &mut |done| told.set(done))?)
}

/// Runs one engine and compares it with the reference's runs, tensor by tensor.
///
/// # Errors
/// [`Error::Engine`](crate::Error::Engine) where it cannot do its work; a difference is none, the verdict says it.
pub fn judge<'a>(
    name: EngineName,
    accelerator: Accelerator,
    model: &Model<'_>,
    rows: impl Into<Rows<'a>>,
    expected: &[Run],
    watch: Watch<'_>,
) -> Result<Timed> {
    let rows = rows.into();
    let preparing = Told::busy(watch, &format!("preparing {name}"));
    let engine = name.create(accelerator);
    drop(preparing);
    let mut engine = engine?;
    let told = Told::rows(watch, name.name(), rows.len());
    let start = Instant::now();
    let verdict = verify(model, rows, expected, &mut *engine, &mut |done| told.set(done))?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Timed { verdict: Verdict { engine: name.name().into(), ..verdict }, seconds, neighbours: None })
}
