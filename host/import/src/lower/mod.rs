//! From a source to a graph: every sum of products becomes a layer, all between two of them one step function.
//!
//! A tensor of the source is kept as integers and the chain of nodes that makes its real numbers of them.
//! Where a weighted node, a pool or an addition reads it, the chain is evaluated by the executor itself, by bisection
//! over the integers, so that whatever the nodes do is folded as it is.

mod chain;
mod clamped;
mod coded;
mod finish;
mod levels;
mod line;
mod nodes;
mod stepped;
mod sums;
mod ties;
mod weights;
mod windows;

use std::collections::BTreeMap;

use bitfab_graph::{Graph, Node, Op, Shape};

use crate::input::{Entry, InputMap};
use crate::nearest::Cure;
use crate::{Array, ImportError, Prepared, Source};
use coded::{Code, Coded, Layout, Link};
pub(crate) use weights::Matrix;
pub(crate) use windows::input_layout;

/// Shorthand for what stops the lowering.
pub(crate) type Fault = ImportError;

/// Choices of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// What rows are made of; left out where the model begins with a quantiser: the bytes are then its integers, or rows
    /// are real values where arithmetic before it becomes codings.
    pub input: Option<Entry>,
}

/// A tensor of the source and the integers that stand for it:
/// `value = offset + sum over i of scale[i] * integer[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// Name of the source's tensor.
    pub tensor: String,
    /// Name of the layer whose result holds the integers: the graph's node that sums, encodes or pools.
    pub node: String,
    /// The graph's tensor.
    pub at: usize,
    /// For each element of the source's tensor its place among the values of the graph's tensor, in units of `each`.
    pub places: Vec<u32>,
    /// Integers an element.
    pub each: usize,
    /// `each` factors for each channel.
    pub scale: Vec<f64>,
    /// One for each channel.
    pub offset: Vec<f64>,
}

/// What became of a part of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The node of the graph.
    pub node: String,
    /// What it does, with its kind of weights and sizes.
    pub what: String,
    /// The source's nodes that it stands for, in their order.
    pub from: Vec<String>,
    /// How scales and constants were folded.
    pub how: String,
}

/// An imported model.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// What was lowered: the file's nodes, compound ones written out, from where the bytes enter.
    pub source: Source,
    /// The integers.
    pub graph: Graph,
    /// How bytes become the model's input.
    pub input: InputMap,
    /// Sizes of the source's input.
    pub input_dims: Vec<usize>,
    /// For each element of the source's input its byte.
    pub input_places: Vec<u32>,
    /// Where the source's tensors are found in the graph, in the order of the graph.
    pub ties: Vec<Tie>,
    /// What became of the source's nodes.
    pub folded: Vec<Folded>,
    /// What a user should know: what was left out and why that changes nothing, and what was snapped.
    pub notes: Vec<String>,
}

/// Lowers `source`.
///
/// # Errors
/// [`ImportError`] names the node that has no exact integer form, and what would work.
pub fn lower(source: Source, options: &Options) -> Result<Imported, ImportError> {
    Prepared::new(source, options)?.lower()
}

/// Lowers what was prepared.
pub(crate) fn lowered(prepared: Prepared) -> Result<Imported, ImportError> {
    let Prepared { source, input, note, front, .. } = prepared;
    let mut lowering = Lowering::new(&source, input)?;
    if let Some(front) = front {
        lowering.graph.interface = front.interface();
    }
    lowering.notes.extend(note);
    for index in 0..source.nodes.len() {
        lowering.node(index)?;
    }
    let imported = lowering.finish()?;
    Ok(Imported { source, ..imported })
}

/// The walk over the nodes.
pub(crate) struct Lowering<'s> {
    pub source: &'s Source,
    /// Results of nodes that read constants alone.
    constants: BTreeMap<String, Array>,
    values: BTreeMap<String, Coded>,
    /// Tensors that were needed as plain integers.
    finite: BTreeMap<String, Coded>,
    /// Results behind a softmax or an arg max, and the scores before it: nothing more may be computed of them.
    ended: BTreeMap<String, String>,
    graph: Graph,
    input: InputMap,
    input_layout: Layout,
    ties: Vec<Tie>,
    folded: Vec<Folded>,
    notes: Vec<String>,
}

impl<'s> Lowering<'s> {
    fn new(source: &'s Source, map: InputMap) -> Result<Self, Fault> {
        let input = &source.inputs[0];
        let layout = input_layout(source, input)?;
        let graph = Graph {
            input: layout.shape,
            input_kind: map.kind,
            nodes: Vec::new(),
            precisions: Vec::new(),
            interface: Default::default(),
        };
        let channels = layout.shape.channels as usize;
        let code = Code::Bytes { low: map.range.0, high: map.range.1 };
        let step = map.multiplier / map.divisor;
        let coded = Coded::plain(code, layout, vec![step; channels], vec![map.real(0); channels]);
        let input_layout = coded.layout.clone();
        Ok(Self {
            source,
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
        let nodes = coded.chain.iter().filter_map(|link| match link {
            Link::Node { index, .. } => Some(self.source.nodes[*index].name.clone()),
            Link::Pool { .. } => None,
        });
        let from = std::iter::once(pending.name.clone()).chain(nodes).collect();
        self.folded.push(Folded { node: layer, what: windows::describe(&pending.op), from, how: spread(&coded.scale) });
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
        let node = &self.source.nodes[index];
        let op = if node.domain.is_empty() { node.op.clone() } else { format!("{}.{}", node.domain, node.op) };
        Fault::Node { index, name: node.name.clone(), op, problem: problem.into() }
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

/// A shape from sizes of a file.
pub(crate) fn shape(sizes: [usize; 3]) -> Result<Shape, String> {
    let size = |size: usize| u32::try_from(size).map_err(|_| format!("a size of {size} is too large"));
    Ok(Shape::new(size(sizes[0])?, size(sizes[1])?, size(sizes[2])?))
}
