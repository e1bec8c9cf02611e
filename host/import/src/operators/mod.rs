//! The operators that are known, one row each: how the oracle computes a node (in 64-bit floats, as ONNX, QONNX and FINN
//! define it, or in the integers of TFLite's kernels), how the lowering takes it, and what it is between a model's input
//! and its quantiser.
//!
//! Whoever asks something of an operator asks its row. A row and its arithmetic stand side by side in the file of its
//! family; those that the importer writes itself have a name.

mod activation;
mod arithmetic;
mod broadcast;
mod call;
mod channels_last;
mod compound;
mod finn;
mod integer;
mod linear;
mod logic;
mod operator;
mod pool;
mod quant;
mod reduce;
mod shape;
mod summary;
mod tflite;
mod window;

pub(crate) use call::{MAX_STEPS, Mode};
// The rows of what the importer writes itself.
pub(crate) use activation::RELU;
pub(crate) use arithmetic::{ADD, BATCH_NORM, CAST, CLIP, DIV, IDENTITY, MUL, SUB};
pub(crate) use linear::{CONV, GEMM};
pub(crate) use operator::{Bends, Entry, Operands, Operator, Places, Role, Types};
pub(crate) use pool::{AVERAGE_POOL, GLOBAL_AVERAGE_POOL, GLOBAL_MAX_POOL, MAX_POOL};
pub(crate) use quant::{BIPOLAR_QUANT, DEQUANTIZE_LINEAR, MULTI_THRESHOLD, QUANT, QUANTIZE_LINEAR};
pub(crate) use reduce::{ARG_MAX, REDUCE_SUM, SOFTMAX};
pub(crate) use shape::{CONSTANT, FLATTEN, RESHAPE, TRANSPOSE};
pub(crate) use tflite::{REQUANTIZE, ROUND_MEAN, TFLITE_LOGISTIC, TFLITE_SOFTMAX};

use call::{Call, Outputs};
use compound::Writer;
use operator::{Evaluate, MICROSOFT, QONNX, TFLITE};
use summary::known;
pub(crate) use summary::rows;
pub(crate) use window::Windows;

use crate::{Array, ImportError, Source, SourceNode};

/// The families.
static ALL: &[&[&Operator]] = &[
    linear::ROWS,
    pool::ROWS,
    arithmetic::ROWS,
    activation::ROWS,
    quant::ROWS,
    shape::ROWS,
    reduce::ROWS,
    logic::ROWS,
    integer::ROWS,
    finn::ROWS,
    tflite::ROWS,
];

/// The row of a node's operator; `None` if the operator or its domain is not known.
pub(crate) fn find(node: &SourceNode) -> Option<&'static Operator> {
    let is_tflite = node.domain == TFLITE;
    let mut rows = ALL.iter().flat_map(|family| family.iter().copied()).filter(|_| has_domain(node));
    rows.find(|row| row.name == node.op && row.is_tflite() == is_tflite)
}

/// Whether a node's domain is known; operators of others may be called as ONNX's and do something else.
fn has_domain(node: &SourceNode) -> bool {
    let domain = node.domain.as_str();
    matches!(domain, "" | MICROSOFT | "onnx.brevitas" | QONNX | channels_last::DOMAIN | TFLITE)
        || domain.starts_with("finn")
}

/// What to say of an operator without a row.
fn unknown(node: &SourceNode) -> String {
    let (op, domain) = (&node.op, &node.domain);
    match domain.as_str() {
        channels_last::DOMAIN => format!("the operator {op} is not known with channels last"),
        domain if has_domain(node) && domain != TFLITE => format!("the operator {op} is not known"),
        _ => format!("the operator {op} of `{domain}` is not known"),
    }
}

/// Why the lowering does not take an operator that reads a computed tensor.
pub(crate) fn unsupported(node: &SourceNode) -> String {
    if !has_domain(node) || node.domain == TFLITE && find(node).is_none() {
        return unknown(node);
    }
    format!("the operator {} has no integer form here; {}", node.op, known())
}

/// Computes one node; `inputs` are in its order, `None` for those left out.
///
/// # Errors
/// A sentence that says what is wrong with the node or its inputs.
pub(crate) fn apply(node: &SourceNode, inputs: &[Option<&Array>], opset: i64, mode: &Mode) -> Outputs {
    evaluate(find(node).ok_or_else(|| unknown(node))?, node, inputs, opset, mode)
}

/// As [`apply`], of a node whose operator is known already.
///
/// # Errors
/// As [`apply`].
pub(crate) fn evaluate(
    operator: &Operator,
    node: &SourceNode,
    inputs: &[Option<&Array>],
    opset: i64,
    mode: &Mode,
) -> Outputs {
    if node.domain != channels_last::DOMAIN {
        return compute(operator, &Call { node, inputs, opset, mode });
    }
    if operator.turned == 0 {
        return Err(unknown(node));
    }
    let first = channels_last::to_first(inputs, operator.turned);
    let rest = inputs.iter().skip(operator.turned).copied();
    let all: Vec<Option<&Array>> = first.iter().map(Option::as_ref).chain(rest).collect();
    let outputs = compute(operator, &Call { node, inputs: &all, opset, mode })?;
    Ok(outputs.iter().map(channels_last::to_last).collect())
}

fn compute(operator: &Operator, call: &Call<'_>) -> Outputs {
    let outputs = match operator.evaluate {
        Evaluate::One(one) => vec![one(call)?],
        Evaluate::Several(several) => several(call)?,
        Evaluate::Never => return Err(format!("the operator {} is not known", operator.name)),
    };
    for output in &outputs {
        call.room(&output.dims, 1)?;
    }
    let wanted = call.node.outputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    if wanted > outputs.len() {
        return Err(format!("its output {} is not computed, only the first {}", wanted - 1, outputs.len()));
    }
    Ok(outputs)
}

/// Replaces every compound node of `source` by plain ones of the same arithmetic.
///
/// # Errors
/// Names a compound node whose scales are not constants.
pub(crate) fn expand(mut source: Source) -> Result<Source, ImportError> {
    let nodes = std::mem::take(&mut source.nodes);
    let mut writer = Writer { source: &mut source, nodes: Vec::with_capacity(nodes.len()) };
    for (index, node) in nodes.into_iter().enumerate() {
        match find(&node) {
            Some(operator) if node.domain == channels_last::DOMAIN => {
                channels_last::expand(&mut writer, &node, operator);
            }
            Some(Operator { expand: Some(expand), .. }) => {
                expand(&mut writer, &node).map_err(|problem| node.fault(index, problem))?;
            }
            _ => writer.nodes.push(node),
        }
    }
    source.nodes = writer.nodes;
    Ok(source)
}

#[cfg(test)]
mod tests;
