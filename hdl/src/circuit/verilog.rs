//! The Verilog of a circuit: word operations and named signals, continuous assignments and clocked registers.
//!
//! No combinational block waits for a change: what an output shows at the start is right in every edition of the
//! language. All operands have the width of their context, so that Verilog has nothing to extend or to cut.

use std::collections::BTreeMap;

use super::compute::mask;
use super::literal::{literal, range};
use super::node::{Circuit, Register};
use super::op::{Id, Op};
use super::part::MemoryPart;

mod memory;

pub(crate) use memory::memory_macros;

/// Writes the circuit as the body of a module.
struct Printer<'c> {
    circuit: &'c Circuit,
    /// Which nodes are wires of their own.
    is_wire: Vec<bool>,
    /// Of which nodes all bits are read.
    is_read: Vec<bool>,
    text: String,
}

/// How tight an expression holds together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole right side, or between separators.
    Free,
    /// An operand of this operator, which may go on without parentheses.
    Of(&'static str),
}

impl Circuit {
    /// The body of the circuit's module; its ports are declared around it.
    pub fn verilog(&self) -> String {
        let text = format!("// {}\n", self.about);
        let mut printer = Printer { circuit: self, is_wire: self.wires(), is_read: self.read(), text };
        printer.declare();
        printer.wires();
        printer.edges();
        for (name, id) in &self.outputs {
            let value = printer.expression(*id, Place::Free);
            printer.line(&format!("assign {name} = {value};"));
        }
        printer.trace();
        printer.text
    }

    /// The circuit as a whole module.
    pub fn module(&self, name: &str) -> String {
        let port = |kind: &str, (name, width): (&str, u32)| format!(",\n  {kind} {}{name}", range(width));
        let inputs = self.inputs().into_iter().map(|input| port("input", input));
        let outputs = self.outputs().into_iter().map(|output| port("output", output));
        let ports: String = inputs.chain(outputs).collect();
        format!("module {name}(\n  input clock{ports}\n);\n{}endmodule\n", self.verilog())
    }

    /// Nodes of which every bit is read, whether or not simulators trace.
    fn read(&self) -> Vec<bool> {
        let mut bits = vec![0_u128; self.nodes.len()];
        let roots = self.kept_roots().into_iter().chain(self.outputs.iter().map(|(_, id)| *id));
        roots.for_each(|id| bits[id] = u128::MAX);
        for node in self.nodes.iter().zip(&self.live).filter_map(|(node, live)| live.then_some(node)) {
            match node.op {
                Op::Slice(of, low) => bits[of] |= mask(node.width) << low,
                _ => node.op.operands().into_iter().for_each(|operand| bits[operand] = u128::MAX),
            }
        }
        bits.iter().zip(&self.nodes).map(|(bits, node)| !bits & mask(node.width) == 0).collect()
    }

    /// Nodes that are named, cannot be written in place, or are used more than once and are more than a part of another.
    fn wires(&self) -> Vec<bool> {
        let mut uses = vec![0; self.nodes.len()];
        let mut must = vec![false; self.nodes.len()];
        let live = || (0..self.nodes.len()).filter(|id| self.live[*id]);
        for id in live() {
            let op = &self.nodes[id].op;
            op.operands().into_iter().for_each(|operand| uses[operand] += 1);
            match op {
                Op::Slice(of, _) => must[*of] = true,
                Op::Select(index, _) => must[*index] = true,
                Op::Sum(all) => all.iter().for_each(|id| must[*id] |= !self.nodes[*id].op.holds_its_width()),
                _ => {}
            }
        }
        // Simulators compute the address of a memory in a context of their own.
        let addresses = self.memories.iter().filter(|memory| self.is_live(memory)).flat_map(MemoryPart::addresses);
        addresses.for_each(|id| must[id] |= !self.nodes[id].op.holds_its_width());
        self.roots().into_iter().chain(self.outputs.iter().map(|(_, id)| *id)).for_each(|id| uses[id] += 1);
        (0..self.nodes.len()).map(|id| self.live[id] && self.is_wire(id, must[id], uses[id])).collect()
    }

    /// Whether a node is a wire of its own in the text: it `must`, or it is used so often that it is better read once.
    fn is_wire(&self, id: Id, must: bool, uses: u32) -> bool {
        let node = &self.nodes[id];
        let stands_alone = matches!(node.op, Op::Sum(_) | Op::Multiply(..) | Op::Select(..) | Op::Table(..));
        let is_part = match node.op {
            Op::Not(a) => self.nodes[a].op.is_leaf() || self.nodes[a].name.is_some(),
            _ => matches!(node.op, Op::Slice(..) | Op::Repeat(_)),
        };
        match node.op {
            Op::Column(memory, _) if self.memories[memory].columns.len() == 1 => node.name.is_some(),
            Op::Column(..) => node.name.is_some() || must,
            _ if node.op.is_leaf() => false,
            _ => node.name.is_some() || must || stands_alone || uses > 1 && !is_part,
        }
    }
}

impl Op {
    /// Whether its text has its width in any context.
    fn holds_its_width(&self) -> bool {
        self.is_leaf() || matches!(self, Self::Slice(..) | Self::Join(_) | Self::Repeat(_))
    }
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A declaration; where some bits are not read, tools are told that this is known.
    fn declaration(&mut self, text: &str, is_read: bool) {
        if is_read {
            return self.line(text);
        }
        self.line("/* verilator lint_off UNUSEDSIGNAL */ // not all of its bits are read");
        self.line(text);
        self.line("/* verilator lint_on UNUSEDSIGNAL */");
    }

    /// Registers and memories.
    fn declare(&mut self) {
        let circuit = self.circuit;
        for register in circuit.registers.iter().filter(|register| circuit.live[register.node]) {
            let width = circuit.nodes[register.node].width;
            let text = format!("reg {}{} = {width}'d0;", range(width), self.name(register.node));
            self.declaration(&text, self.is_read[register.node]);
        }
        for memory in circuit.memories.iter().filter(|memory| circuit.is_live(memory)) {
            self.memory(memory);
        }
    }

    /// Combinational values, operands first.
    fn wires(&mut self) {
        let circuit = self.circuit;
        for id in 0..circuit.nodes.len() {
            if !self.is_wire[id] {
                continue;
            }
            let node = &circuit.nodes[id];
            let (name, bits) = (self.name(id), range(node.width));
            match &node.op {
                Op::Table(index, rows) => {
                    self.table((&name, node.width), *index, rows);
                    let index = self.expression(*index, Place::Free);
                    self.declaration(&format!("wire {bits}{name} = {name}_table({index});"), self.is_read[id]);
                }
                _ => {
                    let value = self.compose(id, Place::Free);
                    self.declaration(&format!("wire {bits}{name} = {value};"), self.is_read[id]);
                }
            }
        }
    }

    /// A function with the rows of a table that differ from its first one.
    fn table(&mut self, (name, width): (&str, u32), index: Id, rows: &[u128]) {
        let bits = self.circuit.nodes[index].width;
        self.line(&format!("function {}{name}_table(input {}index);\n  case (index)", range(width), range(bits)));
        let is_reachable = |at: &usize| bits >= 64 || at >> bits == 0;
        let mut cases: BTreeMap<u128, Vec<String>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate().filter(|(at, row)| **row != rows[0] && is_reachable(at)) {
            cases.entry(*row).or_default().push(format!("{bits}'d{at}"));
        }
        for (row, at) in cases {
            self.line(&format!("    {}: {name}_table = {};", at.join(", "), literal(row, width)));
        }
        self.line(&format!("    default: {name}_table = {};\n  endcase\nendfunction", literal(rows[0], width)));
    }

    /// What happens at the clock's edge.
    fn edges(&mut self) {
        let circuit = self.circuit;
        for register in circuit.registers.iter().filter(|register| circuit.live[register.node]) {
            self.register(register);
        }
        for memory in circuit.memories.iter().filter(|memory| circuit.is_live(memory)) {
            self.ports(memory);
        }
    }

    fn register(&mut self, register: &Register) {
        let (name, rules) = (self.name(register.node), register.rules());
        for (at, (condition, value)) in rules.iter().enumerate() {
            let head = match (at, rules.len()) {
                (0, 1) => "always @(posedge clock) ",
                (0, _) => "always @(posedge clock)\n  ",
                _ => "  else ",
            };
            let condition = condition.map(|id| format!("if ({}) ", self.expression(id, Place::Free)));
            let value = self.expression(*value, Place::Free);
            self.line(&format!("{head}{}{name} <= {value};", condition.unwrap_or_default()));
        }
    }

    fn trace(&mut self) {
        let Some(trace) = &self.circuit.trace else { return };
        let enable = self.expression(trace.enable, Place::Free);
        let values: String = trace.values.iter().map(|id| format!(", {}", self.expression(*id, Place::Free))).collect();
        let print = format!("$display(\"{}\"{values})", trace.format);
        self.line(&format!("`ifdef BITFAB_TRACE\nalways @(posedge clock) if ({enable}) {print};\n`endif"));
    }

    fn name(&self, id: Id) -> String {
        self.circuit.nodes[id].name.clone().unwrap_or_else(|| format!("n{id}"))
    }

    /// A node where it is used: its name, or what it is made of.
    fn expression(&self, id: Id, place: Place) -> String {
        let node = &self.circuit.nodes[id];
        match &node.op {
            Op::Constant(value) => literal(*value, node.width),
            Op::Input | Op::Register(_) => self.name(id),
            _ if self.is_wire[id] => self.name(id),
            _ => self.compose(id, place),
        }
    }

    /// What a node is made of.
    fn compose(&self, id: Id, place: Place) -> String {
        let node = &self.circuit.nodes[id];
        let (is_bit, inner) = (node.width == 1, |id: &Id| self.expression(*id, Place::Of("")));
        let free = |id: &Id| self.expression(*id, Place::Free);
        match &node.op {
            Op::Not(a) if self.any_of(*a).is_some() => self.against_zero("==", *a, place),
            // A unary operator of another one needs parentheses, which a mutant can bring about.
            Op::Not(_) if place == Place::Of("!") => format!("({})", self.compose(id, Place::Free)),
            Op::Not(a) => format!("{}{}", if is_bit { "!" } else { "~" }, self.expression(*a, Place::Of("!"))),
            Op::And(a, b) => self.two(if is_bit { "&&" } else { "&" }, [*a, *b], place),
            Op::Or(a, b) => self.two(if is_bit { "||" } else { "|" }, [*a, *b], place),
            Op::Xor(a, b) => self.two("^", [*a, *b], place),
            Op::Add(a, b) => self.two("+", [*a, *b], place),
            Op::Subtract(a, b) => parenthesised(format!("{} - {}", inner(a), inner(b)), place),
            Op::Equal(a, b) => parenthesised(format!("{} == {}", inner(a), inner(b)), place),
            Op::Less(a, b) => parenthesised(format!("{} < {}", inner(a), inner(b)), place),
            Op::ShiftLeft(a, by) => parenthesised(format!("{} << {}", inner(a), inner(by)), place),
            Op::Multiply(a, b) => format!("$signed({}) * $signed({})", free(a), free(b)),
            Op::Any(_) => self.against_zero("!=", id, place),
            Op::Repeat(a) => format!("{{{}{{{}}}}}", node.width, free(a)),
            Op::Mux(condition, yes, no) => {
                let no = self.expression(*no, Place::Of("?"));
                let text = format!("{} ? {} : {no}", inner(condition), inner(yes));
                if place == Place::Of("?") { text } else { parenthesised(text, place) }
            }
            Op::Slice(of, low) if node.width == 1 => format!("{}[{low}]", self.expression(*of, Place::Free)),
            Op::Slice(of, low) => format!("{}[{}:{low}]", free(of), low + node.width - 1),
            Op::Join(all) => format!("{{{}}}", all.iter().rev().map(free).collect::<Vec<_>>().join(", ")),
            Op::Sum(all) => all.iter().map(|term| self.extended(*term, node.width)).collect::<Vec<_>>().join(" + "),
            Op::Select(index, all) => self.select(*index, all),
            Op::Column(memory, column) => {
                let memory = &self.circuit.memories[*memory];
                format!("{}_read{}", memory.name, self.column(memory, *column))
            }
            Op::Table(..) | Op::Constant(_) | Op::Input | Op::Register(_) => self.name(id),
        }
    }

    /// A term of a sum in the width of the sum.
    fn extended(&self, id: Id, width: u32) -> String {
        let own = self.circuit.nodes[id].width;
        if own >= width {
            return self.expression(id, Place::Of(""));
        }
        format!("{{{}, {}}}", literal(0, width - own), self.expression(id, Place::Free))
    }

    /// What is compared with zero, where the node is such a comparison and has no name.
    fn any_of(&self, id: Id) -> Option<Id> {
        if let (Op::Any(of), false) = (&self.circuit.nodes[id].op, self.is_wire[id]) { Some(*of) } else { None }
    }

    fn against_zero(&self, operator: &str, any: Id, place: Place) -> String {
        let Op::Any(of) = self.circuit.nodes[any].op else { return String::new() };
        let value = self.expression(of, Place::Of(""));
        parenthesised(format!("{value} {operator} {}'d0", self.circuit.nodes[of].width), place)
    }

    /// An operator that may be repeated without parentheses.
    fn two(&self, operator: &'static str, operands: [Id; 2], place: Place) -> String {
        let [a, b] = operands.map(|id| self.expression(id, Place::Of(operator)));
        let text = format!("{a} {operator} {b}");
        if place == Place::Of(operator) { text } else { parenthesised(text, place) }
    }

    /// One of several: a tree of choices by the bits of the index, the highest first.
    fn select(&self, index: Id, all: &[Id]) -> String {
        if let Some(word) = self.bits_of(index, all) {
            return format!("{}[{}]", self.expression(word, Place::Free), self.expression(index, Place::Free));
        }
        let bits = self.circuit.nodes[index].width.min(usize::BITS - (all.len() - 1).leading_zeros());
        let is_beyond = (0..self.circuit.nodes[index].width).skip(bits as usize).map(|bit| self.bit(index, bit));
        let is_beyond: Vec<String> = is_beyond.collect();
        let tree = self.tree(index, bits, &|at| *all.get(at).unwrap_or(&all[0]), 0);
        if is_beyond.is_empty() {
            return tree;
        }
        format!("({}) ? {} : {tree}", is_beyond.join(" || "), self.expression(all[0], Place::Of("")))
    }

    /// The word whose bits they are, one for each index.
    fn bits_of(&self, index: Id, all: &[Id]) -> Option<Id> {
        let bit = |id: &Id| match self.circuit.nodes[*id].op {
            Op::Slice(of, low) if self.circuit.nodes[*id].width == 1 => Some((of, low)),
            _ => None,
        };
        let (word, first) = bit(&all[0])?;
        let is_whole = all.len() == 1 << self.circuit.nodes[index].width;
        (is_whole && all.iter().zip(first..).all(|(id, at)| bit(id) == Some((word, at))) && first == 0).then_some(word)
    }

    fn tree(&self, index: Id, bits: u32, at: &dyn Fn(usize) -> Id, first: usize) -> String {
        if bits == 0 {
            return self.expression(at(first), Place::Of(""));
        }
        let [high, low] = [first + (1 << (bits - 1)), first].map(|first| self.tree(index, bits - 1, at, first));
        if high == low {
            return low;
        }
        let line = if bits == 1 { "" } else { "\n  " };
        format!("({} ?{line} {high} :{line} {low})", self.bit(index, bits - 1))
    }

    fn bit(&self, of: Id, bit: u32) -> String {
        let name = self.expression(of, Place::Of(""));
        if self.circuit.nodes[of].width == 1 { name } else { format!("{name}[{bit}]") }
    }
}

fn parenthesised(text: String, place: Place) -> String {
    if place == Place::Free { text } else { format!("({text})") }
}
