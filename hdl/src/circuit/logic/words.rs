//! Words of circuits as bits.

use std::collections::HashMap;

use super::Placement;
use super::arithmetic::{Cells, Term};
use super::graph::{FALSE, Leaf, Lit};
use crate::circuit::node::Circuit;
use crate::circuit::op::{Id, Op};

/// Circuits that are wired by the names of their ports, and the bits of their nodes.
pub(super) struct Words<'c> {
    pub circuits: &'c [Circuit],
    pub cells: Cells,
    /// Bits of the nodes that have been asked for.
    bits: Vec<Vec<Option<Vec<Lit>>>>,
    /// How often nodes are read.
    uses: Vec<Vec<u32>>,
    /// Flip-flops and read bits that are something else, as is known from a round before: a constant or another one.
    known: &'c HashMap<(usize, Id, u32), Same>,
    /// Where the leaves of state are described: circuit, node, bit.
    pub places: Vec<(usize, Id, u32)>,
    /// The bits of state that have been asked for.
    leaves: HashMap<(usize, Id, u32), Lit>,
    /// The bits that tell which of several block RAMs has been read, memory by memory.
    banks: HashMap<(usize, usize), Vec<Lit>>,
    placement: &'c dyn Fn(&str) -> Placement,
}

/// What a bit of state always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Same {
    Constant(bool),
    As((usize, Id, u32)),
}

impl<'c> Words<'c> {
    pub fn new(
        circuits: &'c [Circuit],
        known: &'c HashMap<(usize, Id, u32), Same>,
        placement: &'c dyn Fn(&str) -> Placement,
    ) -> Self {
        let bits = circuits.iter().map(|circuit| vec![None; circuit.nodes.len()]).collect();
        let uses = circuits.iter().map(uses).collect();
        Self {
            circuits,
            cells: Cells::new(),
            bits,
            uses,
            known,
            places: Vec::new(),
            leaves: HashMap::new(),
            banks: HashMap::new(),
            placement,
        }
    }

    /// The bits of a node, the lowest first.
    pub fn bits(&mut self, circuit: usize, id: Id) -> Vec<Lit> {
        if let Some(bits) = &self.bits[circuit][id] {
            return bits.clone();
        }
        let bits = self.computed(circuit, id);
        debug_assert_eq!(bits.len(), self.circuits[circuit].nodes[id].width as usize);
        self.bits[circuit][id] = Some(bits.clone());
        bits
    }

    pub fn bit(&mut self, circuit: usize, id: Id) -> Lit {
        self.bits(circuit, id)[0]
    }

    fn computed(&mut self, at: usize, id: Id) -> Vec<Lit> {
        let circuits = self.circuits;
        let node = &circuits[at].nodes[id];
        let width = node.width as usize;
        match &node.op {
            Op::Constant(value) => (0..width).map(|bit| (value >> bit & 1) as Lit).collect(),
            Op::Input => self.input(at, id),
            Op::Register(_) | Op::Column(..) => (0..node.width).map(|bit| self.state(at, id, bit)).collect(),
            Op::Not(a) => self.bits(at, *a).into_iter().map(|bit| bit ^ 1).collect(),
            Op::And(a, b) => self.each(at, [*a, *b], |cells, a, b| cells.graph.and(a, b)),
            Op::Or(a, b) => self.each(at, [*a, *b], |cells, a, b| cells.graph.or(a, b)),
            Op::Xor(a, b) => self.each(at, [*a, *b], |cells, a, b| cells.graph.xor(a, b)),
            Op::Add(..) | Op::Subtract(..) | Op::Sum(_) => {
                let mut terms = Vec::new();
                self.terms(at, id, false, true, &mut terms);
                self.cells.sum(terms, width)
            }
            Op::Multiply(a, b) => self.words(at, [*a, *b], |cells, a, b| cells.product(a, b, width)),
            Op::ShiftLeft(a, by) => self.shifted(at, *a, *by),
            Op::Equal(a, b) => {
                let same = self.each(at, [*a, *b], |cells, a, b| cells.graph.xor(a, b) ^ 1);
                vec![self.cells.graph.all(&same)]
            }
            Op::Less(a, b) => self.words(at, [*a, *b], |cells, a, b| vec![cells.less(a, b)]),
            Op::Any(a) => self.words(at, [*a; 2], |cells, a, _| vec![cells.graph.any(a)]),
            Op::Repeat(a) => vec![self.bit(at, *a); width],
            Op::Mux(condition, yes, no) => {
                let condition = self.bit(at, *condition);
                self.each(at, [*yes, *no], |cells, yes, no| cells.graph.mux(condition, yes, no))
            }
            Op::Slice(a, low) => self.bits(at, *a)[*low as usize..][..width].to_vec(),
            Op::Join(all) => all.iter().flat_map(|part| self.bits(at, *part)).collect(),
            Op::Select(index, all) => self.selected(at, *index, all),
            Op::Table(index, rows) => {
                let index = self.bits(at, *index);
                (0..width).map(|bit| self.table(&index, rows, bit, 0)).collect()
            }
        }
    }

    fn words(&mut self, at: usize, [a, b]: [Id; 2], of: impl Fn(&mut Cells, &[Lit], &[Lit]) -> Vec<Lit>) -> Vec<Lit> {
        let (a, b) = (self.bits(at, a), self.bits(at, b));
        of(&mut self.cells, &a, &b)
    }

    fn each(&mut self, at: usize, [a, b]: [Id; 2], of: impl Fn(&mut Cells, Lit, Lit) -> Lit) -> Vec<Lit> {
        let (a, b) = (self.bits(at, a), self.bits(at, b));
        a.into_iter().zip(b).map(|(a, b)| of(&mut self.cells, a, b)).collect()
    }

    /// A port: the output of another circuit that has its name, else one of the whole.
    fn input(&mut self, at: usize, id: Id) -> Vec<Lit> {
        let node = &self.circuits[at].nodes[id];
        let name = node.name.as_deref().unwrap_or_default();
        for (other, circuit) in self.circuits.iter().enumerate().filter(|(other, _)| *other != at) {
            if let Some((_, output)) = circuit.outputs.iter().find(|(output, _)| output == name) {
                return self.bits(other, *output);
            }
            // A port that several circuits share is one.
            let same = circuit.inputs.iter().find(|same| circuit.nodes[**same].name.as_deref() == Some(name));
            if let Some(same) = same.filter(|_| other < at) {
                return self.bits(other, *same);
            }
        }
        (0..node.width).map(|_| self.cells.graph.leaf(Leaf::Given)).collect()
    }

    /// Where a memory lies.
    pub fn placement(&self, at: usize, memory: usize) -> Placement {
        (self.placement)(&self.circuits[at].memories[memory].name)
    }

    /// A bit of a register or of a word that a memory has read.
    pub fn state(&mut self, at: usize, id: Id, bit: u32) -> Lit {
        if let Some(lit) = self.leaves.get(&(at, id, bit)) {
            return *lit;
        }
        let lit = match self.known.get(&(at, id, bit)) {
            Some(Same::Constant(value)) => Lit::from(*value),
            Some(Same::As((at, id, bit))) => self.state(*at, *id, *bit),
            None => {
                self.places.push((at, id, bit));
                let number = self.places.len() - 1;
                match self.circuits[at].nodes[id].op {
                    Op::Column(memory, _) => self.read(at, memory, number),
                    _ => self.cells.graph.leaf(Leaf::State(number)),
                }
            }
        };
        self.leaves.insert((at, id, bit), lit);
        lit
    }

    /// A bit that a memory has read: from one of its block RAMs, where there are several behind each other.
    fn read(&mut self, at: usize, memory: usize, number: usize) -> Lit {
        let Placement::Blocks(banks @ 2..) = self.placement(at, memory) else {
            let word = self.cells.graph.leaf(Leaf::Read(number));
            if self.placement(at, memory) == Placement::Logic || !self.circuits[at].memories[memory].is_emulated() {
                return word;
            }
            let [hit, other] = [(); 2].map(|()| self.cells.graph.leaf(Leaf::Given));
            let hit = *self.banks.entry((at, memory)).or_insert_with(|| vec![hit]).first().unwrap_or(&hit);
            return self.cells.graph.mux(hit, other, word);
        };
        let bits = banks.next_power_of_two().trailing_zeros();
        let index = match self.banks.get(&(at, memory)) {
            Some(index) => index.clone(),
            None => (0..bits).map(|_| self.cells.graph.leaf(Leaf::Given)).collect(),
        };
        self.banks.insert((at, memory), index.clone());
        let all: Vec<Lit> = (0..banks).map(|_| self.cells.graph.leaf(Leaf::Read(number))).collect();
        self.choice(&index, &|at| *all.get(at).unwrap_or(&all[0]), 0)
    }

    /// What a memory of logic reads: a constant by address, or one of its flip-flops.
    pub fn memory_bit(&mut self, (at, id, bit): (usize, Id, u32), address: &[Lit]) -> Lit {
        let Op::Column(number, column) = self.circuits[at].nodes[id].op else { return FALSE };
        let memory = &self.circuits[at].memories[number];
        let words: Vec<Lit> = (0..memory.depth)
            .map(|word| match memory.contents.get(word * memory.columns.len() + column) {
                Some(value) => (value >> bit & 1) as Lit,
                None => self.cells.graph.leaf(Leaf::Given),
            })
            .collect();
        self.choice(address, &|at| *words.get(at).unwrap_or(&words[0]), 0)
    }

    /// The terms of a sum; a sum that only this one reads is part of it.
    fn terms(&mut self, at: usize, id: Id, is_negative: bool, is_top: bool, terms: &mut Vec<Term>) {
        let node = &self.circuits[at].nodes[id];
        let is_part = is_top || self.uses[at][id] == 1;
        match &node.op {
            Op::Add(a, b) if is_part => {
                [a, b].into_iter().for_each(|id| self.terms(at, *id, is_negative, false, terms))
            }
            Op::Subtract(a, b) if is_part => {
                self.terms(at, *a, is_negative, false, terms);
                self.terms(at, *b, !is_negative, false, terms);
            }
            Op::Sum(all) if is_part => all.iter().for_each(|id| self.terms(at, *id, is_negative, false, terms)),
            _ => {
                let bits = self.bits(at, id);
                terms.push(Term { bits, is_negative });
            }
        }
    }

    fn shifted(&mut self, at: usize, a: Id, by: Id) -> Vec<Lit> {
        let (mut bits, by) = (self.bits(at, a), self.bits(at, by));
        for (stage, condition) in by.into_iter().enumerate() {
            let distance = 1_usize.checked_shl(stage as u32).unwrap_or(usize::MAX);
            let from = |at: usize| at.checked_sub(distance).map_or(FALSE, |from| bits[from]);
            bits = (0..bits.len()).map(|at| self.cells.graph.mux(condition, from(at), bits[at])).collect();
        }
        bits
    }

    fn selected(&mut self, at: usize, index: Id, all: &[Id]) -> Vec<Lit> {
        let index = self.bits(at, index);
        let words: Vec<Vec<Lit>> = all.iter().map(|id| self.bits(at, *id)).collect();
        (0..words[0].len()).map(|bit| self.choice(&index, &|at| words.get(at).unwrap_or(&words[0])[bit], 0)).collect()
    }

    /// One of several bits by the bits of an index, the highest first.
    pub fn choice(&mut self, index: &[Lit], of: &dyn Fn(usize) -> Lit, first: usize) -> Lit {
        let Some((top, rest)) = index.split_last() else { return of(first) };
        let no = self.choice(rest, of, first);
        let yes = self.choice(rest, of, first + (1 << rest.len()));
        self.cells.graph.mux(*top, yes, no)
    }

    fn table(&mut self, index: &[Lit], rows: &[u128], bit: usize, first: usize) -> Lit {
        self.choice(index, &|at| (rows.get(at).unwrap_or(&rows[0]) >> bit & 1) as Lit, first)
    }
}

/// How often each node is read, ports and edges included.
fn uses(circuit: &Circuit) -> Vec<u32> {
    let mut uses = vec![0; circuit.nodes.len()];
    let live = (0..circuit.nodes.len()).filter(|id| circuit.live[*id]);
    let operands = live.flat_map(|id| circuit.nodes[id].op.operands());
    let roots = circuit.kept_roots().into_iter().chain(circuit.outputs.iter().map(|(_, id)| *id));
    operands.chain(roots).for_each(|id| uses[id] += 1);
    uses
}
