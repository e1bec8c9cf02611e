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

/// What is known of a board.
struct Row {
    board: Board,
    name: &'static str,
    core: &'static str,
    package: &'static str,
    target: &'static str,
    machine: &'static [&'static str],
}

pub(super) const ARM: Tool = Tool { program: "qemu-system-arm", package: "qemu-system-arm" };
const RISCV: Tool = Tool { program: "qemu-system-riscv32", package: "qemu-system-misc" };

/// One row a board, in the order of the variants.
const ROWS: &[Row] = &[
    Row {
        board: Board::M0OnM3,
        name: "qemu-m0",
        core: "Cortex-M0",
        package: "mps2-an385",
        target: "thumbv6m-none-eabi",
        machine: &["-M", "mps2-an385"],
    },
    Row {
        board: Board::Microbit,
        name: "qemu-microbit",
        core: "Cortex-M0",
        package: "microbit",
        target: "thumbv6m-none-eabi",
        machine: &["-M", "microbit"],
    },
    Row {
        board: Board::M3,
        name: "qemu-m3",
        core: "Cortex-M3",
        package: "mps2-an385",
        target: "thumbv7m-none-eabi",
        machine: &["-M", "mps2-an385"],
    },
    Row {
        board: Board::M4,
        name: "qemu-m4",
        core: "Cortex-M4F",
        package: "mps2-an386",
        target: "thumbv7em-none-eabihf",
        machine: &["-M", "mps2-an386"],
    },
    Row {
        board: Board::M7,
        name: "qemu-m7",
        core: "Cortex-M7",
        package: "mps2-an500",
        target: "thumbv7em-none-eabihf",
        machine: &["-M", "mps2-an500"],
    },
    Row {
        board: Board::M33,
        name: "qemu-m33",
        core: "Cortex-M33",
        package: "mps2-an505",
        target: "thumbv8m.main-none-eabihf",
        machine: &["-M", "mps2-an505"],
    },
    Row {
        board: Board::RiscV,
        name: "qemu-rv32",
        core: "RV32IMAC",
        package: "riscv-virt",
        target: "riscv32imac-unknown-none-elf",
        machine: &["-M", "virt", "-bios", "none"],
    },
];

impl Board {
    /// All boards.
    pub const ALL: [Self; ROWS.len()] = {
        let mut all = [Self::M0OnM3; ROWS.len()];
        let mut at = 0;
        while at < all.len() {
            assert!(ROWS[at].board as usize == at, "rows are in the order of the variants");
            all[at] = ROWS[at].board;
            at += 1;
        }
        all
    };

    /// One board of each target, since a target is what code is generated for.
    pub fn of_every_target() -> impl Iterator<Item = Self> {
        let is_first = |board: &Self| Self::ALL.iter().find(|other| other.target() == board.target()) == Some(board);
        Self::ALL.into_iter().filter(is_first)
    }

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// A short name for tables and command lines.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The core, for people.
    pub const fn core(self) -> &'static str {
        self.row().core
    }

    /// The package under `firmware/boards`.
    pub const fn package(self) -> &'static str {
        self.row().package
    }

    /// The Rust target.
    pub const fn target(self) -> &'static str {
        self.row().target
    }

    /// The program that emulates it.
    pub(super) fn emulator(self) -> Tool {
        if self.target().starts_with("riscv") { RISCV } else { ARM }
    }

    /// QEMU's arguments that choose the machine.
    pub const fn machine(self) -> &'static [&'static str] {
        self.row().machine
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
