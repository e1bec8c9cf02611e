//! What circuits take of an iCE40, without synthesis: flip-flops as they are described, look-up tables by covering the logic
//! between them and the carry cells.

mod arithmetic;
mod cover;
mod graph;
mod state;
mod words;

use std::collections::{HashMap, HashSet};

use super::node::Circuit;
use super::op::{Id, Op};
use cover::Cover;
use graph::{Gate, Leaf, Lit, TRUE, gate};
use state::{FlipFlop, same};
use words::{Same, Words};

/// A bit of state: circuit, node, bit.
type Place = (usize, Id, u32);

/// Where a memory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In block RAM, so many deep one behind the other.
    Blocks(u64),
    /// In look-up tables and flip-flops.
    Logic,
}

/// Cells of an iCE40 that circuits take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogicCells {
    /// Look-up tables of four inputs.
    pub luts: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// Multiplier blocks of 16 by 16 bits.
    pub multipliers: u32,
}

/// Rounds in which flip-flops may turn out to be constant or the same as others.
const ROUNDS: usize = 16;

/// The cells of circuits that are wired by the names of their ports.
pub(crate) fn count(circuits: &[Circuit], placement: &dyn Fn(&str) -> Placement) -> LogicCells {
    let mut known = constants(circuits);
    for _ in 0..ROUNDS {
        let mut survey = Survey::new(Words::new(circuits, &known, placement));
        survey.run();
        let found = same(&survey.flip_flops);
        if found.is_empty() {
            return survey.count();
        }
        known.extend(found);
    }
    let mut survey = Survey::new(Words::new(circuits, &known, placement));
    survey.run();
    survey.count()
}

/// Bits of words that are the same in all words of a memory without writes.
fn constants(circuits: &[Circuit]) -> HashMap<Place, Same> {
    let mut known = HashMap::new();
    for (at, circuit) in circuits.iter().enumerate() {
        for memory in circuit.memories.iter().filter(|memory| memory.writes.is_empty()) {
            let columns = memory.columns.len();
            for (column, id) in memory.columns.iter().enumerate() {
                let values = || memory.contents.iter().skip(column).step_by(columns);
                let first = values().next().copied().unwrap_or_default();
                let varying = values().fold(0, |varying, value| varying | (value ^ first));
                let fixed = (0..circuit.nodes[*id].width).filter(|bit| varying >> bit & 1 == 0);
                known.extend(fixed.map(|bit| ((at, *id, bit), Same::Constant(first >> bit & 1 == 1))));
            }
        }
    }
    known
}

/// What is reached from the outputs.
struct Survey<'c> {
    words: Words<'c>,
    seen: HashSet<usize>,
    open: Vec<Lit>,
    /// Bits that are read by something that is no logic.
    roots: HashSet<Lit>,
    flip_flops: Vec<(Place, FlipFlop)>,
    /// Flip-flops of memories in logic, and of the choice between block RAMs.
    others: u32,
    memories: HashSet<(usize, usize)>,
    sums: HashSet<usize>,
    products: HashSet<usize>,
}

impl<'c> Survey<'c> {
    fn new(words: Words<'c>) -> Self {
        Self {
            words,
            seen: HashSet::new(),
            open: Vec::new(),
            roots: HashSet::new(),
            flip_flops: Vec::new(),
            others: 0,
            memories: HashSet::new(),
            sums: HashSet::new(),
            products: HashSet::new(),
        }
    }

    fn run(&mut self) {
        let circuits = self.words.circuits;
        let is_input = |name: &str| circuits.iter().any(|circuit| circuit.inputs().iter().any(|input| input.0 == name));
        for (at, circuit) in circuits.iter().enumerate() {
            for (_, id) in circuit.outputs.iter().filter(|(name, _)| !is_input(name)) {
                let bits = self.words.bits(at, *id);
                self.root(&bits);
            }
        }
        while let Some(lit) = self.open.pop() {
            if !self.seen.insert(gate(lit)) {
                continue;
            }
            match self.words.cells.graph.gates()[gate(lit)] {
                Gate::False => {}
                Gate::And(a, b) => self.open.extend([a, b]),
                Gate::Leaf(leaf) => self.leaf(leaf),
            }
        }
    }

    fn root(&mut self, lits: &[Lit]) {
        let lits = lits.iter().filter(|lit| **lit > TRUE);
        lits.for_each(|lit| {
            self.open.push(*lit);
            self.roots.insert(*lit);
        });
    }

    fn leaf(&mut self, leaf: Leaf) {
        match leaf {
            Leaf::Given => {}
            Leaf::State(number) => {
                let place = self.words.places[number];
                let flip_flop = self.words.flip_flop(place);
                self.root(&[flip_flop.data, flip_flop.enable, flip_flop.reset]);
                self.flip_flops.push((place, flip_flop));
            }
            Leaf::Read(number) => self.read(self.words.places[number]),
            Leaf::Sum(number) | Leaf::Carry(number) => {
                if matches!(leaf, Leaf::Sum(_)) {
                    self.sums.insert(number);
                }
                self.root(&self.words.cells.adders[number].inputs.clone());
            }
            Leaf::Product(number) => {
                if self.products.insert(number) {
                    self.root(&self.words.cells.products[number].inputs.clone());
                }
            }
        }
    }

    /// A bit that a memory has read.
    fn read(&mut self, place: Place) {
        let (at, id, bit) = place;
        let circuit = &self.words.circuits[at];
        let Op::Column(number, column) = circuit.nodes[id].op else { return };
        let memory = &circuit.memories[number];
        if let Some((enable, address)) = memory.read {
            let (enable, address) = (enable.map(|id| self.words.bit(at, id)), self.words.bits(at, address));
            if self.words.placement(at, number) == Placement::Logic {
                let data = self.words.memory_bit(place, &address);
                self.root(&[data]);
                self.others += 1;
            } else {
                self.root(&address);
                // The word that is written, and the one that a read takes instead of the block's.
                self.others += 2 * u32::from(memory.is_emulated());
            }
            self.root(&enable.into_iter().collect::<Vec<_>>());
        }
        for write in memory.writes.iter().filter(|write| write.column == column) {
            let data = self.words.bits(at, write.data)[bit as usize];
            self.root(&[data]);
        }
        if self.memories.insert((at, number)) {
            self.ports(at, number);
        }
    }

    /// The write ports of a memory, and the choice between blocks.
    fn ports(&mut self, at: usize, number: usize) {
        let memory = &self.words.circuits[at].memories[number];
        let enables: Vec<Lit> = memory.writes.iter().map(|write| self.words.bit(at, write.enable)).collect();
        match self.words.placement(at, number) {
            Placement::Logic => self.words_of_logic(at, number, &enables),
            Placement::Blocks(banks) => {
                for write in &memory.writes {
                    let address = self.words.bits(at, write.address);
                    self.root(&address);
                }
                let any = self.words.cells.graph.any(&enables);
                self.root(&[any]);
                // Parts of a word are written by masks, which are inverted.
                if enables.len() > 1 {
                    self.root(&enables.iter().map(|enable| enable ^ 1).collect::<Vec<_>>());
                }
                self.others += banks.next_power_of_two().trailing_zeros();
                if memory.is_emulated() {
                    self.collisions(at, number);
                }
            }
        }
    }

    /// A flip-flop for each bit of a memory that is written, and an enable for each word.
    fn words_of_logic(&mut self, at: usize, number: usize, enables: &[Lit]) {
        let circuit = &self.words.circuits[at];
        let memory = &circuit.memories[number];
        if memory.writes.is_empty() {
            return;
        }
        let bits: u32 = memory.columns.iter().map(|column| circuit.nodes[*column].width).sum();
        self.others += bits * memory.depth as u32;
        for (write, enable) in memory.writes.iter().zip(enables) {
            let address = self.words.bits(at, write.address);
            for word in 0..memory.depth {
                let is_bit = |(bit, lit): (usize, &Lit)| lit ^ Lit::from(word >> bit & 1 == 0);
                let is_word: Vec<Lit> = address.iter().enumerate().map(is_bit).collect();
                let is_word = self.words.cells.graph.all(&is_word);
                let enable = self.words.cells.graph.and(*enable, is_word);
                self.root(&[enable]);
            }
        }
    }

    /// Writes that a read at the same edge must not see are done one cycle later, and a read behind them takes what is on
    /// its way: that is what block RAM of an iCE40 needs where the description promises the old word.
    fn collisions(&mut self, at: usize, number: usize) {
        let memory = &self.words.circuits[at].memories[number];
        let Some((enable, address)) = memory.read else { return };
        let read = self.words.bits(at, address);
        let enable = enable.map_or(TRUE, |id| self.words.bit(at, id));
        for write in &memory.writes {
            let written = self.words.bits(at, write.address);
            let on_its_way: Vec<Lit> = written.iter().map(|_| self.words.cells.graph.leaf(Leaf::Given)).collect();
            let is_written = self.words.cells.graph.leaf(Leaf::Given);
            let graph = &mut self.words.cells.graph;
            let same: Vec<Lit> = read.iter().zip(&on_its_way).map(|(a, b)| graph.xor(*a, *b) ^ 1).collect();
            let same = graph.all(&same);
            let hit = graph.and(same, is_written);
            self.root(&[hit, enable]);
            self.others += written.len() as u32 + 2;
        }
    }

    fn count(&self) -> LogicCells {
        let graph = &self.words.cells.graph;
        let roots: Vec<Lit> = self.roots.iter().copied().collect();
        let cover = Cover::new(graph, &roots);
        // Synthesis inverts once more where both polarities, or that of no look-up table, are read by cells.
        let is_logic = |lit: Lit| matches!(graph.gates()[gate(lit)], Gate::And(..));
        let inverted =
            roots.iter().filter(|lit| **lit & 1 == 1 && (!is_logic(**lit) || self.roots.contains(&(**lit ^ 1))));
        let products = self.products.iter().map(|number| self.words.cells.products[*number].blocks);
        LogicCells {
            luts: cover.count() + inverted.count() as u32 + self.sums.len() as u32 - self.absorbed(&cover),
            flip_flops: self.flip_flops.len() as u32 + self.others,
            multipliers: products.sum(),
        }
    }

    /// Sums of adder cells that go into one look-up table alone, which has room for the adder's inputs.
    fn absorbed(&self, cover: &Cover) -> u32 {
        let readers = cover.only_reader();
        let mut taken = HashSet::new();
        let mut count = 0;
        for (at, known) in self.words.cells.graph.gates().iter().enumerate() {
            let Gate::Leaf(Leaf::Sum(number)) = known else { continue };
            let Some(reader) = readers.get(at).copied().flatten() else { continue };
            let inputs = self.words.cells.adders[*number].inputs.iter().filter(|lit| **lit > TRUE);
            let mut all: HashSet<usize> = inputs.map(|lit| gate(*lit)).collect();
            all.extend(cover.inputs(reader).iter().map(|leaf| *leaf as usize).filter(|leaf| *leaf != at));
            if all.len() <= 4 && taken.insert(reader) {
                count += 1;
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Builder, Wire};

    /// The cells of what `describe` makes of two words of eight bits and a bit, next to a reset.
    fn cells(describe: impl for<'b> Fn(&'b Builder, [Wire<'b>; 3]) -> Wire<'b>) -> LogicCells {
        let c = Builder::new("A test.");
        c.reset();
        let value = describe(&c, [c.input("a", 8), c.input("b", 8), c.input("go", 1)]);
        c.output("value", value);
        count(&[c.finish()], &|_| Placement::Logic)
    }

    #[test]
    fn four_inputs_are_one_table_seven_two_and_inverters_join_them() {
        assert_eq!(cells(|_, [a, ..]| a.bits(0, 4).any()).luts, 1);
        assert_eq!(cells(|_, [a, ..]| !a.bits(0, 7).any()).luts, 2);
        assert_eq!(cells(|_, [a, b, _]| a.bits(0, 2).equals(b.bits(0, 2))).luts, 1);
        assert_eq!(cells(|_, [a, b, go]| go.mux(a, b)).luts, 8);
        assert_eq!(cells(|_, [a, ..]| !a).luts, 8);
        assert_eq!(cells(|_, [a, ..]| a).luts, 0);
    }

    #[test]
    fn a_sum_is_a_table_a_bit_and_a_difference_inverts_what_it_takes_away() {
        assert_eq!(cells(|_, [a, b, _]| a + b).luts, 8);
        // The last bit has no carry cell, so that its inverter joins its table.
        assert_eq!(cells(|_, [a, b, _]| a - b).luts, 8 + 7);
        assert_eq!(cells(|_, [a, b, _]| a.less(b)).luts, 8 + 1);
    }

    #[test]
    fn enables_and_resets_of_registers_take_no_table_a_bit() {
        let stored = cells(|c, [a, _, go]| {
            let stored = c.register("stored", 8);
            c.next(stored, &[(go, a)]);
            stored
        });
        // The cells reset only where they are enabled: one table says when.
        assert_eq!(stored, LogicCells { luts: 1, flip_flops: 8, multipliers: 0 });
        let shifted = cells(|c, [a, b, go]| {
            let shifted = c.data("shifted", 8);
            c.next(shifted, &[(go, a), (b.bit(0), c.constant(0, 8))]);
            shifted
        });
        // An enable, and a reset where the bit is not set.
        assert_eq!(shifted, LogicCells { luts: 2, flip_flops: 8, multipliers: 0 });
    }

    #[test]
    fn registers_that_never_change_or_are_the_same_vanish() {
        let twice = cells(|c, [a, b, _]| {
            let (first, second) = (c.delay("first", a), c.delay("second", a));
            let never = c.register("never", 8);
            c.next(never, &[(b.bit(0), c.constant(0, 8))]);
            (first ^ second) | never
        });
        assert_eq!(twice, LogicCells::default());
    }

    #[test]
    fn memories_in_logic_are_flip_flops_and_those_in_blocks_are_none() {
        let describe = |placement: Placement| {
            let c = Builder::new("A test.");
            let (at, data, go) = (c.input("at", 2), c.input("data", 8), c.input("go", 1));
            let memory = c.ram("memory", super::super::NO_COLLISION, 4, &[8]);
            memory.write(go, at, 0, data);
            c.output("value", memory.read(at)[0]);
            count(&[c.finish()], &move |_| placement)
        };
        assert_eq!(describe(Placement::Blocks(1)), LogicCells::default());
        // Four words and the one that was read; a choice of four is three tables a bit, an enable one a word.
        assert_eq!(describe(Placement::Logic), LogicCells { luts: 3 * 8 + 4, flip_flops: 40, multipliers: 0 });
    }
}
