//! The nodes of a circuit as instructions, sorted by when they must be evaluated.

use super::compute::mask;
use super::node::{Circuit, Register};
use super::op::{Id, Op};

/// No condition.
pub(super) const NONE: u32 = u32::MAX;

/// Some neighbours in a list: the first one and their number.
type Part = (u32, u32);

/// One step of the evaluation of at most 64 bits, with its operands as places of values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Code {
    Not(u32),
    And(u32, u32),
    Or(u32, u32),
    Xor(u32, u32),
    Add(u32, u32),
    Subtract(u32, u32),
    Equal(u32, u32),
    Less(u32, u32),
    ShiftLeft(u32, u32),
    Any(u32),
    Repeat(u32),
    Mux(u32, u32, u32),
    Slice(u32, u32),
    /// How many of some neighbouring bits are set: their first one and their number.
    Ones(u32, u8, u8),
    Join(Part),
    Sum(Part),
    Select(u32, Part),
    Table(u32, Part),
    /// Anything else, by the slow way.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    pub code: Code,
    pub to: u32,
}

/// The instructions of a circuit.
#[derive(Debug)]
pub(super) struct Program {
    pub circuit: Circuit,
    /// What outputs need of the registers alone.
    pub state: Vec<Instruction>,
    /// What outputs need of the inputs.
    pub inputs: Vec<Instruction>,
    /// What only registers and memories need, at the edge.
    pub edge: Vec<Instruction>,
    /// Registers with their conditions and values.
    pub registers: Vec<(Id, Vec<(u32, u32)>)>,
    /// The lowest 64 bits of each node that it can have.
    pub masks: Vec<u64>,
    /// Operands with the places of their lowest bits, and rows of tables.
    operands: Vec<(u32, u32)>,
    rows: Vec<u64>,
}

impl Program {
    pub fn new(circuit: Circuit) -> Self {
        let masks = circuit.nodes.iter().map(|node| mask(node.width) as u64).collect();
        let live = circuit.registers.iter().filter(|register| circuit.live[register.node]);
        let registers = live.map(|register| (register.node, rules(register))).collect();
        let (state, inputs, edge) = (Vec::new(), Vec::new(), Vec::new());
        let mut program =
            Self { circuit, state, inputs, edge, registers, masks, operands: Vec::new(), rows: Vec::new() };
        let codes: Vec<Code> = (0..program.circuit.nodes.len()).map(|id| program.code(id)).collect();
        program.sort(&codes);
        program
    }

    /// Some operands, each with the place of its lowest bit.
    pub fn operands(&self, (first, count): Part) -> impl Iterator<Item = (u32, u32)> {
        self.operands[first as usize..(first + count) as usize].iter().copied()
    }

    /// One of some operands, the first where there are not as many.
    pub fn operand(&self, (first, count): Part, at: u64) -> u32 {
        self.operands[first as usize + if at < u64::from(count) { at as usize } else { 0 }].0
    }

    /// A row of a table, the first where there are not as many.
    pub fn row(&self, (first, count): Part, at: u64) -> u64 {
        self.rows[first as usize + if at < u64::from(count) { at as usize } else { 0 }]
    }

    /// Sorts the instructions that are needed into their lists.
    fn sort(&mut self, codes: &[Code]) {
        let circuit = &self.circuit;
        let shown = reached(codes, circuit, circuit.outputs.iter().map(|(_, id)| *id));
        let needed = reached(codes, circuit, circuit.roots().into_iter());
        let mut follows = vec![false; codes.len()];
        for (id, code) in codes.iter().enumerate() {
            let op = &circuit.nodes[id].op;
            follows[id] = *op == Op::Input || op.operands().iter().any(|operand| follows[*operand]);
            let instruction = Instruction { code: *code, to: id as u32 };
            match (shown[id], follows[id]) {
                _ if op.is_leaf() => {}
                (true, true) => self.inputs.push(instruction),
                (true, false) => self.state.push(instruction),
                (false, _) if needed[id] => self.edge.push(instruction),
                (false, _) => {}
            }
        }
    }

    fn list(&mut self, all: &[Id]) -> Part {
        let (first, mut low) = (self.operands.len() as u32, 0);
        for id in all {
            self.operands.push((*id as u32, low));
            low += self.circuit.nodes[*id].width;
        }
        (first, all.len() as u32)
    }

    /// The instruction of a node.
    fn code(&mut self, id: Id) -> Code {
        let at = |id: &Id| *id as u32;
        let op = self.circuit.nodes[id].op.clone();
        let is_wide = |id: &Id| self.circuit.nodes[*id].width > 64;
        if is_wide(&id) || op.operands().iter().any(is_wide) {
            return Code::Other;
        }
        match &op {
            Op::Not(a) => Code::Not(at(a)),
            Op::And(a, b) => Code::And(at(a), at(b)),
            Op::Or(a, b) => Code::Or(at(a), at(b)),
            Op::Xor(a, b) => Code::Xor(at(a), at(b)),
            Op::Add(a, b) => Code::Add(at(a), at(b)),
            Op::Subtract(a, b) => Code::Subtract(at(a), at(b)),
            Op::Equal(a, b) => Code::Equal(at(a), at(b)),
            Op::Less(a, b) => Code::Less(at(a), at(b)),
            Op::ShiftLeft(a, by) => Code::ShiftLeft(at(a), at(by)),
            Op::Any(a) => Code::Any(at(a)),
            Op::Repeat(a) => Code::Repeat(at(a)),
            Op::Mux(condition, yes, no) => Code::Mux(at(condition), at(yes), at(no)),
            Op::Slice(a, low) => Code::Slice(at(a), *low),
            Op::Join(all) => Code::Join(self.list(all)),
            Op::Sum(all) => neighbours(&self.circuit, all).unwrap_or_else(|| Code::Sum(self.list(all))),
            Op::Select(index, all) => Code::Select(at(index), self.list(all)),
            Op::Table(index, rows) => {
                let first = self.rows.len() as u32;
                self.rows.extend(rows.iter().map(|row| *row as u64));
                Code::Table(at(index), (first, rows.len() as u32))
            }
            _ => Code::Other,
        }
    }
}

/// The conditions of a register and what it becomes.
fn rules(register: &Register) -> Vec<(u32, u32)> {
    let rule = |(condition, value): &(Option<Id>, Id)| (condition.map_or(NONE, |id| id as u32), *value as u32);
    register.rules().iter().map(rule).collect()
}

/// Which nodes must be evaluated for `roots`: a count of neighbouring bits, for example, does not read them one by one.
fn reached(codes: &[Code], circuit: &Circuit, roots: impl Iterator<Item = Id>) -> Vec<bool> {
    let mut reached = vec![false; codes.len()];
    roots.for_each(|id| reached[id] = true);
    for id in (0..codes.len()).rev() {
        match codes[id] {
            _ if !reached[id] => {}
            Code::Ones(word, ..) => reached[word as usize] = true,
            _ => circuit.nodes[id].op.operands().into_iter().for_each(|operand| reached[operand] = true),
        }
    }
    reached
}

/// A sum of neighbouring bits, as a count.
fn neighbours(circuit: &Circuit, all: &[Id]) -> Option<Code> {
    let bit = |id: &Id| match circuit.nodes[*id].op {
        Op::Slice(of, low) if circuit.nodes[*id].width == 1 && circuit.nodes[of].width <= 64 => Some((of, low)),
        _ => None,
    };
    let (of, first) = bit(&all[0])?;
    let are_neighbours = all.iter().zip(first..).all(|(id, at)| bit(id) == Some((of, at)));
    are_neighbours.then_some(Code::Ones(of as u32, first as u8, all.len() as u8))
}
