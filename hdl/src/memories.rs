//! The memories of an engine: how large they are, and how much of them an inference reads.

use crate::circuit::{LogicCells, Placement, count_logic};
use crate::engine::circuits;
use crate::program::Program;
use crate::reads::is_activations;

/// What a memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Activations: the arena and the patches.
    Activations,
    /// Weights: their digits, and where listed words lie.
    Weights,
    /// What makes outputs of sums: biases, factors and addends, thresholds of encodings.
    Thresholds,
    /// Frames that wait.
    Input,
    /// Words of results that wait.
    Result,
}

/// A memory of the engine, as its Verilog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemorySize {
    /// Its name in the Verilog.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Words.
    pub depth: u64,
    /// Bits of a word.
    pub width: u32,
    /// Bits of a word that are not the same in all words: what synthesis keeps of contents.
    pub varying: u32,
    /// Whether it has contents from the start, and is never written.
    pub is_constant: bool,
    /// Whether synthesis is told to make it of look-up tables.
    pub is_logic: bool,
    /// Whether it has no contents and one port, since it is filled through the load port.
    pub is_loaded: bool,
}

impl MemorySize {
    /// Bits of all words.
    pub fn bits(&self) -> u64 {
        self.depth * u64::from(self.width)
    }
}

impl Program {
    /// All memories of the engine, taken from its circuits, block by block.
    ///
    /// # Panics
    /// If a circuit has a memory of which nothing says what it is for: a mistake in this crate.
    pub fn memories(&self) -> Vec<MemorySize> {
        let size = |memory: (&str, usize, [u32; 2], [bool; 3])| {
            let (name, depth, [width, varying], [is_constant, is_logic, is_loaded]) = memory;
            let (purpose, depth, name) = (purpose(name), depth as u64, name.to_owned());
            MemorySize { name, purpose, depth, width, varying, is_constant, is_logic, is_loaded }
        };
        circuits(self)
            .iter()
            .flat_map(|(_, circuit)| circuit.memories().into_iter().map(size).collect::<Vec<_>>())
            .collect()
    }

    /// The cells of an iCE40 that the engine takes besides block RAMs, where `placement` says where each memory lies.
    ///
    /// Flip-flops are those that the circuits describe, without what no output needs. Look-up tables are an estimate: the
    /// logic between them is covered by tables of four inputs, by one rule for every model, whereas a synthesis tool
    /// restructures logic before it does that.
    pub fn logic(&self, placement: impl Fn(&MemorySize) -> Placement) -> LogicCells {
        let memories = self.memories();
        let of = |name: &str| memories.iter().find(|memory| memory.name == name).map_or(Placement::Logic, &placement);
        count_logic(&circuits(self).into_iter().map(|(_, circuit)| circuit).collect::<Vec<_>>(), &of)
    }
}

/// What the memory with this name is for.
fn purpose(name: &str) -> Purpose {
    match name {
        "weights" | "signs" | "lists" | "streams" | "channel_weights" => Purpose::Weights,
        "biases" | "scales" | "limits" => Purpose::Thresholds,
        "bytes" => Purpose::Input,
        "buffer" => Purpose::Result,
        _ => {
            assert!(is_activations(name), "nothing says what the memory `{name}` is for");
            Purpose::Activations
        }
    }
}
