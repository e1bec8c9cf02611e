//! How much of the memories an inference reads.

use crate::program::Row;
use crate::sequencer::{Issue, flag};

/// Whether it is the memory of activations, or a copy of it.
pub(crate) fn is_activations(name: &str) -> bool {
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
        self.signs += multiplies & u64::from(row.weights.signed);
        self.lists += multiplies & u64::from(row.weights.listed);
        self.biases += u64::from(issue.b != 0);
        // A requantised group reads a factor a lane once it is done, a scaled score one when it is emitted.
        self.scales += has(flag::DONE) * u64::from(row.scaling.requant) * u64::from(lanes);
        self.scales += has(flag::EMIT) & u64::from(row.scaling.affine);
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
