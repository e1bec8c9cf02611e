//! The oracle: every operator in 64-bit floats, as ONNX, QONNX and FINN define it.

mod broadcast;
mod channels_last;
mod elementwise;
mod fold;
mod integer;
mod linear;
mod pool;
mod quant;
mod reduce;
mod shape;
mod tflite;
mod window;

pub(crate) use fold::{fold, is_known};
pub(crate) use shape::transposed;
pub(crate) use tflite::DOMAIN as TFLITE;

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::array::MAX_VALUES;
use crate::{Array, ImportError, Source, SourceNode};

/// The most steps of a run, some minutes.
pub(crate) const MAX_STEPS: u64 = 1 << 38;

/// What one operator gives: its outputs, or a sentence that says what is wrong.
type Outputs = Result<Vec<Array>, String>;

/// How nodes are computed.
struct Mode {
    /// Steps that may still be taken: a value, a product, a comparison.
    steps: Cell<u64>,
    /// Whether quotients are rounded to 32 bits, as the software did that made the constants.
    is_single: bool,
}

impl Mode {
    const fn new(steps: u64) -> Self {
        Self { steps: Cell::new(steps), is_single: false }
    }
}

/// One node and the values that it reads.
struct Call<'a> {
    node: &'a SourceNode,
    inputs: &'a [Option<&'a Array>],
    opset: i64,
    mode: &'a Mode,
}

impl<'a> Call<'a> {
    /// An input that must be there.
    fn input(&self, at: usize) -> Result<&'a Array, String> {
        self.optional(at).ok_or_else(|| format!("input {at} is missing"))
    }

    /// An input that may be left out.
    fn optional(&self, at: usize) -> Option<&'a Array> {
        self.inputs.get(at).copied().flatten()
    }

    /// An input of one number.
    fn number(&self, at: usize) -> Result<f64, String> {
        match self.input(at)?.values.as_slice() {
            [value] => Ok(*value),
            other => Err(format!("input {at} has {} values, needs one", other.len())),
        }
    }

    /// The number of values of a result of these sizes, each of which takes so many steps.
    fn room(&self, dims: &[usize], each: usize) -> Result<usize, String> {
        let count = Array::count(dims).ok_or_else(|| format!("a result of sizes {dims:?} has too many values"))?;
        let need = (count as u64).checked_mul(each.max(1) as u64);
        let left = need.and_then(|need| self.mode.steps.get().checked_sub(need));
        self.mode.steps.set(left.ok_or_else(|| format!("a result of sizes {dims:?} takes too many steps"))?);
        Ok(count)
    }

    /// Whole numbers from an attribute, or else from an input.
    fn whole(&self, attribute: &str, at: usize) -> Option<Vec<i64>> {
        let from_input = || self.optional(at).map(|array| array.values.iter().map(|&value| value as i64).collect());
        self.node.ints(attribute).map(<[i64]>::to_vec).or_else(from_input)
    }

    /// An axis, counted from the end where negative.
    fn axis(&self, axis: i64, rank: usize) -> Result<usize, String> {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        if (0..rank as i64).contains(&at) { Ok(at as usize) } else { Err(format!("axis {axis} of {rank} axes")) }
    }
}

/// Computes one node; `inputs` are in its order, `None` for those left out.
///
/// # Errors
/// A sentence that says what is wrong with the node or its inputs.
pub fn apply(node: &SourceNode, inputs: &[Option<&Array>], opset: i64) -> Result<Vec<Array>, String> {
    apply_within(node, inputs, opset, &Mode::new(MAX_STEPS))
}

/// Refuses operators of domains that are not known: they may be called as ONNX's and do something else.
pub(crate) fn check_domain(node: &SourceNode) -> Result<(), String> {
    match node.domain.as_str() {
        "" | "com.microsoft" | "onnx.brevitas" | "qonnx.custom_op.general" | channels_last::DOMAIN => Ok(()),
        tflite::DOMAIN if tflite::is_known(node) => Ok(()),
        domain if domain.starts_with("finn") => Ok(()),
        domain => Err(format!("the operator {} of `{domain}` is not known", node.op)),
    }
}

fn apply_within(node: &SourceNode, inputs: &[Option<&Array>], opset: i64, mode: &Mode) -> Outputs {
    check_domain(node)?;
    if node.domain == channels_last::DOMAIN {
        return channels_last::apply(node, inputs, opset, mode);
    }
    let call = Call { node, inputs, opset, mode };
    let own = (node.domain == tflite::DOMAIN).then(|| tflite::apply(&call));
    let outputs = own
        .or_else(|| elementwise::apply(&call))
        .or_else(|| quant::apply(&call))
        .or_else(|| linear::apply(&call))
        .or_else(|| integer::apply(&call))
        .or_else(|| pool::apply(&call))
        .or_else(|| shape::apply(&call))
        .or_else(|| reduce::apply(&call))
        .unwrap_or_else(|| Err(format!("the operator {} is not known", node.op)))?;
    for output in &outputs {
        call.room(&output.dims, 1)?;
    }
    let wanted = node.outputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    if wanted > outputs.len() {
        return Err(format!("its output {} is not computed, only the first {}", wanted - 1, outputs.len()));
    }
    Ok(outputs)
}

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
        let mut outputs = apply_within(node, &values, source.opset, &mode).map_err(wrong)?;
        node.outputs.iter().zip(&mut outputs).for_each(|(name, output)| see(name, output));
        kept = outputs.iter().fold(kept, |kept: usize, output| kept.saturating_add(output.values.len()));
        if kept > MAX_VALUES {
            return Err(wrong(format!("with its results more than {MAX_VALUES} values are kept")));
        }
        tensors.extend(node.outputs.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests;
