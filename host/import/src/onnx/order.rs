//! Nodes in an order in which they can be run, and only those that lead to a result.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ImportError, Source, SourceNode};

fn wrong(index: usize, node: &SourceNode, problem: String) -> ImportError {
    ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem }
}

/// Who makes each tensor: `None` for inputs and constants, else the position of a node.
type Makers<'s> = BTreeMap<&'s str, Option<usize>>;

/// Sorts the nodes of `source`, stably: a node that can run is run before later ones.
///
/// # Errors
/// Names a tensor that is defined twice or by nobody, or a node that waits for its own result.
pub(super) fn sort(source: &mut Source) -> Result<(), ImportError> {
    let makers = makers(source)?;
    let waits = waits(source, &makers)?;
    if let Some(output) = source.outputs.iter().find(|output| !makers.contains_key(output.as_str())) {
        return Err(ImportError::Value { name: output.clone(), problem: "is a result that no node yields".into() });
    }
    let order = order(&waits).map_err(|index| {
        wrong(index, &source.nodes[index], "waits for its own result: the graph has a cycle".into())
    })?;
    let mut nodes: Vec<Option<SourceNode>> = std::mem::take(&mut source.nodes).into_iter().map(Some).collect();
    source.nodes = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    Ok(())
}

fn makers(source: &Source) -> Result<Makers<'_>, ImportError> {
    let mut makers: Makers<'_> = source.inputs.iter().map(|input| (input.name.as_str(), None)).collect();
    makers.extend(source.constants.keys().map(|name| (name.as_str(), None)));
    for (index, node) in source.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if makers.insert(output, Some(index)).is_some() {
                return Err(wrong(index, node, format!("yields `{output}`, which is defined already")));
            }
        }
    }
    Ok(makers)
}

/// For each node the nodes that it waits for.
fn waits(source: &Source, makers: &Makers<'_>) -> Result<Vec<Vec<usize>>, ImportError> {
    let of = |(index, node): (usize, &SourceNode)| {
        let read = node.inputs.iter().filter(|input| !input.is_empty());
        let maker = |input: &String| {
            makers.get(input.as_str()).copied().ok_or_else(|| {
                wrong(index, node, format!("reads `{input}`, which is no input, no constant and no node's result"))
            })
        };
        read.map(maker).filter_map(Result::transpose).collect()
    };
    source.nodes.iter().enumerate().map(of).collect()
}

/// The nodes in the order in which they are run, or one that waits for itself.
fn order(waits: &[Vec<usize>]) -> Result<Vec<usize>, usize> {
    let mut left: Vec<usize> = waits.iter().map(Vec::len).collect();
    let mut readers = vec![Vec::new(); waits.len()];
    for (index, waits) in waits.iter().enumerate() {
        waits.iter().for_each(|&maker| readers[maker].push(index));
    }
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|&index| left[index] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in &readers[index] {
            left[reader] -= 1;
            if left[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    let Some(mut index) = (0..waits.len()).find(|&index| left[index] > 0) else { return Ok(order) };
    // Whoever waits in vain waits for another that does; after as many steps as nodes that is one of a circle.
    for _ in 0..waits.len() {
        index = waits[index].iter().copied().find(|&maker| left[maker] > 0).unwrap_or(index);
    }
    Err(index)
}

/// Removes nodes and constants that no result needs.
pub(super) fn prune(source: &mut Source) {
    let mut needed: BTreeSet<String> = source.outputs.iter().cloned().collect();
    let mut kept = Vec::new();
    while let Some(node) = source.nodes.pop() {
        if node.outputs.iter().any(|output| needed.contains(output)) {
            needed.extend(node.inputs.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    source.nodes = kept;
    source.constants.retain(|name, _| needed.contains(name));
    source.inputs.retain(|input| needed.contains(&input.name));
    source.types.retain(|name, _| needed.contains(name));
}
