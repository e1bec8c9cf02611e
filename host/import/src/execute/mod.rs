//! The oracle: a whole source in 64-bit floats, node by node.

mod fold;

pub(crate) use fold::{fold, is_known};

use std::collections::BTreeMap;

use crate::array::MAX_VALUES;
use crate::operators::{MAX_STEPS, Mode, apply};
use crate::{Array, ImportError, Source};

/// Every input must have a value of its sizes, but for the number of images.
fn check_inputs(source: &Source, inputs: &BTreeMap<String, Array>) -> Result<(), ImportError> {
    for input in &source.inputs {
        let fits = |array: &Array| {
            // The first of several axes counts images, and some files have the size of a data set there.
            let first = usize::from(input.dims.len() > 1);
            let mut pairs = input.dims.iter().zip(&array.dims).skip(first);
            array.dims.len() == input.dims.len() && pairs.all(|(given, &size)| given.is_none_or(|given| given == size))
        };
        let problem = match inputs.get(&input.name) {
            None => "no value is given for this input".to_string(),
            Some(array) if !fits(array) => format!("has sizes {:?}, the model wants {:?}", array.dims, input.dims),
            Some(_) => continue,
        };
        return Err(ImportError::Value { name: input.name.clone(), problem });
    }
    Ok(())
}

/// Computes a whole source; gives every tensor but the constants.
///
/// # Errors
/// [`ImportError`] names the first node that cannot be computed, or an input that is missing.
pub fn run(source: &Source, inputs: &BTreeMap<String, Array>) -> Result<BTreeMap<String, Array>, ImportError> {
    run_within(source, inputs, MAX_STEPS)
}

/// As [`run`], in at most that many steps; a step is a value, a product or a comparison.
///
/// # Errors
/// As [`run`], and the node at which the steps are used up.
pub fn run_within(
    source: &Source,
    inputs: &BTreeMap<String, Array>,
    steps: u64,
) -> Result<BTreeMap<String, Array>, ImportError> {
    walk(source, inputs, steps, &mut |_, _| {})
}

/// As [`run_within`]; `see` gets every tensor by its name and may change what the nodes behind it read.
pub(crate) fn walk(
    source: &Source,
    inputs: &BTreeMap<String, Array>,
    steps: u64,
    see: &mut dyn FnMut(&str, &mut Array),
) -> Result<BTreeMap<String, Array>, ImportError> {
    check_inputs(source, inputs)?;
    let mode = Mode::new(steps);
    let mut tensors = inputs.clone();
    let mut kept = 0;
    for (index, node) in source.nodes.iter().enumerate().filter(|(_, node)| !is_known(node, source)) {
        let wrong =
            |problem: String| ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem };
        let find = |name: &String| tensors.get(name).or_else(|| source.constants.get(name));
        let values: Vec<Option<&Array>> = node.inputs.iter().map(find).collect();
        if let Some(at) = (0..values.len()).find(|&at| values[at].is_none() && !node.inputs[at].is_empty()) {
            return Err(wrong(format!("reads `{}`, which nothing before it yields", node.inputs[at])));
        }
        let mut outputs = apply(node, &values, source.opset, &mode).map_err(wrong)?;
        node.outputs.iter().zip(&mut outputs).for_each(|(name, output)| see(name, output));
        kept = outputs.iter().fold(kept, |kept: usize, output| kept.saturating_add(output.values.len()));
        if kept > MAX_VALUES {
            return Err(wrong(format!("with its results more than {MAX_VALUES} values are kept")));
        }
        tensors.extend(node.outputs.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
    }
    Ok(tensors)
}
