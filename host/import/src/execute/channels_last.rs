//! QONNX's operators whose channels are the last axis: turned to ONNX's order, computed, and turned back.

use super::{Mode, Outputs, apply_within, transposed};
use crate::{Array, SourceNode};

/// The domain of these operators.
pub(super) const DOMAIN: &str = "qonnx.custom_op.channels_last";

pub(super) fn apply(node: &SourceNode, inputs: &[Option<&Array>], opset: i64, mode: &Mode) -> Outputs {
    // Weights of a convolution have their input channels last too; all other constants have one axis.
    let turned = match node.op.as_str() {
        "Conv" => 2,
        "MaxPool" | "AveragePool" | "BatchNormalization" => 1,
        other => return Err(format!("the operator {other} is not known with channels last")),
    };
    let first: Vec<Option<Array>> = inputs.iter().take(turned).map(|input| input.map(to_first)).collect();
    let mut all: Vec<Option<&Array>> = first.iter().map(Option::as_ref).collect();
    all.extend(inputs.iter().skip(turned));
    let node = SourceNode { domain: String::new(), ..node.clone() };
    let outputs = apply_within(&node, &all, opset, mode)?;
    Ok(outputs.iter().map(to_last).collect())
}

/// Moves the last axis behind the first.
fn to_first(array: &Array) -> Array {
    let rank = array.dims.len();
    turn(array, (0..rank).map(|axis| if axis < 2 { axis * rank.saturating_sub(1) } else { axis - 1 }).collect())
}

/// Moves the second axis to the end.
fn to_last(array: &Array) -> Array {
    let rank = array.dims.len();
    turn(array, (0..rank).map(|axis| if axis == 0 || rank == 1 { axis } else { axis % (rank - 1) + 1 }).collect())
}

fn turn(array: &Array, order: Vec<usize>) -> Array {
    let values = transposed(&array.dims, &order).into_iter().map(|place| array.values[place]).collect();
    Array::new(order.iter().map(|&axis| array.dims[axis]).collect::<Vec<_>>(), values)
}
