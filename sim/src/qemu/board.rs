//! The emulated boards.

use std::fmt;

use super::tool::Tool;

/// An emulated board: machine, core and the target that its firmware is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Board {
    /// Cortex-M0 code (ARMv6-M) on a Cortex-M3, which executes it unchanged and has more memory than any M0.
    M0OnM3,
    /// Cortex-M0 with 256 KiB of flash and 16 KiB of RAM.
    Microbit,
    /// Cortex-M3.
    M3,
    /// Cortex-M4F.
    M4,
    /// Cortex-M7.
    M7,
    /// Cortex-M33.
    M33,
    /// RV32IMAC.
    RiscV,
}

impl Board {
    /// All boards.
    pub const ALL: [Self; 7] = [Self::M0OnM3, Self::Microbit, Self::M3, Self::M4, Self::M7, Self::M33, Self::RiscV];

    /// A short name for tables and command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::M0OnM3 => "qemu-m0",
            Self::Microbit => "qemu-microbit",
            Self::M3 => "qemu-m3",
            Self::M4 => "qemu-m4",
            Self::M7 => "qemu-m7",
            Self::M33 => "qemu-m33",
            Self::RiscV => "qemu-rv32",
        }
    }

    /// The core, for people.
    pub const fn core(self) -> &'static str {
        match self {
            Self::M0OnM3 | Self::Microbit => "Cortex-M0",
            Self::M3 => "Cortex-M3",
            Self::M4 => "Cortex-M4F",
            Self::M7 => "Cortex-M7",
            Self::M33 => "Cortex-M33",
            Self::RiscV => "RV32IMAC",
        }
    }

    /// The package under `firmware/boards`.
    pub const fn package(self) -> &'static str {
        match self {
            Self::M0OnM3 | Self::M3 => "mps2-an385",
            Self::Microbit => "microbit",
            Self::M4 => "mps2-an386",
            Self::M7 => "mps2-an500",
            Self::M33 => "mps2-an505",
            Self::RiscV => "riscv-virt",
        }
    }

    /// The Rust target.
    pub const fn target(self) -> &'static str {
        match self {
            Self::M0OnM3 | Self::Microbit => "thumbv6m-none-eabi",
            Self::M3 => "thumbv7m-none-eabi",
            Self::M4 | Self::M7 => "thumbv7em-none-eabihf",
            Self::M33 => "thumbv8m.main-none-eabihf",
            Self::RiscV => "riscv32imac-unknown-none-elf",
        }
    }

    /// The program that emulates it.
    pub(super) const fn emulator(self) -> Tool {
        match self {
            Self::RiscV => Tool { program: "qemu-system-riscv32", package: "qemu-system-misc" },
            _ => Tool { program: "qemu-system-arm", package: "qemu-system-arm" },
        }
    }

    /// QEMU's arguments that choose the machine.
    pub const fn machine(self) -> &'static [&'static str] {
        match self {
            Self::RiscV => &["-M", "virt", "-bios", "none"],
            Self::M0OnM3 | Self::M3 => &["-M", "mps2-an385"],
            Self::Microbit => &["-M", "microbit"],
            Self::M4 => &["-M", "mps2-an386"],
            Self::M7 => &["-M", "mps2-an500"],
            Self::M33 => &["-M", "mps2-an505"],
        }
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
