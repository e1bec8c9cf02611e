//! Nodes that read constants alone, computed once and as the software did that trained them.

use std::cell::Cell;

use crate::array::MAX_VALUES;
use crate::operators::{MAX_STEPS, Mode, apply};
use crate::{ImportError, Source, SourceNode};

/// Whether all that a node yields is among the constants.
pub(crate) fn is_known(node: &SourceNode, source: &Source) -> bool {
    let mut wanted = node.outputs.iter().filter(|name| !name.is_empty()).peekable();
    wanted.peek().is_some() && wanted.all(|name| source.constants.contains_key(name))
}

/// Computes every node that reads constants alone and puts its results among them; the nodes stay.
///
/// Weights were quantised in 32 bits where the model was trained and is run: a quotient that is a tie there may be
/// none in 64 bits.
///
/// # Errors
/// The first node that cannot be computed.
pub(crate) fn fold(source: &mut Source) -> Result<(), ImportError> {
    let mode = Mode { steps: Cell::new(MAX_STEPS), is_single: true };
    let mut kept: usize = source.constants.values().map(|array| array.values.len()).sum();
    for index in 0..source.nodes.len() {
        let node = &source.nodes[index];
        let has_all = node.inputs.iter().all(|name| name.is_empty() || source.constants.contains_key(name));
        if !has_all || is_known(node, source) {
            continue;
        }
        let wrong =
            |problem: String| ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem };
        let inputs: Vec<_> = node.inputs.iter().map(|name| source.constants.get(name)).collect();
        let outputs = apply(node, &inputs, source.opset, &mode).map_err(wrong)?;
        kept = outputs.iter().fold(kept, |kept, output| kept.saturating_add(output.values.len()));
        if kept > MAX_VALUES {
            return Err(wrong(format!("with its results more than {MAX_VALUES} values are kept")));
        }
        let names = node.outputs.clone();
        source.constants.extend(names.into_iter().zip(outputs).filter(|(name, _)| !name.is_empty()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Array;

    #[test]
    fn weights_fall_as_in_32_bits() {
        // 1.75 / 0.7 is 2.50000004 where 0.7 has 32 bits: a tie in 32 bits, which goes to 2, and more than one in 64.
        let scale = f64::from(0.7f32);
        let constants = [("w", 1.75), ("s", scale), ("z", 0.0), ("bits", 4.0)];
        let node = SourceNode {
            op: "Quant".into(),
            inputs: constants.map(|(name, _)| name.to_string()).into(),
            outputs: vec!["q".into()],
            ..SourceNode::default()
        };
        let mut source = Source {
            nodes: vec![node.clone()],
            constants: constants.map(|(name, value)| (name.to_string(), Array::new([], vec![value]))).into(),
            ..Source::default()
        };
        let inputs: Vec<_> = node.inputs.iter().map(|name| source.constants.get(name)).collect();
        let exact = apply(&node, &inputs, 13, &Mode::new(MAX_STEPS)).expect("it is computed");
        assert_eq!(exact[0].values, [3.0 * scale], "in 64 bits");
        fold(&mut source).expect("it is folded");
        assert_eq!(source.constants["q"].values, [2.0 * scale]);
        // What is known is not computed again.
        assert!(crate::execute::run(&source, &BTreeMap::new()).expect("it runs").is_empty());
    }
}
