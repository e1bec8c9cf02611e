//! The simulation of a circuit: its nodes as a list of instructions, evaluated no more often than needed.

use std::sync::Arc;

use super::fold::mask;
use super::memory::MemoryPart;
use super::node::{Circuit, Id, Op, Register};

/// What a wire carries.
type Word = u128;

/// What an operation of `width` bits makes of constants and their widths.
pub(super) fn compute(op: &Op, values: &[(u128, u32)], width: u32) -> u128 {
    let value = |at: usize| values[at].0;
    let signed = |at: usize| (values[at].0 << (128 - values[at].1)).cast_signed() >> (128 - values[at].1);
    let bits = match op {
        Op::Constant(value) => *value,
        Op::Not(_) => !value(0),
        Op::And(..) => value(0) & value(1),
        Op::Or(..) => value(0) | value(1),
        Op::Xor(..) => value(0) ^ value(1),
        Op::Add(..) => value(0).wrapping_add(value(1)),
        Op::Subtract(..) => value(0).wrapping_sub(value(1)),
        Op::Multiply(..) => signed(0).wrapping_mul(signed(1)).cast_unsigned(),
        Op::ShiftLeft(..) => u32::try_from(value(1)).ok().and_then(|by| value(0).checked_shl(by)).unwrap_or(0),
        Op::Equal(..) => (value(0) == value(1)).into(),
        Op::Less(..) => (value(0) < value(1)).into(),
        Op::Any(_) => (value(0) != 0).into(),
        Op::Repeat(_) => value(0).wrapping_neg(),
        Op::Mux(..) => value(2 - value(0) as usize),
        Op::Slice(_, low) => value(0) >> low,
        Op::Join(_) => values.iter().rev().fold(0, |word, (value, bits)| word << bits | value),
        Op::Sum(_) => values.iter().map(|(value, _)| value).sum(),
        Op::Select(..) => values[1..].get(value(0) as usize).unwrap_or(&values[1]).0,
        Op::Table(_, rows) => rows.get(value(0) as usize).copied().unwrap_or(rows[0]),
        Op::Input | Op::Register(_) | Op::Column(..) => 0,
    };
    bits & mask(width)
}

/// One step of the evaluation, with its operands as places of values.
#[derive(Clone, Copy, Debug)]
enum Code {
    Not(u32),
    And(u32, u32),
    Or(u32, u32),
    Xor(u32, u32),
    Add(u32, u32),
    Subtract(u32, u32),
    Equal(u32, u32),
    Less(u32, u32),
    Any(u32),
    Repeat(u32),
    Mux(u32, u32, u32),
    Slice(u32, u32),
    /// Two parts, and where the second begins.
    Join(u32, u32, u32),
    /// How many of some neighbouring bits are set: their first one and their number.
    Ones(u32, u8, u8),
    /// Anything else, by the slow way.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    code: Code,
    to: u32,
}

/// The instructions of a circuit, by when they must be evaluated.
#[derive(Debug)]
struct Program {
    circuit: Circuit,
    /// What outputs need of the registers alone.
    state: Vec<Instruction>,
    /// What outputs need of the inputs.
    inputs: Vec<Instruction>,
    /// What only registers and memories need, at the edge.
    edge: Vec<Instruction>,
}

/// A circuit and the values of its wires.
#[derive(Clone, Debug)]
pub struct Simulation {
    program: Arc<Program>,
    values: Vec<Word>,
    memories: Vec<Vec<u64>>,
    next: Vec<(usize, Word)>,
    traced: Vec<u128>,
}

impl Simulation {
    /// The circuit after configuration of the FPGA, its inputs at 0.
    pub fn new(circuit: Circuit) -> Self {
        let memories = circuit.memories.iter().map(contents).collect();
        let value = |op: &Op| if let Op::Constant(value) = op { *value } else { 0 };
        let values = circuit.nodes.iter().map(|node| value(&node.op)).collect();
        let program = Arc::new(Program::new(circuit));
        let mut simulation = Self { program, values, memories, next: Vec::new(), traced: Vec::new() };
        simulation.settle(true);
        simulation
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.program.circuit
    }

    /// Sets input number `at`; returns whether it has changed.
    pub fn set_input(&mut self, at: usize, value: u128) -> bool {
        let place = &mut self.values[self.program.circuit.inputs[at]];
        std::mem::replace(place, value) != value
    }

    /// Output number `at`.
    pub fn output(&self, at: usize) -> u128 {
        self.values[self.program.circuit.outputs[at].1]
    }

    /// The values of the trace at the last edge; nothing where it was not enabled.
    pub fn traced(&self) -> &[u128] {
        &self.traced
    }

    /// Brings the outputs up to date after inputs have changed.
    pub fn follow_inputs(&mut self) {
        self.settle(false);
    }

    fn settle(&mut self, has_new_state: bool) {
        let program = Arc::clone(&self.program);
        if has_new_state {
            self.run(&program, &program.state);
        }
        self.run(&program, &program.inputs);
    }

    /// One rising edge of the clock.
    pub fn edge(&mut self) {
        let program = Arc::clone(&self.program);
        let circuit = &program.circuit;
        self.run(&program, &program.edge);
        self.traced.clear();
        if let Some(trace) = circuit.trace.as_ref().filter(|trace| self.values[trace.enable] == 1) {
            self.traced.extend(trace.values.iter().map(|id| self.values[*id]));
        }
        self.next.clear();
        for register in circuit.registers.iter().filter(|register| circuit.live[register.node]) {
            self.next.extend(self.becomes(register).map(|value| (register.node, value)));
        }
        for (number, memory) in circuit.memories.iter().enumerate().filter(|(_, memory)| circuit.is_live(memory)) {
            self.access(number, memory);
        }
        for (register, value) in std::mem::take(&mut self.next) {
            self.values[register] = value;
        }
        self.settle(true);
    }

    /// What a register becomes, if it changes at all.
    fn becomes(&self, register: &Register) -> Option<Word> {
        let holds = |condition: &Option<Id>| condition.is_none_or(|id| self.values[id] == 1);
        let rule = register.rules().iter().find(|(condition, _)| holds(condition));
        rule.map(|(_, value)| self.values[*value])
    }

    /// The ports of a memory: the old word is read, then columns are written.
    fn access(&mut self, number: usize, memory: &MemoryPart) {
        let columns = memory.columns.len();
        if let Some((enable, address)) = memory.read
            && enable.is_none_or(|id| self.values[id] == 1)
        {
            let first = self.values[address] as usize * columns;
            let word = self.memories[number].get(first..first + columns);
            let word = word.into_iter().flatten().copied().chain(std::iter::repeat(0));
            self.next.extend(memory.columns.iter().copied().zip(word.map(Word::from)));
        }
        for write in memory.writes.iter().filter(|write| self.values[write.enable] == 1) {
            let place = self.values[write.address] as usize * columns + write.column;
            if let Some(place) = self.memories[number].get_mut(place) {
                *place = self.values[write.data] as u64;
            }
        }
    }

    fn run(&mut self, program: &Program, list: &[Instruction]) {
        for Instruction { code, to } in list {
            let to = *to as usize;
            let value = |at: u32| self.values[at as usize];
            let cut = |value: Word| value & mask(program.circuit.nodes[to].width);
            self.values[to] = match *code {
                Code::Not(a) => cut(!value(a)),
                Code::And(a, b) => value(a) & value(b),
                Code::Or(a, b) => value(a) | value(b),
                Code::Xor(a, b) => value(a) ^ value(b),
                Code::Add(a, b) => cut(value(a).wrapping_add(value(b))),
                Code::Subtract(a, b) => cut(value(a).wrapping_sub(value(b))),
                Code::Equal(a, b) => (value(a) == value(b)).into(),
                Code::Less(a, b) => (value(a) < value(b)).into(),
                Code::Any(a) => (value(a) != 0).into(),
                Code::Repeat(a) => cut(value(a).wrapping_neg()),
                Code::Mux(condition, yes, no) => value(if value(condition) == 1 { yes } else { no }),
                Code::Slice(a, low) => cut(value(a) >> low),
                Code::Join(a, b, low) => value(a) | value(b) << low,
                Code::Ones(a, low, count) => (value(a) >> low & mask(count.into())).count_ones().into(),
                Code::Other => other(&program.circuit, to, &self.values),
            };
        }
    }
}

/// A node by the slow way.
fn other(circuit: &Circuit, id: Id, values: &[Word]) -> Word {
    let node = &circuit.nodes[id];
    match &node.op {
        Op::Select(index, all) => values[*all.get(values[*index] as usize).unwrap_or(&all[0])],
        Op::Table(index, rows) => *rows.get(values[*index] as usize).unwrap_or(&rows[0]),
        Op::Sum(all) => all.iter().map(|id| values[*id]).sum::<Word>() & mask(node.width),
        op => {
            let operands: Vec<(u128, u32)> =
                op.operands().iter().map(|id| (values[*id], circuit.nodes[*id].width)).collect();
            compute(op, &operands, node.width)
        }
    }
}

/// What a memory starts with.
fn contents(memory: &MemoryPart) -> Vec<u64> {
    let size = memory.depth * memory.columns.len();
    if memory.contents.is_empty() { vec![0; size] } else { memory.contents.clone() }
}

impl Program {
    fn new(circuit: Circuit) -> Self {
        let count = circuit.nodes.len();
        let (mut is_shown, mut follows) = (vec![false; count], vec![false; count]);
        circuit.outputs.iter().for_each(|(_, id)| is_shown[*id] = true);
        for id in (0..count).rev().filter(|id| circuit.live[*id]) {
            if is_shown[id] {
                circuit.nodes[id].op.operands().into_iter().for_each(|operand| is_shown[operand] = true);
            }
        }
        for id in 0..count {
            let op = &circuit.nodes[id].op;
            follows[id] = *op == Op::Input || op.operands().iter().any(|operand| follows[*operand]);
        }
        let mut program = Self { circuit, state: Vec::new(), inputs: Vec::new(), edge: Vec::new() };
        for id in 0..count {
            let node = &program.circuit.nodes[id];
            if program.circuit.live[id] && !node.op.is_leaf() {
                let instruction = Instruction { code: code(&program.circuit, &node.op), to: id as u32 };
                match (is_shown[id], follows[id]) {
                    (true, true) => program.inputs.push(instruction),
                    (true, false) => program.state.push(instruction),
                    (false, _) => program.edge.push(instruction),
                }
            }
        }
        program
    }
}

/// The instruction of an operation.
fn code(circuit: &Circuit, op: &Op) -> Code {
    let at = |id: &Id| *id as u32;
    match op {
        Op::Not(a) => Code::Not(at(a)),
        Op::And(a, b) => Code::And(at(a), at(b)),
        Op::Or(a, b) => Code::Or(at(a), at(b)),
        Op::Xor(a, b) => Code::Xor(at(a), at(b)),
        Op::Add(a, b) => Code::Add(at(a), at(b)),
        Op::Subtract(a, b) => Code::Subtract(at(a), at(b)),
        Op::Equal(a, b) => Code::Equal(at(a), at(b)),
        Op::Less(a, b) => Code::Less(at(a), at(b)),
        Op::Any(a) => Code::Any(at(a)),
        Op::Repeat(a) => Code::Repeat(at(a)),
        Op::Mux(condition, yes, no) => Code::Mux(at(condition), at(yes), at(no)),
        Op::Slice(a, low) => Code::Slice(at(a), *low),
        Op::Join(all) if all.len() == 2 => Code::Join(at(&all[0]), at(&all[1]), circuit.nodes[all[0]].width),
        Op::Sum(all) => neighbours(circuit, all).unwrap_or(Code::Other),
        _ => Code::Other,
    }
}

/// A sum of neighbouring bits, as a count.
fn neighbours(circuit: &Circuit, all: &[Id]) -> Option<Code> {
    let bit = |id: &Id| match circuit.nodes[*id].op {
        Op::Slice(of, low) if circuit.nodes[*id].width == 1 => Some((of, low)),
        _ => None,
    };
    let (of, first) = bit(&all[0])?;
    let are_neighbours = all.iter().zip(first..).all(|(id, at)| bit(id) == Some((of, at)));
    are_neighbours.then_some(Code::Ones(of as u32, first as u8, all.len() as u8))
}
