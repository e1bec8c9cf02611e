//! Memories: words of several columns, one registered read port, and writes column by column.

use super::builder::Builder;
use super::node::{Id, Op};
use super::wire::Wire;
use crate::circuit::width;

/// Tells synthesis to make a memory of look-up tables.
pub(crate) const LOGIC: &str = "rom_style = \"logic\"";
/// The mark of a memory that is filled after configuration: one port and no contents, known to scripts that choose its kind
/// of RAM.
pub(crate) const LOADED: &str = "no_rw_check, loaded";
/// Tells synthesis that a word is never read and written at one edge.
pub(crate) const NO_COLLISION: &str = "no_rw_check";

/// A write port of one column.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub enable: Id,
    pub address: Id,
    pub column: usize,
    pub data: Id,
}

/// A memory of a circuit.
#[derive(Clone, Debug)]
pub(super) struct MemoryPart {
    pub name: String,
    /// What synthesis is told about it.
    pub attribute: &'static str,
    pub depth: usize,
    /// The nodes of the columns that were read, the lowest bits first.
    pub columns: Vec<Id>,
    /// Contents, word by word and in it column by column; empty for a memory that is only written.
    pub contents: Vec<u64>,
    /// Enable and address of the read port.
    pub read: Option<(Option<Id>, Id)>,
    pub writes: Vec<Write>,
}

impl MemoryPart {
    /// The nodes that its ports use.
    pub fn roots(&self) -> Vec<Id> {
        let read = self.read.iter().flat_map(|(enable, address)| enable.iter().copied().chain([*address]));
        let writes = self.writes.iter().flat_map(|write| [write.enable, write.address, write.data]);
        read.chain(writes).collect()
    }

    /// Bits of a word that contents do not have the same in all words.
    pub fn varying_bits(&self) -> u32 {
        let columns = self.columns.len();
        let mut varying = vec![0; columns];
        for word in self.contents.chunks(columns) {
            varying.iter_mut().zip(word).zip(&self.contents).for_each(|((bits, own), first)| *bits |= own ^ first);
        }
        varying.iter().map(|bits: &u64| bits.count_ones()).sum()
    }

    /// Whether block RAM alone does not give the old word where it is read and written at one edge, and synthesis is not told
    /// that this never happens.
    pub fn is_emulated(&self) -> bool {
        !self.writes.is_empty() && !self.attribute.starts_with(NO_COLLISION)
    }

    /// Those that are addresses.
    pub fn addresses(&self) -> Vec<Id> {
        let read = self.read.iter().map(|(_, address)| *address);
        read.chain(self.writes.iter().map(|write| write.address)).collect()
    }
}

/// A memory while its circuit is described.
#[derive(Clone, Copy)]
pub struct Memory<'b> {
    builder: &'b Builder,
    number: usize,
}

impl<'b> Memory<'b> {
    pub(super) fn new(
        builder: &'b Builder,
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
        let number = builder.parts.borrow().memories.len();
        let columns = (0..widths.len()).map(|at| builder.push(Op::Column(number, at), widths[at]).id).collect();
        builder.claim(name);
        builder.claim(&format!("{name}_read"));
        let part =
            MemoryPart { name: name.to_owned(), attribute, depth, columns, contents, read: None, writes: Vec::new() };
        builder.parts.borrow_mut().memories.push(part);
        Self { builder, number }
    }

    fn check_address(self, address: Wire<'_>) {
        let parts = self.builder.parts.borrow();
        let memory = &parts.memories[self.number];
        let need = width(memory.depth as u64 - 1);
        assert!(address.width() == need, "memory `{}` has {need} address bits, not {}", memory.name, address.width());
    }

    /// The columns of the word that was read at the last edge, for addresses that depend on it; [`Memory::read`] says from
    /// where.
    pub fn last_read(self) -> Vec<Wire<'b>> {
        let parts = self.builder.parts.borrow();
        let columns = &parts.memories[self.number].columns;
        columns.iter().map(|id| Wire { builder: self.builder, id: *id }).collect()
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
            let memory = &mut self.builder.parts.borrow_mut().memories[self.number];
            assert!(memory.read.is_none(), "memory `{}` is read twice", memory.name);
            memory.read = Some((enable, address.id));
        }
        self.last_read()
    }

    /// Writes `data` into a column at each edge at which `enable` is set; a read at the same edge sees the old word.
    pub fn write(self, enable: Wire<'b>, address: Wire<'b>, column: usize, data: Wire<'b>) {
        self.check_address(address);
        enable.check(1, "an enable");
        let need = self.builder.width(self.builder.parts.borrow().memories[self.number].columns[column]);
        data.check(need, "what is written");
        let write = Write { enable: enable.id, address: address.id, column, data: data.id };
        self.builder.parts.borrow_mut().memories[self.number].writes.push(write);
    }
}
