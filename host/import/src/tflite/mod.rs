//! TFLite files of integers: a flatbuffer in, a [`Source`] out.
//!
//! A tensor of bytes becomes the bytes' own integers, an operator the nodes of its reference kernel: a zero point is
//! subtracted, integers are multiplied and added, and `Requantize` scales the sums as the kernel does, both roundings
//! included. What such a source computes is therefore what TFLite computes, bit by bit.

mod activation;
mod kernels;
mod layers;
mod names;
mod others;
mod quant;
mod schema;
mod table;
mod write;

use std::collections::BTreeSet;

use crate::{ImportError, Source};
use kernels::Place;
pub(crate) use kernels::rows;
use schema::{Model, Operator, wrong};
use write::{Op, Writer};

/// Reads a model whose tensors are int8 or uint8.
///
/// Operators and tensors that no result needs are left out. The source's input is the bytes themselves.
///
/// # Errors
/// [`ImportError`] says what is damaged, or names the operator that cannot be read and what would work.
pub fn read(bytes: &[u8]) -> Result<Source, ImportError> {
    let model = Model::new(bytes)?;
    if model.outputs.is_empty() {
        return Err(wrong("its graph yields nothing"));
    }
    let live = needed(&model);
    let mut writer = Writer::new(&model, 4 * bytes.len());
    inputs(&mut writer, &live)?;
    for index in live {
        let op = Op { node: &model.operators[index], index };
        writer.begin(&op);
        one(&mut writer, &op).map_err(|problem| fault(&model, &op, problem))?;
    }
    for &output in &model.outputs {
        let name = writer.result(output).map_err(wrong)?;
        writer.source.outputs.push(name);
    }
    Ok(writer.source)
}

/// An error at an operator, which is called as the tensor that it yields.
fn fault(model: &Model<'_>, op: &Op<'_>, problem: String) -> ImportError {
    let output = op.node.outputs.first().and_then(|&at| usize::try_from(at).ok());
    let name = output.and_then(|at| Some(model.tensor(at).ok()?.name.clone())).unwrap_or_default();
    ImportError::Node { index: op.index, name, op: op.node.name.clone(), problem }
}

/// How many of an operator's inputs are data: the others say sizes, which the tensors have too.
fn data_inputs(node: &Operator<'_>) -> usize {
    let is_sizes = kernels::find(node).is_some_and(|kernel| kernel.place == Place::Sizes);
    node.inputs.len().min(if is_sizes { 1 } else { usize::MAX })
}

/// Operators that the results need, in their order.
fn needed(model: &Model<'_>) -> Vec<usize> {
    let mut wanted: BTreeSet<i64> = model.outputs.iter().map(|&at| at as i64).collect();
    let mut live = Vec::new();
    for (index, node) in model.operators.iter().enumerate().rev() {
        if node.outputs.iter().any(|&at| wanted.contains(&i64::from(at))) {
            wanted.extend(node.inputs[..data_inputs(node)].iter().map(|&at| i64::from(at)));
            live.push(index);
        }
    }
    live.reverse();
    live
}

/// The bytes that the caller gives: the graph's inputs, or what a QUANTIZE or a RESHAPE at the beginning makes of them.
fn inputs(writer: &mut Writer<'_>, live: &[usize]) -> Result<(), ImportError> {
    let model = writer.model;
    for &at in &model.inputs {
        let tensor = model.tensor(at).map_err(wrong)?;
        let reads = |&&index: &&usize| model.operators[index].inputs.iter().any(|&input| input as usize == at);
        let readers: Vec<&usize> = live.iter().filter(reads).collect();
        if readers.is_empty() && !model.outputs.contains(&at) {
            continue;
        }
        let after = |place: Place| {
            let [only] = readers.as_slice() else { return None };
            let node = &model.operators[**only];
            let is_there = kernels::find(node).is_some_and(|kernel| kernel.place == place);
            let is_sole = is_there && !model.outputs.contains(&at);
            is_sole.then(|| node.output().ok().and_then(|to| model.tensor(to).ok())).flatten()
        };
        if let Some(bytes) = after(Place::Quantise).filter(|_| tensor.kind == "float32") {
            writer.take(at, &bytes.dims, bytes, &tensor.name);
            continue;
        }
        // Bytes have one order, under whatever sizes; an image is one from the beginning on, and stays one.
        let is_image =
            |sized: &&schema::Tensor<'_>| sized.count() == tensor.count() && sized.dims.len() > tensor.dims.len();
        let sized = after(Place::Sizes).filter(is_image);
        writer.take(at, &sized.unwrap_or(tensor).dims, tensor, &tensor.name);
    }
    Ok(())
}

/// Writes one operator.
fn one(writer: &mut Writer<'_>, op: &Op<'_>) -> Result<(), String> {
    if let Some(kernel) = kernels::find(op.node) {
        return (kernel.write)(writer, op);
    }
    match op.node.name.as_str() {
        "IF" | "WHILE" | "CALL" | "CALL_ONCE" => {
            Err("calls another graph of the file; convert the model without control flow".into())
        }
        "VAR_HANDLE" | "READ_VARIABLE" | "ASSIGN_VARIABLE" => {
            Err("keeps a variable from run to run; export the model without state, all its inputs given at once".into())
        }
        name => {
            let input = op.node.optional(0).and_then(|at| writer.tensor(at).ok());
            let of = input.map_or(String::new(), |tensor| format!(" of `{}` ({})", tensor.name, tensor.kind));
            Err(format!("{name}{of} has no integer form here; {}", kernels::known()))
        }
    }
}

#[cfg(test)]
mod tests;
