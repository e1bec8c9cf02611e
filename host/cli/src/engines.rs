//! The engines by name.

use anyhow::{Result, bail, ensure};
use bitfab::hdl::{Options, Weights};
use bitfab::sim::Engine;
use bitfab::sim::qemu::{Board, Qemu};
use bitfab::sim::replay::{Replay, Simulator};
use bitfab::sim::rtl::{CycleModel, RustHdl, Stalls};
use bitfab::sim::software::{Kernels, Reference, Runtime};

use crate::parallel::{Make, Parallel};

/// An engine that can be named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Naive loops over plain integers.
    Reference,
    /// The fast kernels.
    Kernels,
    /// The `no_std` runtime.
    Runtime,
    /// The accelerator's cycle model in plain Rust.
    CycleModel,
    /// The accelerator's circuit in rust-hdl.
    Rtl,
    /// The accelerator's Verilog in a simulator.
    Verilog(Simulator),
    /// Firmware on an emulated board.
    Qemu(Board),
}

/// What the engines that are accelerators need to know.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Accelerator {
    /// Lanes of the accelerator: output channels computed at a time, 1, 2, 4, 8, 16 or 32.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    pub lanes: u32,
    /// Where the accelerator's weights come from: `contents` of memories, `loaded` through its port, or `rebuilt`, those of
    /// dense SmartDeal layers from bases and powers of two beside the lanes.
    #[arg(long, value_parser = weights, default_value = "contents")]
    pub weights: Weights,
    /// Pause the accelerator's streams at random, by this seed.
    #[arg(long, value_name = "SEED")]
    pub stalls: Option<u64>,
}

impl Accelerator {
    /// Weights in memories and streams without pauses.
    pub const fn plain(lanes: u32) -> Self {
        Self { lanes, weights: Weights::Contents, stalls: None }
    }

    /// The circuit's options.
    pub fn options(self) -> Options {
        Options::default().with_lanes(self.lanes).with_weights(self.weights)
    }

    /// Pauses in half of the cycles where they are wanted.
    fn stalls(self) -> Stalls {
        self.stalls.map_or(Stalls::default(), |seed| Stalls { seed, input: 128, output: 128 })
    }
}

/// Reads a number of lanes.
pub fn lanes(text: &str) -> Result<u32> {
    let lanes = text.parse().unwrap_or(0);
    ensure!(matches!(lanes, 1 | 2 | 4 | 8 | 16 | 32), "lanes divide a word: 1, 2, 4, 8, 16 or 32");
    Ok(lanes)
}

/// Reads where weights come from.
pub fn weights(text: &str) -> Result<Weights> {
    match Weights::ALL.into_iter().find(|weights| weights.name() == text) {
        Some(weights) => Ok(weights),
        None => bail!("weights are `contents` of memories, `loaded` through a port, or `rebuilt` of SmartDeal's bases"),
    }
}

impl Name {
    /// All engines, the ones that need nothing first.
    pub fn all() -> Vec<Self> {
        let free = [Self::Reference, Self::Kernels, Self::Runtime, Self::CycleModel, Self::Rtl];
        let verilog = [Simulator::Icarus, Simulator::Verilator].map(Self::Verilog);
        free.into_iter().chain(verilog).chain(Board::ALL.map(Self::Qemu)).collect()
    }

    /// The name on the command line and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Kernels => "kernels",
            Self::Runtime => "runtime",
            Self::CycleModel => "cycle-model",
            Self::Rtl => "rtl",
            Self::Verilog(Simulator::Icarus) => "icarus",
            Self::Verilog(Simulator::Icarus2005) => "icarus-2005",
            Self::Verilog(Simulator::Verilator) => "verilator",
            Self::Qemu(board) => board.name(),
        }
    }

    /// What it is, for people.
    pub fn what(self) -> String {
        match self {
            Self::Reference => "naive loops over plain integers, the truth".into(),
            Self::Kernels => "the fast kernels, layer by layer".into(),
            Self::Runtime => "the no_std runtime in an arena of exactly the stated size".into(),
            Self::CycleModel => "the accelerator's cycle model in plain Rust".into(),
            Self::Rtl => "the accelerator's circuit, simulated by rust-hdl".into(),
            Self::Verilog(Simulator::Icarus) => "its Verilog, simulated by Icarus Verilog".into(),
            Self::Verilog(Simulator::Icarus2005) => "the same by the rules of Verilog-2005".into(),
            Self::Verilog(Simulator::Verilator) => "its Verilog, simulated by Verilator".into(),
            Self::Qemu(board) => format!("the firmware on an emulated {}", board.core()),
        }
    }

    /// Makes the engine.
    pub fn create(self, accelerator: Accelerator) -> Result<Box<dyn Engine>> {
        let (options, stalls) = (accelerator.options(), accelerator.stalls());
        let make: Make = match self {
            Self::Qemu(board) => return Ok(Box::new(Qemu::new(board)?)),
            // Verilator compiles for longer than it simulates: once is best.
            Self::Verilog(simulator @ Simulator::Verilator) => {
                return Ok(Box::new(Replay { simulator, options, stalls }));
            }
            Self::Verilog(simulator) => Box::new(move || Box::new(Replay { simulator, options, stalls })),
            Self::Reference => Box::new(|| Box::new(Reference)),
            Self::Kernels => Box::new(|| Box::new(Kernels)),
            Self::Runtime => Box::new(|| Box::new(Runtime)),
            Self::CycleModel => Box::new(move || Box::new(CycleModel { options, stalls })),
            Self::Rtl => Box::new(move || Box::new(RustHdl { options, stalls })),
        };
        Ok(Box::new(Parallel::new(make)))
    }
}

impl std::str::FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = Self::all();
        match all.iter().find(|engine| engine.name() == text) {
            Some(&engine) => Ok(engine),
            None => {
                let names: Vec<&str> = all.iter().map(|engine| engine.name()).collect();
                bail!("no engine `{text}`; there are {}", names.join(", "))
            }
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
