//! Types of numbers, as far as results depend on them: where quantisers saturate, and that integers divide whole.

use super::tensor::type_name;
use crate::operators::{self, DIV, QUANTIZE_LINEAR, Types};
use crate::source::Attribute;
use crate::{ImportError, Source, SourceNode};

/// The attribute that says in which type a quantiser saturates.
const ZERO_POINT: &str = "zero_point_type";
/// The attribute of a division of integers.
const WHOLE: &str = "whole";

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
        let operator = operators::find(node);
        let kinds = operator.map_or(Types::Of(0), |operator| operator.types);
        let results = results(node, kinds, &of);
        let is_whole = operator == Some(&DIV) && of(0).is_some_and(|name| name.contains("int"));
        if is_whole {
            node.attributes.insert(WHOLE.into(), Attribute::Int(1));
        }
        if matches!(kinds, Types::ZeroPoint(_)) {
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
fn results(node: &SourceNode, types: Types, of: &dyn Fn(usize) -> Option<String>) -> [Option<String>; 2] {
    let index = || Some("int64".to_string());
    match types {
        Types::Of(at) => [of(at), of(at)],
        Types::Indexed => [of(0), index()],
        Types::Indices => [index(), None],
        Types::Sums => [Some("int32".into()), None],
        Types::Truth => [Some("bool".into()), None],
        Types::Cast => [named(node.int("to")), None],
        Types::Unknown => [None, None],
        Types::ZeroPoint(at) if node.inputs.get(at).is_some_and(|name| !name.is_empty()) => [of(at), None],
        Types::ZeroPoint(_) if node.op == QUANTIZE_LINEAR.name => {
            let asked = node.int("output_dtype").filter(|&code| code != 0);
            [asked.map_or(Some("uint8".into()), |code| named(Some(code))), None]
        }
        Types::ZeroPoint(_) => [Some("float".into()), None],
    }
}
