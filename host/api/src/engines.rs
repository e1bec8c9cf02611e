//! The engines by name.

use bitfab_hdl::{Options, Weights};
use bitfab_sim::Engine;
use bitfab_sim::cosim::Bitstream;
use bitfab_sim::device::Device;
use bitfab_sim::linked::{Linked, LinkedWire};
use bitfab_sim::netlist::{Fabric, Netlist};
use bitfab_sim::programs::{EmulatedChip, Program};
use bitfab_sim::qemu::{Board, Qemu};
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls};
use bitfab_sim::software::{Kernels, Reference, Runtime};

use crate::parallel::{Make, Parallel};
use crate::{Error, Result};

/// An engine that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
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
    /// The driver and the accelerator behind its wires, in rust-hdl.
    Linked(LinkedWire),
    /// The accelerator's Verilog in a simulator.
    Verilog(Simulator),
    /// Its netlist, in Verilator.
    Netlist(Fabric),
    /// The driver at the pins of a bitstream that was turned back into Verilog.
    Bitstream,
    /// Firmware on an emulated board.
    Qemu(Board),
    /// The program of `bitfab new` on its chip, emulated.
    Program(EmulatedChip),
    /// A board behind a serial port: `device:PATH`, or `device:PATH@BAUD`.
    Device(DeviceName),
}

/// A board behind a serial port, as commands name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceName {
    text: &'static str,
    path: &'static str,
    baud: u32,
}

impl DeviceName {
    const PREFIX: &'static str = "device:";
    const BAUD: u32 = 115_200;

    /// Reads `device:PATH` or `device:PATH@BAUD`.
    fn new(text: &str) -> Result<Self> {
        // Names of engines are copied about; a command has a few of them.
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let place = text.strip_prefix(Self::PREFIX).unwrap_or(text);
        let (path, baud) = place.split_once('@').map_or((place, Ok(Self::BAUD)), |(path, baud)| (path, baud.parse()));
        ensure!(!path.is_empty(), Choice, "`{text}` names no serial port: write device:/dev/ttyACM0");
        match baud {
            Ok(baud) if baud > 0 => Ok(Self { text, path, baud }),
            _ => bail!(
                Choice,
                "`{text}`: behind the @ stands the number of bits a second, as in device:/dev/ttyUSB1@1000000"
            ),
        }
    }
}

/// What the engines that are accelerators need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32.
    pub lanes: u32,
    /// Where the weights come from.
    pub weights: Weights,
    /// Pause the streams at random, by this seed.
    pub stalls: Option<u64>,
}

impl Default for Accelerator {
    /// Eight lanes.
    fn default() -> Self {
        Self::plain(8)
    }
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

impl EngineName {
    /// All engines, the ones that need nothing first.
    pub fn all() -> Vec<Self> {
        let free = [Self::Reference, Self::Kernels, Self::Runtime, Self::CycleModel, Self::Rtl];
        let verilog = [Simulator::Icarus, Simulator::Verilator].map(Self::Verilog);
        let programs = [EmulatedChip::Stm32f405, EmulatedChip::Pico].map(Self::Program);
        let netlists = [Fabric::Ice40, Fabric::Ecp5].map(Self::Netlist);
        let linked = [LinkedWire::Spi, LinkedWire::Uart].map(Self::Linked);
        free.into_iter()
            .chain(linked)
            .chain(verilog)
            .chain(netlists)
            .chain([Self::Bitstream])
            .chain(Board::ALL.map(Self::Qemu))
            .chain(programs)
            .collect()
    }

    /// The name in commands and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Kernels => "kernels",
            Self::Runtime => "runtime",
            Self::CycleModel => "cycle-model",
            Self::Rtl => "rtl",
            Self::Linked(LinkedWire::Spi) => "linked",
            Self::Linked(LinkedWire::Uart) => "linked-uart",
            Self::Verilog(Simulator::Icarus) => "icarus",
            Self::Verilog(Simulator::Icarus2005) => "icarus-2005",
            Self::Verilog(Simulator::Verilator) => "verilator",
            Self::Netlist(Fabric::Ice40) => "netlist-ice40",
            Self::Netlist(Fabric::Ecp5) => "netlist-ecp5",
            Self::Bitstream => "bitstream-ice40",
            Self::Qemu(board) => board.name(),
            Self::Program(EmulatedChip::Stm32f405) => "stm32f405",
            Self::Program(EmulatedChip::Pico) => "pico",
            Self::Device(device) => device.text,
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
            Self::Linked(LinkedWire::Spi) => {
                "the driver over SPI, and that circuit behind it; digests of layers".into()
            }
            Self::Linked(LinkedWire::Uart) => "the same over a UART".into(),
            Self::Verilog(Simulator::Icarus) => "its Verilog, simulated by Icarus Verilog".into(),
            Self::Verilog(Simulator::Icarus2005) => "the same by the rules of Verilog-2005".into(),
            Self::Verilog(Simulator::Verilator) => "its Verilog, simulated by Verilator".into(),
            Self::Netlist(Fabric::Ice40) => "its netlist of iCE40 cells, by Yosys, in Verilator".into(),
            Self::Netlist(Fabric::Ecp5) => "the same of ECP5 cells".into(),
            Self::Bitstream => "the driver at the pins of an iCEBreaker's bitstream turned back into Verilog".into(),
            Self::Qemu(board) => format!("the firmware on an emulated {}", board.core()),
            Self::Program(EmulatedChip::Stm32f405) => {
                "the program of `bitfab new` on an STM32F405 in QEMU, which compares digests itself".into()
            }
            Self::Program(EmulatedChip::Pico) => "the same on a Pico in rp2040js, from its UF2 file on".into(),
            Self::Device(device) => format!("a board behind {} at {} baud", device.path, device.baud),
        }
    }

    /// Makes the engine; those that are quick to begin run rows on every core.
    ///
    /// # Errors
    /// [`Error::Engine`] where the tools of an emulated board are missing.
    pub fn create(self, accelerator: Accelerator) -> Result<Box<dyn Engine>> {
        let (options, stalls) = (accelerator.options(), accelerator.stalls());
        let make: Make = match self {
            Self::Qemu(board) => return Ok(Box::new(Qemu::new(board)?)),
            Self::Program(chip) => return Ok(Box::new(Program(chip))),
            Self::Device(DeviceName { path, baud, .. }) => {
                return Ok(Box::new(Device { path: path.to_owned(), baud }));
            }
            // Verilator compiles for longer than it simulates: once is best.
            Self::Verilog(simulator @ Simulator::Verilator) => {
                return Ok(Box::new(Replay { simulator, options, stalls }));
            }
            Self::Netlist(fabric) => return Ok(Box::new(Netlist { fabric, options, stalls })),
            Self::Bitstream => return Ok(Box::new(Bitstream { options })),
            Self::Verilog(simulator) => Box::new(move || Box::new(Replay { simulator, options, stalls })),
            Self::Reference => Box::new(|| Box::new(Reference)),
            Self::Kernels => Box::new(|| Box::new(Kernels)),
            Self::Runtime => Box::new(|| Box::new(Runtime)),
            Self::CycleModel => Box::new(move || Box::new(CycleModel { options, stalls })),
            Self::Linked(wire) => Box::new(move || Box::new(Linked { wire, options })),
            Self::Rtl => Box::new(move || Box::new(RustHdl { options, stalls })),
        };
        Ok(Box::new(Parallel::new(make)))
    }
}

impl std::str::FromStr for EngineName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with(DeviceName::PREFIX) {
            return DeviceName::new(text).map(Self::Device);
        }
        let all = Self::all();
        match all.iter().find(|engine| engine.name() == text) {
            Some(&engine) => Ok(engine),
            None => {
                let names: Vec<&str> = all.iter().map(|engine| engine.name()).collect();
                bail!(Choice, "no engine `{text}`; there are {}, and device:PATH", names.join(", "))
            }
        }
    }
}

impl std::fmt::Display for EngineName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
