//! The state of the walk over a source's nodes: what is known of each tensor, and the graph so far.

use std::collections::BTreeMap;

use bitfab_graph::{Graph, Interface, Node, Op};

use crate::cure::Cure;
use crate::input::InputMap;
use crate::layout::{Layout, input_layout};
use crate::lower::coded::{Code, Coded};
use crate::lower::describe::describe;
use crate::lower::imported::{Folded, Tie};
use crate::operators::{self, Operator};
use crate::{Array, ImportError, Source};

/// Shorthand for what stops the lowering.
pub(crate) type Fault = ImportError;

/// The walk over the nodes.
pub(crate) struct Lowering<'s> {
    pub source: &'s Source,
    /// The row of each node's operator; `None` of one that is not known.
    pub operators: Vec<Option<&'static Operator>>,
    /// Results of nodes that read constants alone.
    pub constants: BTreeMap<String, Array>,
    pub values: BTreeMap<String, Coded>,
    /// Tensors that were needed as plain integers.
    pub finite: BTreeMap<String, Coded>,
    /// Results behind a softmax or an arg max, and the scores before it: nothing more may be computed of them.
    pub ended: BTreeMap<String, String>,
    pub graph: Graph,
    pub input: InputMap,
    pub input_layout: Layout,
    pub ties: Vec<Tie>,
    pub folded: Vec<Folded>,
    pub notes: Vec<String>,
}

impl<'s> Lowering<'s> {
    pub fn new(source: &'s Source, map: InputMap, interface: Interface) -> Result<Self, Fault> {
        let input = &source.inputs[0];
        let layout = input_layout(source, input)?;
        let graph =
            Graph { input: layout.shape, input_kind: map.kind, nodes: Vec::new(), precisions: Vec::new(), interface };
        let channels = layout.shape.channels as usize;
        let code = Code::Bytes { low: map.range.0, high: map.range.1 };
        let step = map.multiplier / map.divisor;
        let coded = Coded::plain(code, layout, vec![step; channels], vec![map.real(0); channels]);
        let input_layout = coded.layout.clone();
        Ok(Self {
            source,
            operators: source.nodes.iter().map(operators::find).collect(),
            constants: BTreeMap::new(),
            values: BTreeMap::from([(input.name.clone(), coded)]),
            finite: BTreeMap::new(),
            ended: BTreeMap::new(),
            graph,
            input: map,
            input_layout,
            ties: Vec::new(),
            folded: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// A constant of the file or of folded nodes.
    pub fn constant(&self, name: &str) -> Option<&Array> {
        self.constants.get(name).or_else(|| self.source.constants.get(name))
    }

    /// Appends a node to the graph; gives its tensor.
    pub fn push(&mut self, name: &str, inputs: Vec<usize>, op: Op) -> usize {
        let name = self.unique(name);
        self.graph.nodes.push(Node { name, inputs, op });
        self.graph.nodes.len()
    }

    /// A name of at most 48 bytes that no node has yet: the end of a path says most.
    fn unique(&self, name: &str) -> String {
        let start = (name.len().saturating_sub(48)..=name.len()).find(|&at| name.is_char_boundary(at)).unwrap_or(0);
        let base = if name.is_empty() { "node" } else { &name[start..] };
        let is_free = |name: &String| self.graph.nodes.iter().all(|node| node.name != *name);
        let numbered = (2..).map(|number| format!("{base}.{number}"));
        std::iter::once(base.to_string()).chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Pushes the pending operation of sums and what is added to it; gives the tensor of the sums.
    pub fn emit(&mut self, coded: &Coded) -> usize {
        let Code::Sums { pending, .. } = &coded.code else { return coded.code.at().unwrap_or(0) };
        let mut at = self.push(&pending.name, vec![pending.input], pending.op.clone());
        let layer = self.graph.nodes[at - 1].name.clone();
        if let Some((residual, shift)) = pending.residual {
            at = self.push(&format!("{layer}.add"), vec![at, residual], Op::Add { shift });
        }
        let nodes = self.chain(coded).map(|(node, _)| node.name.clone());
        let from = std::iter::once(pending.name.clone()).chain(nodes).collect();
        self.folded.push(Folded { node: layer, what: describe(&pending.op), from, how: spread(&coded.scale) });
        at
    }

    /// Remembers where the values of a source's tensor are.
    pub fn tie(&mut self, tensor: &str, coded: &Coded) {
        let Some(at) = coded.code.at().filter(|&at| at > 0) else { return };
        self.ties.push(Tie {
            tensor: tensor.into(),
            node: self.layer(at),
            at,
            places: coded.layout.places.to_vec(),
            each: coded.each,
            scale: coded.scale.to_vec(),
            offset: coded.offset.to_vec(),
        });
    }

    /// The name of the layer that yields tensor `at` of the graph.
    pub fn layer(&self, mut at: usize) -> String {
        while let Op::Steps { .. } | Op::Scale { .. } | Op::Add { .. } = self.graph.nodes[at - 1].op {
            at = self.graph.nodes[at - 1].inputs[0];
        }
        self.graph.nodes[at - 1].name.clone()
    }

    /// An error at a node of the source.
    pub fn fault(&self, index: usize, problem: impl Into<String>) -> Fault {
        self.source.nodes[index].fault(index, problem.into())
    }

    /// An error at a node that a change would cure.
    pub fn curable(&self, index: usize, problem: impl Into<String>, cure: Cure) -> Fault {
        Fault::Curable { error: self.fault(index, problem).into(), cure: cure.into() }
    }

    /// A quantiser behind each of these tensors, of one step.
    pub fn quantised(&self, tensors: &[String]) -> Cure {
        let bits = tensors.iter().map(|name| self.bits_for(name)).min().unwrap_or(8);
        Cure::Quantise { tensors: tensors.to_vec(), bits }
    }

    /// An error at a tensor that one more quantiser would cure.
    pub fn unquantised(&self, tensor: &str, problem: impl Into<String>) -> Fault {
        let cure = self.quantised(&[tensor.into()]).into();
        Fault::Curable { error: self.trouble(tensor, problem).into(), cure }
    }

    /// An error at the node that yields a tensor of the source.
    pub fn trouble(&self, tensor: &str, problem: impl Into<String>) -> Fault {
        match self.source.nodes.iter().position(|node| node.outputs.iter().any(|output| output == tensor)) {
            Some(index) => self.fault(index, problem),
            None => Fault::Value { name: tensor.into(), problem: problem.into() },
        }
    }
}

/// The range of scales, for people.
fn spread(scales: &[f64]) -> String {
    let least = scales.iter().copied().fold(f64::INFINITY, f64::min);
    let most = scales.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if least == most { format!("one unit is {least:.6}") } else { format!("one unit is {least:.6} to {most:.6}") }
}
