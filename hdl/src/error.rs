//! Why a model cannot become a circuit.

/// A model or an option that the engine cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HdlError {
    /// The number of lanes does not divide a word.
    #[error("{lanes} lanes are not possible: choose 1, 2, 4, 8, 16 or 32, which divide a word of 32 channels")]
    Lanes {
        /// What was asked for.
        lanes: u32,
    },
    /// The number of pipeline registers is out of range.
    #[error("{pipe} pipeline registers in a lane are not possible: choose 0 to 3 (2 is the default)")]
    Pipe {
        /// What was asked for.
        pipe: u32,
    },
    /// The number of words read in a cycle does not divide the lanes.
    #[error("{reads} words cannot be read in a cycle: choose a power of two up to the {lanes} lanes")]
    Reads {
        /// What was asked for.
        reads: u32,
        /// Lanes that were asked for.
        lanes: u32,
    },
    /// A memory of the engine would be larger than its address.
    #[error(
        "the {memory} of the engine would need {need} words, and {limit} is the most: use more lanes, \
         or split the model into smaller ones"
    )]
    TooLarge {
        /// Which memory.
        memory: &'static str,
        /// Words that the model needs.
        need: u64,
        /// Words that are possible.
        limit: u64,
    },
    /// There is nothing to load.
    #[error("the model has no weights that could be loaded: leave its memories to the configuration of the FPGA")]
    NothingToLoad,
    /// There is nothing to rebuild.
    #[error(
        "the model has no dense layer of SmartDeal weights, which alone are rebuilt: \
         leave its weights to the contents of memories"
    )]
    NothingToRebuild,
    /// What a chip would say of itself is another engine's.
    #[error("the chip would tell of another engine: its sizes, lanes, digests and loader must be those of `identity`")]
    Identity,
    /// A result is long, and comes slower than SPI reads it.
    #[error("the result of {bytes} bytes comes slower than SPI reads it: choose a UART, or more lanes")]
    LinkedResult {
        /// Bytes of a result.
        bytes: u64,
    },
    /// Words come in another order than they lie in.
    #[error("layer {layer}: its words are finished in another order than they lie in, so that no digest is kept of it")]
    Digests {
        /// The layer.
        layer: u16,
    },
    /// The number of clocks a bit of a UART is out of range.
    #[error("{divisor} clocks a bit are not possible on a UART: choose {least} to {most}")]
    Divisor {
        /// What was asked for.
        divisor: u32,
        /// Fewest that are possible.
        least: u32,
        /// Most that are possible.
        most: u32,
    },
    /// An accumulator with its threshold subtracted leaves the engine's registers.
    #[error("layer {layer}: an accumulator of {bits} bits is needed, and {limit} is the most: reduce its fan-in")]
    Accumulator {
        /// The layer.
        layer: u16,
        /// Bits that it needs.
        bits: u32,
        /// Bits that are possible.
        limit: u32,
    },
    /// The engine needs a clocked stretch longer than the cycle model is willing to follow.
    #[error("no result after {cycles} cycles: the model is too large to step through here")]
    TooLong {
        /// Cycles that were stepped.
        cycles: u64,
    },
    /// The name of the top module is not one.
    #[error("`{name}` cannot be the name of a module: {why}; for example `bitfab` or `digits_8`")]
    Name {
        /// What was asked for, cut where it is long.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The top module has no such ports.
    #[error("`{name}` is no interface: choose `plain` (valid, ready, last) or `axis` (AXI4-Stream)")]
    Interface {
        /// What was asked for, cut where it is long.
        name: String,
    },
    /// The wires of the simulated circuit did not settle: a mistake in this crate.
    #[error("the simulated circuit does not settle: please report the model that causes this")]
    Loop,
}
