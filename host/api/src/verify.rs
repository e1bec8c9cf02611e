//! The differential check over many engines, and the file that the model was imported from.

use bitfab_format::Model;
use bitfab_sim::Rows;

use crate::inputs::Inputs;
use crate::judge::{Timed, judge, reference};
use crate::origin::Origin;
use crate::parallel::part;
use crate::{Accelerator, EngineName, Error, Result, Watch};

/// An engine that could not run.
#[derive(Debug)]
pub struct Failure {
    /// The engine.
    pub engine: EngineName,
    /// Why.
    pub error: Error,
}

/// What all engines did.
#[derive(Debug)]
pub struct Verified {
    /// Those that ran, that of the source first.
    pub verdicts: Vec<Timed>,
    /// Those that did not.
    pub failures: Vec<Failure>,
}

/// An engine and how many of the rows it gets at most.
pub type Share = (EngineName, Option<usize>);

/// Runs the reference, then every engine on its share of the rows, and compares all tensors; first the source of the
/// model, where there is one.
///
/// # Errors
/// Where the reference cannot run, and [`Error::Differs`] where the model does not compute what its source does. That an
/// engine differs or cannot run is in the result.
pub fn verify(
    model: &Model<'_>,
    inputs: &Inputs,
    engines: &[Share],
    accelerator: Accelerator,
    origin: Option<&Origin>,
    watch: Watch<'_>,
) -> Result<Verified> {
    let (bytes, reals) = (inputs.rows(), inputs.reals());
    let rows = reals.as_ref().map_or(Rows::from(&bytes), Rows::from);
    let expected = reference(model, rows, watch)?;
    let (mut verdicts, mut failures) = (Vec::new(), Vec::new());
    if let Some(origin) = origin {
        verdicts.push(origin.judge(model, inputs, &expected, watch)?);
    }
    for &(engine, share) in engines {
        let rows = part(rows, 0..share.map_or(rows.len(), |share| share.min(rows.len())));
        match judge(engine, accelerator, model, rows, &expected, watch) {
            Ok(verdict) => verdicts.push(verdict),
            Err(error) => failures.push(Failure { engine, error }),
        }
    }
    Ok(Verified { verdicts, failures })
}
