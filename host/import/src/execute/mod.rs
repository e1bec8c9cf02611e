//! The oracle: every operator in 64-bit floats, as ONNX, QONNX and FINN define it.

mod broadcast;
mod elementwise;
mod linear;
mod pool;
mod quant;
mod reduce;
mod shape;

pub(crate) use shape::transposed;

use std::collections::BTreeMap;

use crate::{Array, ImportError, Source, SourceNode};

/// What one operator gives: its outputs, or a sentence that says what is wrong.
type Outputs = Result<Vec<Array>, String>;

/// One node and the values that it reads.
struct Call<'a> {
    node: &'a SourceNode,
    inputs: &'a [Option<&'a Array>],
    opset: i64,
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
    let call = Call { node, inputs, opset };
    elementwise::apply(&call)
        .or_else(|| quant::apply(&call))
        .or_else(|| linear::apply(&call))
        .or_else(|| pool::apply(&call))
        .or_else(|| shape::apply(&call))
        .or_else(|| reduce::apply(&call))
        .unwrap_or_else(|| Err(format!("the operator {} is not known", node.op)))
}

/// Computes a whole source; gives every tensor but the constants.
///
/// # Errors
/// [`ImportError`] names the first node that cannot be computed, or an input that is missing.
pub fn run(source: &Source, inputs: &BTreeMap<String, Array>) -> Result<BTreeMap<String, Array>, ImportError> {
    for input in &source.inputs {
        let problem = match inputs.get(&input.name) {
            None => "no value is given for this input".to_string(),
            Some(array) if array.dims.len() != input.dims.len() => format!("has sizes {:?}", array.dims),
            Some(_) => continue,
        };
        return Err(ImportError::Value { name: input.name.clone(), problem });
    }
    let mut tensors = inputs.clone();
    for (index, node) in source.nodes.iter().enumerate() {
        let wrong =
            |problem: String| ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem };
        let find = |name: &String| tensors.get(name).or_else(|| source.constants.get(name));
        let values: Vec<Option<&Array>> = node.inputs.iter().map(find).collect();
        if let Some(at) = (0..values.len()).find(|&at| values[at].is_none() && !node.inputs[at].is_empty()) {
            return Err(wrong(format!("reads `{}`, which nothing before it yields", node.inputs[at])));
        }
        let outputs = apply(node, &values, source.opset).map_err(wrong)?;
        tensors.extend(node.outputs.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
    }
    Ok(tensors)
}
