//! Types of numbers, as far as results depend on them: where quantisers saturate, and that integers divide whole.

use super::tensor::type_name;
use crate::source::Attribute;
use crate::{ImportError, Source, SourceNode};

/// The attribute that says in which type a quantiser saturates.
const ZERO_POINT: &str = "zero_point_type";
/// The attribute of a division of integers.
const WHOLE: &str = "whole";

/// The input that is the zero point of a node's result.
fn zero_point(node: &SourceNode) -> Option<usize> {
    match node.op.as_str() {
        "QuantizeLinear" => Some(2),
        "QLinearConv" | "QLinearMatMul" => Some(7),
        "QGemm" => Some(8),
        _ => None,
    }
}

/// Follows the types through the nodes and leaves at each what it needs to know.
///
/// # Errors
/// Names a quantiser whose type is not known.
pub(super) fn remember(source: &mut Source) -> Result<(), ImportError> {
    let mut types = source.types.clone();
    for (index, node) in source.nodes.iter_mut().enumerate() {
        node.attributes.remove(ZERO_POINT);
        node.attributes.remove(WHOLE);
        let of = |at: usize| node.inputs.get(at).and_then(|name| types.get(name)).cloned();
        let results = results(node, &of);
        let is_whole = node.op == "Div" && of(0).is_some_and(|name| name.contains("int"));
        if is_whole {
            node.attributes.insert(WHOLE.into(), Attribute::Int(1));
        }
        if zero_point(node).is_some() {
            let Some(name) = results[0].clone() else {
                let problem = "the type of its zero point is not known; make the zero point a constant".into();
                return Err(ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem });
            };
            node.attributes.insert(ZERO_POINT.into(), Attribute::Text(name));
        }
        for (output, name) in node.outputs.iter().zip(results) {
            types.extend(name.map(|name| (output.clone(), name)));
        }
    }
    Ok(())
}

/// The type by ONNX's number for it.
fn named(code: Option<i64>) -> Option<String> {
    let code = i32::try_from(code?).ok()?;
    type_name(code).map(|(name, _)| name.into())
}

/// The types of a node's first two results.
fn results(node: &SourceNode, of: &dyn Fn(usize) -> Option<String>) -> [Option<String>; 2] {
    let index = || Some("int64".to_string());
    if let Some(at) = zero_point(node) {
        let is_given = node.inputs.get(at).is_some_and(|name| !name.is_empty());
        let asked = node.int("output_dtype").filter(|&code| code != 0);
        let first = match (is_given, node.op.as_str()) {
            (true, _) => of(at),
            (false, "QuantizeLinear") => asked.map_or(Some("uint8".into()), |code| named(Some(code))),
            (false, _) => Some("float".into()),
        };
        return [first, None];
    }
    match node.op.as_str() {
        "Shape" | "Size" | "ArgMax" | "ArgMin" => [index(), None],
        "TopK" | "MaxPool" => [of(0), index()],
        "Cast" => [named(node.int("to")), None],
        "DequantizeLinear" => [of(1), None],
        "MatMulInteger" | "ConvInteger" => [Some("int32".into()), None],
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Not" | "And" | "Or" => {
            [Some("bool".into()), None]
        }
        "Where" => [of(1), None],
        "ConstantOfShape" => [None, None],
        _ => [of(0), of(0)],
    }
}
