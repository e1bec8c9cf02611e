//! What operations mean, and the simulation of a circuit, which evaluates them no more often than needed.

use std::sync::Arc;

use super::code::{Code, Instruction, NONE, Program};
use super::compute::compute;
use super::node::Circuit;
use super::op::{Id, Op};
use super::part::MemoryPart;

/// A circuit and the values of its wires.
#[derive(Clone, Debug)]
pub struct Simulation {
    program: Arc<Program>,
    wires: Wires,
    memories: Vec<Vec<u64>>,
    next: Vec<(Id, u128)>,
    traced: Vec<u128>,
}

/// The values of all nodes: their lowest 64 bits, and those above, which few have.
#[derive(Clone, Debug)]
struct Wires {
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Wires {
    fn get(&self, id: Id) -> u128 {
        u128::from(self.high[id]) << 64 | u128::from(self.low[id])
    }

    fn set(&mut self, id: Id, value: u128) {
        (self.low[id], self.high[id]) = (value as u64, (value >> 64) as u64);
    }

    fn run(&mut self, program: &Program, list: &[Instruction]) {
        for Instruction { code, to } in list {
            let to = *to as usize;
            let value = |at: u32| self.low[at as usize];
            let cut = |value: u64| value & program.masks[to];
            self.low[to] = match *code {
                Code::Not(a) => cut(!value(a)),
                Code::And(a, b) => value(a) & value(b),
                Code::Or(a, b) => value(a) | value(b),
                Code::Xor(a, b) => value(a) ^ value(b),
                Code::Add(a, b) => cut(value(a).wrapping_add(value(b))),
                Code::Subtract(a, b) => cut(value(a).wrapping_sub(value(b))),
                Code::Equal(a, b) => (value(a) == value(b)).into(),
                Code::Less(a, b) => (value(a) < value(b)).into(),
                Code::ShiftLeft(a, by) => cut(value(a).checked_shl(value(by).min(64) as u32).unwrap_or(0)),
                Code::Any(a) => (value(a) != 0).into(),
                Code::Repeat(a) => cut(value(a).wrapping_neg()),
                Code::Mux(condition, yes, no) => value(if value(condition) == 1 { yes } else { no }),
                Code::Slice(a, low) => cut(value(a) >> low),
                Code::Ones(a, low, count) => (value(a) >> low & (u64::MAX >> (64 - count))).count_ones().into(),
                Code::Join(parts) => program.operands(parts).fold(0, |word, (a, low)| word | value(a) << low),
                Code::Sum(terms) => cut(program.operands(terms).map(|(a, _)| value(a)).sum()),
                Code::Select(index, all) => value(program.operand(all, value(index))),
                Code::Table(index, rows) => program.row(rows, value(index)),
                Code::Other => {
                    let node = &program.circuit.nodes[to];
                    let operands = node.op.operands().into_iter();
                    let operands: Vec<(u128, u32)> =
                        operands.map(|id| (self.get(id), program.circuit.nodes[id].width)).collect();
                    self.set(to, compute(&node.op, &operands, node.width));
                    continue;
                }
            };
        }
    }
}

impl Simulation {
    /// The circuit after configuration of the FPGA, its inputs at 0.
    pub fn new(circuit: Circuit) -> Self {
        let memories = circuit.memories.iter().map(contents).collect();
        let mut wires = Wires { low: vec![0; circuit.nodes.len()], high: vec![0; circuit.nodes.len()] };
        for (id, node) in circuit.nodes.iter().enumerate() {
            if let Op::Constant(value) = node.op {
                wires.set(id, value);
            }
        }
        let program = Arc::new(Program::new(circuit));
        let mut simulation = Self { program, wires, memories, next: Vec::new(), traced: Vec::new() };
        simulation.settle();
        simulation
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.program.circuit
    }

    /// Sets input number `at`; returns whether it has changed.
    pub fn set_input(&mut self, at: usize, value: u128) -> bool {
        let id = self.program.circuit.inputs[at];
        let has_changed = self.wires.get(id) != value;
        self.wires.set(id, value);
        has_changed
    }

    /// Output number `at`.
    pub fn output(&self, at: usize) -> u128 {
        self.wires.get(self.program.circuit.outputs[at].1)
    }

    /// The values of the trace at the last edge; nothing where it was not enabled.
    pub fn traced(&self) -> &[u128] {
        &self.traced
    }

    /// Whether every register that a reset returns to its start is there; data and memories do not count.
    pub fn is_at_start(&self) -> bool {
        let circuit = &self.program.circuit;
        let registers = circuit.registers.iter().filter(|register| circuit.live[register.node] && !register.is_data);
        registers.map(|register| self.wires.get(register.node)).all(|value| value == 0)
    }

    /// Brings the outputs up to date after inputs have changed.
    pub fn follow_inputs(&mut self) {
        self.wires.run(&self.program, &self.program.inputs);
    }

    fn settle(&mut self) {
        self.wires.run(&self.program, &self.program.state);
        self.follow_inputs();
    }

    /// One rising edge of the clock.
    pub fn edge(&mut self) {
        let Self { program, wires, memories, next, traced } = self;
        let circuit = &program.circuit;
        wires.run(program, &program.edge);
        traced.clear();
        if let Some(trace) = circuit.trace.as_ref().filter(|trace| wires.low[trace.enable] == 1) {
            traced.extend(trace.values.iter().map(|id| wires.get(*id)));
        }
        for (register, rules) in &program.registers {
            let holds = |condition: &u32| *condition == NONE || wires.low[*condition as usize] == 1;
            let rule = rules.iter().find(|(condition, _)| holds(condition));
            next.extend(rule.map(|(_, value)| (*register, wires.get(*value as usize))));
        }
        for (memory, words) in circuit.memories.iter().zip(memories).filter(|(memory, _)| circuit.is_live(memory)) {
            access(memory, words, wires, next);
        }
        next.drain(..).for_each(|(register, value)| wires.set(register, value));
        self.settle();
    }
}

/// The ports of a memory: the old word is read, then columns are written.
fn access(memory: &MemoryPart, words: &mut [u64], wires: &Wires, next: &mut Vec<(Id, u128)>) {
    let columns = memory.columns.len();
    if let Some((enable, address)) = memory.read
        && enable.is_none_or(|id| wires.low[id] == 1)
    {
        let first = wires.low[address] as usize * columns;
        let word = |at: usize| words.get(first + at).copied().unwrap_or(0);
        next.extend(memory.columns.iter().enumerate().map(|(at, id)| (*id, word(at).into())));
    }
    for write in memory.writes.iter().filter(|write| wires.low[write.enable] == 1) {
        if let Some(place) = words.get_mut(wires.low[write.address] as usize * columns + write.column) {
            *place = wires.low[write.data];
        }
    }
}

/// What a memory starts with.
fn contents(memory: &MemoryPart) -> Vec<u64> {
    let size = memory.depth * memory.columns.len();
    if memory.contents.is_empty() { vec![0; size] } else { memory.contents.clone() }
}
