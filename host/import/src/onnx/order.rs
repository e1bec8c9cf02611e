//! Nodes in an order in which they can be run, and only those that lead to a result.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ImportError, Source, SourceNode};

fn wrong(index: usize, node: &SourceNode, problem: String) -> ImportError {
    ImportError::Node { index, name: node.name.clone(), op: node.op.clone(), problem }
}

/// Sorts the nodes of `source`, stably: a node that can run is run before later ones.
///
/// # Errors
/// Names a tensor that is defined twice or by nobody, or a node that waits for its own result.
pub(super) fn sort(source: &mut Source) -> Result<(), ImportError> {
    let mut made: BTreeMap<&str, Option<usize>> =
        source.inputs.iter().map(|input| (input.name.as_str(), None)).collect();
    made.extend(source.constants.keys().map(|name| (name.as_str(), None)));
    for (index, node) in source.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if made.insert(output, Some(index)).is_some() {
                return Err(wrong(index, node, format!("yields `{output}`, which is defined already")));
            }
        }
    }
    // How many results of other nodes each one waits for, and who waits for each.
    let mut waits = vec![0; source.nodes.len()];
    let mut readers = vec![Vec::new(); source.nodes.len()];
    for (index, node) in source.nodes.iter().enumerate() {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            match made.get(input.as_str()) {
                None => {
                    let problem = format!("reads `{input}`, which is no input, no constant and no node's result");
                    return Err(wrong(index, node, problem));
                }
                Some(None) => {}
                Some(Some(maker)) => {
                    waits[index] += 1;
                    readers[*maker].push(index);
                }
            }
        }
    }
    for output in &source.outputs {
        if !made.contains_key(output.as_str()) {
            return Err(ImportError::Value { name: output.clone(), problem: "is a result that no node yields".into() });
        }
    }
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|&index| waits[index] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if let Some(index) = (0..waits.len()).find(|&index| waits[index] > 0) {
        return Err(wrong(index, &source.nodes[index], "waits for its own result: the graph has a cycle".into()));
    }
    let mut nodes: Vec<Option<SourceNode>> = std::mem::take(&mut source.nodes).into_iter().map(Some).collect();
    source.nodes = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    Ok(())
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
}
