//! Whole inferences by the driver of `bitfab-link`, whatever its wire ends at: the answer and the digest of every layer.

use std::fmt::Debug;

use bitfab_format::Model;
use bitfab_link::{Accelerator, Link, Wire};
use bitfab_runtime::Inference;

use crate::engine::{Engine, Evidence, Run, check_inputs};
use crate::error::SimError;

/// Words of the longest result that the link can say.
const WORDS: usize = u16::MAX as usize / 4;

/// What the other side of `link` computes of each input, by the name of an engine.
///
/// # Errors
/// [`SimError::Unsupported`] where the other side keeps no digests, [`SimError::Tool`] with the driver's own words where
/// it is of another model or does not answer.
pub(crate) fn ask<W: Wire<Error: Debug>>(
    engine: &dyn Engine,
    link: Link<W>,
    model: &Model<'_>,
    inputs: &[&[u8]],
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Run>, SimError> {
    check_inputs(model, inputs)?;
    let failed = |problem: String| SimError::Tool { program: engine.name(), problem };
    let accelerator = Accelerator::<_, WORDS>::new(link, Model::from_words(model.words())?);
    let mut accelerator = accelerator.map_err(|error| failed(error.to_string()))?;
    if !accelerator.link().identity().is_some_and(|identity| identity.has_digests()) {
        let problem = "the board keeps no digests, so that no layer could be compared: build it with \
                       `bitfab bitstream --digests`, or let it serve with room for digests";
        return Err(SimError::Unsupported { engine: engine.name(), problem: problem.into() });
    }
    let mut runs = Vec::with_capacity(inputs.len());
    for (at, input) in inputs.iter().enumerate() {
        let mut digests = vec![0; model.layer_count()];
        let output = accelerator.infer(input, &mut digests).map_err(|error| failed(error.to_string()))?;
        let output = output.words().to_vec();
        let evidence = Evidence::Digests(digests);
        runs.push(Run { coded: None, evidence, output, cycles: None, instructions: None });
        done(at + 1);
    }
    Ok(runs)
}
