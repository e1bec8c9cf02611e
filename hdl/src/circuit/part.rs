//! A memory as a part of a circuit.

use super::op::Id;

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
