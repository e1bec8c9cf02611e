//! The quantiser with which a source begins, and what may stand before it: nodes that codings can stand for.

use bitfab_graph::ByteKind;

use crate::input::InputMap;
use crate::operators::{self, Entry, Operator, Role};
use crate::{Source, SourceNode};

/// The nodes from the input on that have one reader each, up to the first quantiser.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Their places, in their order; the quantiser last.
    pub nodes: Vec<usize>,
    /// The last node, if it is a quantiser of at most 8 bits.
    pub quantiser: Option<Quantiser>,
}

/// `byte = round(x / step) + zero`, within a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantiser {
    pub kind: ByteKind,
    pub step: f64,
    pub zero: i64,
    pub range: (i64, i64),
    /// Whether its result are the integers, not the real numbers that they stand for.
    pub is_integer: bool,
}

impl Path {
    /// The path from the input `name` on.
    pub fn new(source: &Source, name: &str) -> Self {
        let (mut name, mut nodes) = (name.to_string(), Vec::new());
        while let Some(next) = follower(source, &name) {
            let node = &source.nodes[next];
            let operator = operators::find(node);
            if operator.is_some_and(Operator::may_precede_quantiser) {
                nodes.push(next);
                name.clone_from(&node.outputs[0]);
                continue;
            }
            let quantiser = match operator.map(|operator| operator.entry) {
                Some(Entry::Bits) => quant(source, node),
                Some(Entry::ZeroPoint) => linear(source, node),
                _ => None,
            };
            nodes.extend(quantiser.map(|_| next));
            return Self { nodes, quantiser };
        }
        Self { nodes, quantiser: None }
    }

    /// Whether nothing but sizes changes before the quantiser.
    pub fn is_plain(&self, source: &Source) -> bool {
        let before = self.nodes.len() - usize::from(self.quantiser.is_some());
        self.nodes[..before].iter().all(|&index| keeps_values(&source.nodes[index]))
    }

    /// Without a quantiser: the same up to the last node of arithmetic.
    pub fn arithmetic(mut self, source: &Source) -> Self {
        let last = self.nodes.iter().rposition(|&index| !keeps_values(&source.nodes[index]));
        self.nodes.truncate(last.map_or(0, |last| last + 1));
        self
    }
}

fn keeps_values(node: &SourceNode) -> bool {
    operators::find(node).is_some_and(Operator::keeps_values)
}

/// The one node that reads the values of a tensor; others may ask for its sizes.
fn follower(source: &Source, name: &str) -> Option<usize> {
    let is_sizes = |node: &SourceNode| operators::find(node).is_some_and(|operator| operator.role == Role::SizesOf);
    let reads = |node: &SourceNode| node.inputs.iter().any(|input| input == name) && !is_sizes(node);
    let mut readers = (0..source.nodes.len()).filter(|&index| reads(&source.nodes[index]));
    readers.next().filter(|_| readers.next().is_none() && !source.outputs.iter().any(|output| output == name))
}

impl Quantiser {
    /// How its bytes stand for the real numbers that it is given.
    pub fn reals(&self) -> InputMap {
        InputMap { zero: self.zero, multiplier: self.step, range: self.range, ..InputMap::new(self.kind) }
    }

    /// How its bytes stand for the numbers that it yields.
    pub fn results(&self) -> InputMap {
        if self.is_integer { InputMap { range: self.range, ..InputMap::new(self.kind) } } else { self.reals() }
    }
}

/// The one number of a constant.
fn number(source: &Source, node: &SourceNode, at: usize) -> Option<f64> {
    match source.constants.get(node.inputs.get(at)?)?.values.as_slice() {
        [value] => Some(*value),
        _ => None,
    }
}

fn quant(source: &Source, node: &SourceNode) -> Option<Quantiser> {
    let [scale, zero, bits] = [1, 2, 3].map(|at| number(source, node, at));
    let (step, zero, bits) = (scale?, zero?, bits?);
    let (is_signed, is_narrow) = (node.int("signed").unwrap_or(1) != 0, node.int("narrow").unwrap_or(0) != 0);
    if !(2.0..=8.0).contains(&bits) || bits.fract() != 0.0 || zero.fract() != 0.0 || step.is_nan() || step <= 0.0 {
        return None;
    }
    let (size, narrow) = (1i64 << bits as u32, i64::from(is_narrow));
    let range = if is_signed { (narrow - size / 2, size / 2 - 1) } else { (0, size - 1 - narrow) };
    let kind = if is_signed { ByteKind::I8 } else { ByteKind::U8 };
    Some(Quantiser { kind, step, zero: zero as i64, range, is_integer: false })
}

fn linear(source: &Source, node: &SourceNode) -> Option<Quantiser> {
    let (step, zero) = (number(source, node, 1)?, number(source, node, 2).unwrap_or(0.0) as i64);
    // A row is what the file's own quantiser gives, byte by byte.
    let (kind, range) = match node.text("zero_point_type").unwrap_or("uint8") {
        "uint8" => (ByteKind::U8, (0, 255)),
        "int8" => (ByteKind::I8, (-128, 127)),
        _ => return None,
    };
    (step > 0.0).then_some(Quantiser { kind, step, zero, range, is_integer: true })
}
