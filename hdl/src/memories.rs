//! The memories of an engine: how large they are, and how much of them an inference reads.

use crate::circuit::{LogicCells, Placement, count_logic};
use crate::engine::circuits;
use crate::program::{Program, Row};
use crate::sequencer::{Issue, flag};

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

/// Whether it is the memory of activations, or a copy of it.
fn is_activations(name: &str) -> bool {
    name == "ram" || name.starts_with("ram_")
}

/// Words that were read for something that was computed, memory by memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Of each copy of the activations.
    pub activations: u64,
    /// Of the weights.
    pub weights: u64,
    /// Of the signs.
    pub signs: u64,
    /// Of the lists.
    pub lists: u64,
    /// Of bases and coefficients that weights are rebuilt from.
    pub streams: u64,
    /// Of the weights of depthwise layers.
    pub channel_weights: u64,
    /// Of the biases.
    pub biases: u64,
    /// Of factors and addends.
    pub scales: u64,
    /// Thresholds of encodings.
    pub limits: u64,
    /// Bytes of stored frames.
    pub bytes: u64,
    /// Words of results.
    pub buffer: u64,
}

impl Reads {
    /// Takes note of what an issue of `row` reads in an engine of that many lanes.
    pub(crate) fn note(&mut self, row: &Row, issue: Issue, lanes: u32) {
        let has = |flags: u32| u64::from(issue.flags & flags != 0);
        let counts = has(flag::RUN) & !has(flag::SELECT);
        let multiplies = if row.depthwise { 0 } else { counts };
        self.channel_weights += counts - multiplies;
        self.activations += has(flag::RUN | flag::POOL);
        self.weights += multiplies;
        self.signs += multiplies & u64::from(row.signed);
        self.lists += multiplies & u64::from(row.listed);
        self.biases += u64::from(issue.b != 0);
        // A requantised group reads a factor a lane once it is done, a scaled score one when it is emitted.
        self.scales += has(flag::DONE) * u64::from(row.requant) * u64::from(lanes);
        self.scales += has(flag::EMIT) & u64::from(row.affine);
    }

    /// Words read from the memory with this name in the Verilog.
    ///
    /// `None` for a memory that there is not.
    pub fn of(&self, name: &str) -> Option<u64> {
        let words = match name {
            "weights" => self.weights,
            "signs" => self.signs,
            "lists" => self.lists,
            "streams" => self.streams,
            "channel_weights" => self.channel_weights,
            "biases" => self.biases,
            "scales" => self.scales,
            "limits" => self.limits,
            "bytes" => self.bytes,
            "buffer" => self.buffer,
            _ if is_activations(name) => self.activations,
            _ => return None,
        };
        Some(words)
    }

    /// What was read since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            activations: self.activations - before.activations,
            weights: self.weights - before.weights,
            signs: self.signs - before.signs,
            lists: self.lists - before.lists,
            streams: self.streams - before.streams,
            channel_weights: self.channel_weights - before.channel_weights,
            biases: self.biases - before.biases,
            scales: self.scales - before.scales,
            limits: self.limits - before.limits,
            bytes: self.bytes - before.bytes,
            buffer: self.buffer - before.buffer,
        }
    }
}
