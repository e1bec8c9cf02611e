//! What a finished circuit is made of.

use super::op::{Id, Op};
use super::part::{LOADED, LOGIC, MemoryPart};

/// A node: an operation, its width, and its name if the description gave one.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub op: Op,
    pub width: u32,
    pub name: Option<String>,
}

/// What a register becomes at the clock's edge: the value of the first condition that holds, else what it was.
#[derive(Clone, Debug)]
pub(super) struct Register {
    pub node: Id,
    /// Whether a reset leaves it: it is always written before it is read.
    pub is_data: bool,
    /// `None` until the description has said it.
    pub rules: Option<Vec<(Option<Id>, Id)>>,
}

impl Register {
    pub fn rules(&self) -> &[(Option<Id>, Id)] {
        self.rules.as_deref().unwrap_or_default()
    }

    /// The nodes that it reads at the edge.
    pub fn roots(&self) -> impl Iterator<Item = Id> {
        self.rules().iter().flat_map(|(condition, value)| condition.iter().copied().chain([*value]))
    }
}

impl Trace {
    /// The nodes that it reads at the edge.
    pub fn roots(&self) -> impl Iterator<Item = Id> {
        self.values.iter().copied().chain([self.enable])
    }
}

/// What simulators print, and what the simulation's step tells: values, whenever `enable` is set at an edge.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub enable: Id,
    pub format: &'static str,
    pub values: Vec<Id>,
}

/// A finished circuit.
#[derive(Clone, Debug, Default)]
pub struct Circuit {
    pub(super) about: &'static str,
    pub(super) nodes: Vec<Node>,
    /// Whether any output needs the node.
    pub(super) live: Vec<bool>,
    pub(super) inputs: Vec<Id>,
    pub(super) outputs: Vec<(String, Id)>,
    pub(super) registers: Vec<Register>,
    pub(super) memories: Vec<MemoryPart>,
    pub(super) trace: Option<Trace>,
    /// What the names of files with contents of memories begin with; `None` where there are none.
    pub(super) files: Option<String>,
}

impl Circuit {
    /// Names and widths of the inputs.
    pub fn inputs(&self) -> Vec<(&str, u32)> {
        let input = |id: &Id| (self.nodes[*id].name.as_deref().unwrap_or_default(), self.nodes[*id].width);
        self.inputs.iter().map(input).collect()
    }

    /// Names and widths of the outputs.
    pub fn outputs(&self) -> Vec<(&str, u32)> {
        self.outputs.iter().map(|(name, id)| (name.as_str(), self.nodes[*id].width)).collect()
    }

    /// Name, words, bits of a word and how many of them are not constant, whether it is never written, whether synthesis is
    /// told to make it of look-up tables and whether it is filled after configuration, of the memories that something reads.
    pub fn memories(&self) -> Vec<(&str, usize, [u32; 2], [bool; 3])> {
        let live = self.memories.iter().filter(|memory| self.is_live(memory));
        let widths = |memory: &MemoryPart| {
            let width = memory.columns.iter().map(|column| self.nodes[*column].width).sum();
            [width, if memory.writes.is_empty() { memory.varying_bits() } else { width }]
        };
        let marks =
            |memory: &MemoryPart| [memory.writes.is_empty(), memory.attribute == LOGIC, memory.attribute == LOADED];
        live.map(|m| (m.name.as_str(), m.depth, widths(m), marks(m))).collect()
    }

    /// Puts the ports into the order that `place` gives their names.
    pub(super) fn sort_ports(&mut self, place: impl Fn(&str) -> Option<usize>) {
        let nodes = &self.nodes;
        self.inputs.sort_by_key(|id| nodes[*id].name.as_deref().map(&place));
        self.outputs.sort_by_key(|(name, _)| place(name));
    }

    /// The nodes that a register or a memory reads at the edge.
    pub(super) fn kept_roots(&self) -> Vec<Id> {
        let registers = self.registers.iter().filter(|register| self.live[register.node]);
        let rules = registers.flat_map(Register::roots);
        let memories = self.memories.iter().filter(|memory| self.is_live(memory)).flat_map(MemoryPart::roots);
        rules.chain(memories).collect()
    }

    /// The nodes that are read at the edge, by the trace too.
    pub(super) fn roots(&self) -> Vec<Id> {
        self.kept_roots().into_iter().chain(self.trace.iter().flat_map(Trace::roots)).collect()
    }

    /// Whether any column of the memory is needed.
    pub(super) fn is_live(&self, memory: &MemoryPart) -> bool {
        memory.columns.iter().any(|column| self.live[*column])
    }

    /// Marks what outputs need, over registers and memories.
    pub(super) fn mark(&mut self) {
        self.live = vec![false; self.nodes.len()];
        let trace = self.trace.iter().flat_map(Trace::roots);
        let mut open: Vec<Id> = self.outputs.iter().map(|(_, id)| *id).chain(trace).collect();
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut self.live[id], true) {
                continue;
            }
            open.extend(self.nodes[id].op.operands());
            match self.nodes[id].op {
                Op::Register(register) => open.extend(self.registers[register].roots()),
                Op::Column(memory, _) => open.extend(self.memories[memory].roots()),
                _ => {}
            }
        }
    }
}
