//! Circuits with one mistake: every operator replaced, every choice swapped, every condition of an edge dropped.

use super::compute::mask;
use super::node::Circuit;
use super::op::{Id, Op};

/// A circuit with a mistake, and what it is.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The wire and what was done to it.
    pub what: String,
    /// The circuit.
    pub circuit: Circuit,
}

impl Circuit {
    /// Each circuit that differs from this one in one operation.
    pub fn mutants(&self) -> impl Iterator<Item = Mutant> {
        let operators = (0..self.nodes.len()).filter(|id| self.live[*id]).filter_map(|id| self.replaced(id));
        operators.chain(self.dropped_conditions()).chain(self.dropped_enables())
    }

    /// This circuit with another operator at a node.
    fn replaced(&self, id: Id) -> Option<Mutant> {
        let node = &self.nodes[id];
        let op = match node.op.clone() {
            Op::Constant(value) if node.width == 1 => Op::Constant(value ^ 1),
            Op::Constant(value) => Op::Constant(value.wrapping_add(1) & mask(node.width)),
            Op::Input | Op::Register(_) | Op::Column(..) => return None,
            // Not dropped but made constant, as there is no operation that does nothing.
            Op::Not(_) | Op::Any(_) | Op::Repeat(_) => Op::Constant(0),
            Op::And(a, b) => Op::Or(a, b),
            Op::Or(a, b) => Op::And(a, b),
            Op::Xor(a, b) => Op::Or(a, b),
            Op::Add(a, b) => Op::Subtract(a, b),
            Op::Subtract(a, b) if node.width == self.nodes[b].width => Op::Subtract(b, a),
            Op::Subtract(a, b) => Op::Add(a, b),
            Op::Multiply(a, b) => Op::Sum(vec![a, b]),
            Op::ShiftLeft(a, _) => Op::Join(vec![a]),
            Op::Equal(a, b) => Op::Less(a, b),
            Op::Less(a, b) => Op::Less(b, a),
            Op::Mux(condition, yes, no) => Op::Mux(condition, no, yes),
            Op::Slice(a, low) if low > 0 => Op::Slice(a, low - 1),
            Op::Slice(a, low) => Op::Slice(a, (self.nodes[a].width - node.width).min(low + 1)),
            Op::Join(all) => turned(&self.widths(&all), all).map(Op::Join).unwrap_or(Op::Constant(0)),
            Op::Sum(all) => Op::Sum(all[1..].to_vec()),
            Op::Select(index, all) => Op::Select(index, all.iter().rev().copied().collect()),
            Op::Table(index, mut rows) => {
                rows.rotate_left(1);
                Op::Table(index, rows)
            }
        };
        if op == node.op {
            return None;
        }
        let mut circuit = self.clone();
        let name = self.nodes[id].name.clone().unwrap_or_else(|| format!("n{id}"));
        let what = format!("{name}: {:?} instead of {:?}", op, self.nodes[id].op);
        circuit.nodes[id].op = op;
        Some(Mutant { what: what.chars().take(200).collect(), circuit })
    }

    fn widths(&self, all: &[Id]) -> Vec<u32> {
        all.iter().map(|id| self.nodes[*id].width).collect()
    }

    /// This circuit with a register that heeds one condition less.
    fn dropped_conditions(&self) -> impl Iterator<Item = Mutant> {
        let registers = self.registers.iter().enumerate().filter(|(_, register)| self.live[register.node]);
        let places = registers.flat_map(|(at, register)| (0..register.rules().len()).map(move |rule| (at, rule)));
        places.map(|(at, rule)| {
            let mut circuit = self.clone();
            let name = self.nodes[self.registers[at].node].name.as_deref().unwrap_or_default();
            let is_reset = self.registers[at].rules()[rule].0.is_some_and(|id| self.is_reset(id));
            let rule_name = if is_reset { "reset".to_owned() } else { format!("rule {rule}") };
            let what = format!("register {name} without its {rule_name}");
            circuit.registers[at].rules.iter_mut().for_each(|rules| _ = rules.remove(rule));
            Mutant { what, circuit }
        })
    }

    fn is_reset(&self, id: Id) -> bool {
        self.nodes[id].op == Op::Input && self.nodes[id].name.as_deref() == Some("reset")
    }

    /// This circuit with a memory that is never written, or always read.
    fn dropped_enables(&self) -> impl Iterator<Item = Mutant> {
        let memories = self.memories.iter().enumerate().filter(|(_, memory)| self.is_live(memory));
        let writes = memories.flat_map(|(at, memory)| (0..memory.writes.len()).map(move |write| (at, write)));
        writes.map(|(at, write)| {
            let mut circuit = self.clone();
            circuit.memories[at].writes.remove(write);
            Mutant { what: format!("memory {} without write {write}", self.memories[at].name), circuit }
        })
    }
}

/// The parts of a word in another order, where there are two of one width that change places.
fn turned(widths: &[u32], mut all: Vec<Id>) -> Option<Vec<Id>> {
    let pairs = (0..all.len()).flat_map(|a| (a + 1..all.len()).map(move |b| (a, b)));
    let (a, b) = pairs.into_iter().find(|(a, b)| widths[*a] == widths[*b] && all[*a] != all[*b])?;
    all.swap(a, b);
    Some(all)
}
