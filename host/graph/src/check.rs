//! Judging a whole graph: names, wiring, and one inferred [`Tensor`] per step.

use crate::infer::infer;
use crate::limits::{MAX_ELEMENTS, MAX_NODES};
use crate::tensor::{Kind, Tensor};
use crate::{Graph, GraphError};

impl Graph {
    /// Checks everything and infers every tensor: element 0 is the input, element `i + 1` the result of node `i`.
    ///
    /// # Errors
    /// Names the first node that is wrong; never panics.
    pub fn check(&self) -> Result<Vec<Tensor>, GraphError> {
        let tensors = self.check_nodes()?;
        self.check_precisions(&tensors)?;
        let output = tensors.last().map_or(self.input, |tensor| tensor.shape);
        self.interface.check(tensors[0], self.input_kind, output)?;
        Ok(tensors)
    }

    /// Frame and nodes of the lowest precision.
    pub(crate) fn check_nodes(&self) -> Result<Vec<Tensor>, GraphError> {
        self.check_frame()?;
        let mut tensors = vec![Tensor { shape: self.input, kind: Kind::Bytes(self.input_kind) }];
        for index in 0..self.nodes.len() {
            let tensor = self.check_node(index, &tensors).map_err(|problem| self.node_error(index, problem))?;
            tensors.push(tensor);
        }
        self.check_all_used()?;
        Ok(tensors)
    }

    /// The input and the number of nodes.
    fn check_frame(&self) -> Result<(), GraphError> {
        if !(1..=MAX_ELEMENTS).contains(&self.input.elements()) {
            return Err(GraphError::Input { shape: self.input.to_string(), limit: MAX_ELEMENTS });
        }
        if !(1..=MAX_NODES).contains(&self.nodes.len()) {
            return Err(GraphError::NodeCount { count: self.nodes.len(), limit: MAX_NODES });
        }
        Ok(())
    }

    /// Name and inputs of one node, then its result.
    fn check_node(&self, index: usize, tensors: &[Tensor]) -> Result<Tensor, String> {
        let node = &self.nodes[index];
        if node.name.is_empty() {
            return Err("the name is empty; give it one".into());
        }
        if let Some(first) = self.nodes[..index].iter().position(|n| n.name == node.name) {
            return Err(format!("node {first} has the same name; names must differ"));
        }
        if node.inputs.len() != node.op.arity() {
            let (found, need) = (node.inputs.len(), node.op.arity());
            return Err(format!("has {found} inputs, needs {need}"));
        }
        let inputs = node.inputs.iter().map(|&at| {
            tensors.get(at).copied().ok_or_else(|| format!("reads tensor {at}, but only 0 to {index} exist before it"))
        });
        let tensor = infer(&node.op, &inputs.collect::<Result<Vec<_>, _>>()?)?;
        if !(1..=MAX_ELEMENTS).contains(&tensor.shape.elements()) {
            let shape = tensor.shape;
            return Err(format!("yields {shape}; 1 to {MAX_ELEMENTS} values are allowed"));
        }
        Ok(tensor)
    }

    /// Every tensor but the last is read by someone.
    fn check_all_used(&self) -> Result<(), GraphError> {
        let mut used = vec![false; self.nodes.len() + 1];
        for &at in self.nodes.iter().flat_map(|node| &node.inputs) {
            used[at] = true;
        }
        let last = self.nodes.len();
        match (1..last).find(|&at| !used[at]) {
            Some(at) => Err(self.node_error(at - 1, "nobody reads its result; remove it".into())),
            None => Ok(()),
        }
    }

    /// An error that names the node.
    pub(crate) fn node_error(&self, index: usize, problem: String) -> GraphError {
        let node = &self.nodes[index];
        GraphError::Node { index, name: node.name.clone(), op: node.op.label(), problem }
    }
}
