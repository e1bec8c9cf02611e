//! The builder of a circuit: inputs, registers, memories, constants, outputs.

use std::cell::Cell;

use super::memory::Memory;
use super::node::{Circuit, Register, Trace};
use super::op::{Id, Op};
use super::store::Store;
use super::wire::Wire;
use crate::circuit::width;

/// A circuit while it is described.
pub struct Builder {
    store: Store,
    /// The input that returns all registers to their start.
    reset: Cell<Option<Id>>,
}

impl Builder {
    /// An empty circuit; its Verilog says what it is `about`.
    pub fn new(about: &'static str) -> Self {
        Self { store: Store::new(about), reset: Cell::new(None) }
    }

    fn push(&self, op: Op, width: u32) -> Wire<'_> {
        Wire::new(&self.store, op, width)
    }

    /// A constant, which must fit.
    pub fn constant(&self, value: u64, width: u32) -> Wire<'_> {
        Wire::constant_in(&self.store, value, width)
    }

    /// A bit that is 1.
    pub fn high(&self) -> Wire<'_> {
        self.constant(1, 1)
    }

    /// A bit that is 0.
    pub fn low(&self) -> Wire<'_> {
        self.constant(0, 1)
    }

    /// An input port; ports are in the order of their descriptions.
    pub fn input(&self, name: &str, width: u32) -> Wire<'_> {
        let wire = self.push(Op::Input, width);
        self.store.name(wire.id, name);
        self.store.parts.borrow_mut().inputs.push(wire.id);
        wire
    }

    /// The input `reset`, which returns every register but [`Builder::data`] to its start at the next edge, before all its
    /// other rules.
    pub fn reset(&self) -> Wire<'_> {
        let reset = self.input("reset", 1);
        self.reset.set(Some(reset.id));
        reset
    }

    /// A register that starts at 0; [`Builder::next`] says what it becomes.
    pub fn register(&self, name: &str, width: u32) -> Wire<'_> {
        self.stored(name, width, false)
    }

    /// A register that a reset leaves, as it is always written before it is read: where it has an enable, a reset would
    /// cost a look-up table for each.
    pub fn data(&self, name: &str, width: u32) -> Wire<'_> {
        self.stored(name, width, true)
    }

    fn stored(&self, name: &str, width: u32, is_data: bool) -> Wire<'_> {
        let number = self.store.parts.borrow().registers.len();
        let wire = self.push(Op::Register(number), width);
        self.store.name(wire.id, name);
        self.store.parts.borrow_mut().registers.push(Register { node: wire.id, is_data, rules: None });
        wire
    }

    /// A register where it is `used`, else a constant 0.
    pub fn register_if(&self, used: bool, name: &str, width: u32) -> Wire<'_> {
        if used { self.register(name, width) } else { self.constant(0, width) }
    }

    /// A register that counts up to `max`: a constant where that is 0.
    pub fn counter(&self, name: &str, max: u32) -> Wire<'_> {
        self.register_if(max != 0, name, width(max.into()))
    }

    /// What a register becomes at the edge: the value of the first condition that holds, else what it was.
    /// Constants that stand for unused registers stay what they are.
    pub fn next(&self, register: Wire<'_>, rules: &[(Wire<'_>, Wire<'_>)]) {
        let Op::Register(number) = self.store.parts.borrow().nodes[register.id].op else {
            assert!(register.constant().is_some(), "only registers have a next value{}", self.store.named(register.id));
            return;
        };
        let mut kept = Vec::new();
        for (condition, value) in rules {
            condition.check(1, "a condition");
            value.check(register.width(), &format!("what becomes of the register{}", self.store.named(register.id)));
            match condition.constant() {
                Some(0) => continue,
                Some(_) => kept.push((None, value.id)),
                None => kept.push((Some(condition.id), value.id)),
            }
            if condition.constant().is_some() {
                break;
            }
        }
        let mut parts = self.store.parts.borrow_mut();
        let described = parts.registers[number].rules.replace(kept);
        assert!(described.is_none(), "a register is described twice");
    }

    /// Returns a register to its start where `reset` is set.
    fn clear(&self, number: usize, reset: Id) {
        let (node, is_data) = {
            let register = &self.store.parts.borrow().registers[number];
            (register.node, register.is_data)
        };
        if is_data {
            return;
        }
        let start = self.constant(0, self.store.width(node)).id;
        if let Some(rules) = &mut self.store.parts.borrow_mut().registers[number].rules {
            rules.insert(0, (Some(reset), start));
        }
    }

    /// A register that follows `value` one cycle later.
    pub fn delay<'b>(&'b self, name: &str, value: Wire<'b>) -> Wire<'b> {
        let register = self.register(name, value.width());
        self.next(register, &[(self.high(), value)]);
        register
    }

    /// Wires side by side, the lowest first.
    pub fn join<'b>(&'b self, wires: &[Wire<'b>]) -> Wire<'b> {
        Wire::join_in(&self.store, wires)
    }

    /// The sum of wires of any width in `width` bits, which hold the largest that it can be.
    pub fn sum<'b>(&'b self, wires: &[Wire<'b>], width: u32) -> Wire<'b> {
        Wire::sum_in(&self.store, wires, width)
    }

    /// One of several wires of one width; the first where `index` is beyond them.
    pub fn select<'b>(&'b self, index: Wire<'b>, wires: &[Wire<'b>]) -> Wire<'b> {
        let width = wires.first().expect("something to select").width();
        wires.iter().for_each(|wire| wire.check(width, "one of several"));
        assert!(
            index.width() >= 32 || wires.len() <= 1 << index.width(),
            "{} bits do not tell {} wires apart",
            index.width(),
            wires.len()
        );
        self.push(Op::Select(index.id, wires.iter().map(|wire| wire.id).collect()), width)
    }

    /// A constant by index; the first where `index` is beyond them.
    pub fn table<'b>(&'b self, index: Wire<'b>, values: &[u64], width: u32) -> Wire<'b> {
        assert!(!values.is_empty(), "a table without rows");
        let fits = |value: &&u64| width >= 64 || **value >> width == 0;
        assert!(values.iter().all(|value| fits(&value)), "a value of a table does not fit {width} bits");
        self.push(Op::Table(index.id, values.iter().map(|value| u128::from(*value)).collect()), width)
    }

    /// A memory that starts with `contents`, word by word and in it column by column.
    pub fn rom(&self, name: &str, attribute: &'static str, widths: &[u32], contents: Vec<u64>) -> Memory<'_> {
        Memory::new(&self.store, (name, attribute), contents.len() / widths.len().max(1), widths, contents)
    }

    /// A memory without contents.
    pub fn ram(&self, name: &str, attribute: &'static str, depth: u32, widths: &[u32]) -> Memory<'_> {
        Memory::new(&self.store, (name, attribute), depth as usize, widths, Vec::new())
    }

    /// A memory of so many words that starts with `contents`, or without where these are empty.
    pub fn ram_of(
        &self,
        name: &str,
        attribute: &'static str,
        depth: u32,
        widths: &[u32],
        contents: Vec<u64>,
    ) -> Memory<'_> {
        Memory::new(&self.store, (name, attribute), depth as usize, widths, contents)
    }

    /// An output port.
    pub fn output(&self, name: &str, value: Wire<'_>) {
        self.store.claim(name);
        self.store.parts.borrow_mut().outputs.push((name.to_owned(), value.id));
    }

    /// What simulators print whenever `enable` is set at an edge, and what the simulation's step tells.
    pub fn trace(&self, format: &'static str, enable: Wire<'_>, values: &[Wire<'_>]) {
        enable.check(1, "an enable");
        let values = values.iter().map(|value| value.id).collect();
        self.store.parts.borrow_mut().trace = Some(Trace { enable: enable.id, format, values });
    }

    /// The circuit, without what no output needs.
    pub fn finish(&self) -> Circuit {
        let registers = self.store.parts.borrow().registers.len();
        if let Some(reset) = self.reset.get() {
            (0..registers).for_each(|number| self.clear(number, reset));
        }
        let mut circuit = self.store.parts.take();
        for register in &circuit.registers {
            let name = circuit.nodes[register.node].name.as_deref().unwrap_or_default();
            assert!(register.rules.is_some(), "nothing says what register `{name}` becomes");
        }
        circuit.mark();
        for memory in circuit.memories.iter().filter(|memory| circuit.is_live(memory)) {
            assert!(memory.read.is_some(), "memory `{}` is never read", memory.name);
        }
        circuit
    }
}
