//! Memories: words of several columns, one registered read port, and writes column by column.

use super::op::{Id, Op};
use super::part::{MemoryPart, Write};
use super::store::Store;
use super::wire::Wire;
use crate::circuit::width;

/// A memory while its circuit is described.
#[derive(Clone, Copy)]
pub struct Memory<'b> {
    store: &'b Store,
    number: usize,
}

impl<'b> Memory<'b> {
    pub(super) fn new(
        store: &'b Store,
        (name, attribute): (&str, &'static str),
        depth: usize,
        widths: &[u32],
        contents: Vec<u64>,
    ) -> Self {
        assert!(depth > 0 && !widths.is_empty(), "memory `{name}` is empty");
        assert!(widths.iter().all(|width| (1..=64).contains(width)), "memory `{name}` has a column over 64 bits");
        assert!(
            contents.is_empty() || contents.len() == depth * widths.len(),
            "memory `{name}` has {} values for {depth} words of {} columns",
            contents.len(),
            widths.len()
        );
        for (at, value) in contents.iter().enumerate() {
            let bits = widths[at % widths.len()];
            assert!(bits == 64 || value >> bits == 0, "memory `{name}` holds {value:#x} in {bits} bits");
        }
        let number = store.parts.borrow().memories.len();
        let columns = (0..widths.len()).map(|at| store.push(Op::Column(number, at), widths[at])).collect();
        store.claim(name);
        store.claim(&format!("{name}_read"));
        let part =
            MemoryPart { name: name.to_owned(), attribute, depth, columns, contents, read: None, writes: Vec::new() };
        store.parts.borrow_mut().memories.push(part);
        Self { store, number }
    }

    fn check_address(self, address: Wire<'_>) {
        let parts = self.store.parts.borrow();
        let memory = &parts.memories[self.number];
        let need = width(memory.depth as u64 - 1);
        assert!(address.width() == need, "memory `{}` has {need} address bits, not {}", memory.name, address.width());
    }

    /// The columns of the word that was read at the last edge, for addresses that depend on it; [`Memory::read`] says from
    /// where.
    pub fn last_read(self) -> Vec<Wire<'b>> {
        let parts = self.store.parts.borrow();
        let columns = &parts.memories[self.number].columns;
        columns.iter().map(|id| Wire { store: self.store, id: *id }).collect()
    }

    /// The columns of the word that was read at the last edge, from the address of that cycle.
    pub fn read(self, address: Wire<'b>) -> Vec<Wire<'b>> {
        self.port(None, address)
    }

    /// As [`Memory::read`], where a new word is read only if `enable` is set.
    pub fn read_if(self, enable: Wire<'b>, address: Wire<'b>) -> Vec<Wire<'b>> {
        enable.check(1, "an enable");
        self.port(Some(enable.id), address)
    }

    fn port(self, enable: Option<Id>, address: Wire<'b>) -> Vec<Wire<'b>> {
        self.check_address(address);
        {
            let memory = &mut self.store.parts.borrow_mut().memories[self.number];
            assert!(memory.read.is_none(), "memory `{}` is read twice", memory.name);
            memory.read = Some((enable, address.id));
        }
        self.last_read()
    }

    /// Writes `data` into a column at each edge at which `enable` is set; a read at the same edge sees the old word.
    pub fn write(self, enable: Wire<'b>, address: Wire<'b>, column: usize, data: Wire<'b>) {
        self.check_address(address);
        enable.check(1, "an enable");
        let need = self.store.width(self.store.parts.borrow().memories[self.number].columns[column]);
        data.check(need, "what is written");
        let write = Write { enable: enable.id, address: address.id, column, data: data.id };
        self.store.parts.borrow_mut().memories[self.number].writes.push(write);
    }
}
