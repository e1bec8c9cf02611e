//! QONNX's operators whose channels are the last axis: turned to ONNX's order, computed, and turned back.

use super::compound::Writer;
use super::operator::Operator;
use super::shape::TRANSPOSE;
use crate::array::transposed;
use crate::{Array, Attribute, SourceNode};

/// The domain of these operators.
pub(super) const DOMAIN: &str = "qonnx.custom_op.channels_last";

/// The leading `turned` inputs in ONNX's order: weights of a convolution have their input channels last too, all other
/// constants have one axis.
pub(super) fn to_first(inputs: &[Option<&Array>], turned: usize) -> Vec<Option<Array>> {
    let turn = |input: &Option<&Array>| {
        let array = (*input)?;
        let rank = array.dims.len();
        let from = |axis: usize| if axis < 2 { axis * rank.saturating_sub(1) } else { axis - 1 };
        Some(permuted(array, (0..rank).map(from).collect()))
    };
    inputs.iter().take(turned).map(turn).collect()
}

/// A result with its second axis at the end.
pub(super) fn to_last(array: &Array) -> Array {
    let rank = array.dims.len();
    let from = |axis: usize| if axis == 0 || rank == 1 { axis } else { axis % (rank - 1) + 1 };
    permuted(array, (0..rank).map(from).collect())
}

fn permuted(array: &Array, order: Vec<usize>) -> Array {
    let values = transposed(&array.dims, &order).into_iter().map(|place| array.values[place]).collect();
    Array::new(order.iter().map(|&axis| array.dims[axis]).collect::<Vec<_>>(), values)
}

/// The same as nodes: transpositions round the plain operator.
pub(super) fn expand(writer: &mut Writer<'_>, node: &SourceNode, operator: &Operator) {
    let rank = node.ints("kernel_shape").map_or(4, |kernel| kernel.len() + 2) as i64;
    let first: Vec<i64> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    let last: Vec<i64> = [0].into_iter().chain(2..rank).chain([1]).collect();
    let mut inputs = node.inputs.clone();
    for (at, input) in inputs.iter_mut().enumerate().take(operator.turned.max(1)) {
        let output = format!("{}.first{at}", node.outputs[0]);
        let made = TRANSPOSE.write(writer, node, &format!("first{at}"), vec![input.clone()], output.clone());
        made.attributes.insert("perm".into(), Attribute::Ints(first.clone()));
        *input = output;
    }
    let output = format!("{}.first", node.outputs[0]);
    let made = operator.write(writer, node, "plain", inputs, output.clone());
    made.attributes = node.attributes.clone();
    let made = TRANSPOSE.write(writer, node, "last", vec![output], node.outputs[0].clone());
    made.attributes.insert("perm".into(), Attribute::Ints(last));
}
