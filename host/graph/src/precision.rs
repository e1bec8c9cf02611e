//! One graph at several precisions: the same weights with more planes, and other constants behind them.

use crate::limits::MAX_WEIGHT_BITS;
use crate::ops::Op;
use crate::tensor::{Kind, Tensor};
use crate::weights::{WeightQuantizer, Weights};
use crate::{Graph, GraphError};
use serde::{Deserialize, Serialize};

/// What differs from the lowest precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// Bits of every [`WeightQuantizer::Planes`] layer.
    pub planes: u32,
    /// Nodes that are replaced, by their position; each by the same operation with other constants.
    pub ops: Vec<(usize, Op)>,
}

impl Op {
    /// The weights of a dense layer or convolution.
    pub fn weights(&self) -> Option<&Weights> {
        match self {
            Self::Dense { weights } | Self::Conv2d { weights, .. } => Some(weights),
            _ => None,
        }
    }

    /// The weights of a dense layer or convolution, to be changed.
    pub fn weights_mut(&mut self) -> Option<&mut Weights> {
        match self {
            Self::Dense { weights } | Self::Conv2d { weights, .. } => Some(weights),
            _ => None,
        }
    }
}

impl Graph {
    /// The number of planes of every precision, rising; empty if no layer has planes.
    ///
    /// Without [`precisions`](Self::precisions) layers may have different numbers; then the largest is given.
    pub fn planes(&self) -> Vec<u32> {
        let lowest = self.plane_bits().max();
        lowest.into_iter().chain(self.precisions.iter().map(|one| one.planes)).collect()
    }

    /// Bits of every layer of planes.
    fn plane_bits(&self) -> impl Iterator<Item = u32> + '_ {
        let weights = self.nodes.iter().filter_map(|node| node.op.weights());
        weights.filter_map(|weights| match weights.quantizer {
            WeightQuantizer::Planes { bits } => Some(bits),
            _ => None,
        })
    }

    /// The graph at one of its precisions, alone.
    ///
    /// # Errors
    /// [`GraphError::Precision`] if the graph does not have it.
    pub fn at(&self, planes: u32) -> Result<Self, GraphError> {
        let mut graph = Self { precisions: Vec::new(), ..self.clone() };
        if self.plane_bits().max() == Some(planes) {
            return Ok(graph);
        }
        let wrong = |problem: String| GraphError::Precision { planes, problem };
        let found = self.precisions.iter().find(|one| one.planes == planes);
        let precision = found.ok_or_else(|| wrong(format!("not in the graph, it has {:?}", self.planes())))?;
        for (index, op) in &precision.ops {
            let node = graph.nodes.get_mut(*index).ok_or_else(|| wrong(format!("replaces node {index}, not there")))?;
            node.op = op.clone();
        }
        for weights in graph.nodes.iter_mut().filter_map(|node| node.op.weights_mut()) {
            if let WeightQuantizer::Planes { bits } = &mut weights.quantizer {
                *bits = planes;
            }
        }
        Ok(graph)
    }

    /// Rising planes, replacements of the same kind, and every precision a sound graph of the same tensors.
    pub(crate) fn check_precisions(&self, tensors: &[Tensor]) -> Result<(), GraphError> {
        let Some(first) = self.precisions.first() else {
            return Ok(());
        };
        let wrong = |planes: u32, problem: &str| Err(GraphError::Precision { planes, problem: problem.into() });
        let Some(mut last) = self.plane_bits().max() else {
            return wrong(first.planes, "no layer of the graph has planes");
        };
        if self.plane_bits().any(|bits| bits != last) {
            return wrong(first.planes, "the layers of the lowest precision differ in their planes");
        }
        for one in &self.precisions {
            if one.planes <= last || one.planes > MAX_WEIGHT_BITS {
                return wrong(one.planes, &format!("must be above {last} and at most {MAX_WEIGHT_BITS}"));
            }
            last = one.planes;
            self.check_precision(one, tensors)?;
        }
        Ok(())
    }

    /// The replacements of one precision and what comes out of them.
    fn check_precision(&self, one: &Precision, tensors: &[Tensor]) -> Result<(), GraphError> {
        let wrong = |problem: String| GraphError::Precision { planes: one.planes, problem };
        for (index, op) in &one.ops {
            let replaced = self.nodes.get(*index).map(|node| node.op.label());
            if replaced != Some(op.label()) || op.weights().is_some() {
                return Err(wrong(format!("node {index} cannot become '{}'", op.label())));
            }
        }
        let found = self.at(one.planes)?.check_nodes().map_err(|error| wrong(error.to_string()))?;
        let is_sum = |kind| matches!(kind, Kind::Accumulator { .. });
        let is_same =
            |(a, b): (&Tensor, &Tensor)| a.shape == b.shape && (a.kind == b.kind || is_sum(a.kind) && is_sum(b.kind));
        match found.iter().zip(tensors).position(|pair| !is_same(pair)) {
            Some(at) => Err(wrong(format!(
                "tensor {at} is {} at the lowest precision, here {}",
                tensors[at].kind, found[at].kind
            ))),
            None => Ok(()),
        }
    }
}
