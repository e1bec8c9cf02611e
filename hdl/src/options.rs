//! What a user chooses about the circuit.

use crate::HdlError;

/// Where the digits and signs of weights come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// They are the contents of memories when the FPGA is configured.
    #[default]
    Contents,
    /// A host sends them through the load port after configuration ([`Program::image`](crate::Program::image)), once:
    /// no frame is taken before they have come and their CRC was right. Memories that have no contents, such as SPRAM,
    /// can hold them: each has one port, for the load and for reading.
    Loaded,
    /// As [`Weights::Contents`], but those of dense SmartDeal layers lie there as in the model's file, as bases and sparse
    /// powers of two: a rebuilder makes digits of them, one group of lanes at a time, before the group meets its window.
    /// That takes a cycle or more for each weight, and a small part of the memory.
    Rebuilt,
}

impl Weights {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Contents, Self::Loaded, Self::Rebuilt];

    /// The name in options of commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contents => "contents",
            Self::Loaded => "loaded",
            Self::Rebuilt => "rebuilt",
        }
    }
}

/// Size and depth of the engine; everything else follows from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32. Each multiplies 32 weights a cycle.
    pub lanes: u32,
    /// Registers in a lane between the memories and the accumulator, 0 to 3:
    /// the first after the population count, the second in its middle, the third after the XNOR.
    /// Each adds one cycle at the end of a layer.
    pub pipe: u32,
    /// Words of the activation memory read in a cycle: 1 up to the number of lanes, a power of two.
    /// Each further one costs a copy of that memory, and makes layers with many zero weights faster:
    /// fewer lanes share a word, so more words can be skipped.
    pub reads: u32,
    /// Where the weights come from.
    pub weights: Weights,
}

impl Default for Options {
    fn default() -> Self {
        Self { lanes: 8, pipe: 2, reads: 1, weights: Weights::Contents }
    }
}

impl Options {
    /// The options with another number of lanes.
    pub const fn with_lanes(self, lanes: u32) -> Self {
        Self { lanes, ..self }
    }

    /// The options with another number of words read in a cycle.
    pub const fn with_reads(self, reads: u32) -> Self {
        Self { reads, ..self }
    }

    /// The options with another origin of the weights.
    pub const fn with_weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`HdlError::Lanes`], [`HdlError::Pipe`] or [`HdlError::Reads`].
    pub(crate) fn check(self) -> Result<Self, HdlError> {
        if !matches!(self.lanes, 1 | 2 | 4 | 8 | 16 | 32) {
            return Err(HdlError::Lanes { lanes: self.lanes });
        }
        if !self.reads.is_power_of_two() || self.reads > self.lanes {
            return Err(HdlError::Reads { reads: self.reads, lanes: self.lanes });
        }
        if self.pipe > 3 {
            return Err(HdlError::Pipe { pipe: self.pipe });
        }
        Ok(self)
    }
}
