//! Programs for real chips, which ask an accelerator: what they are built for, and their images.

use std::path::{Path, PathBuf};

use bitfab_format::Model;
use object::Endianness;
use object::read::elf::{ElfFile32, ProgramHeader};

use super::QemuError;
use super::build::build_alone;

/// A program of `firmware/boards` that is a workspace of its own and tests itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Its folder, which is its package's name.
    pub name: &'static str,
    /// The chip, for people.
    pub chip: &'static str,
    /// Its core, for people.
    pub core: &'static str,
    /// What it is built for.
    pub target: &'static str,
    /// Bytes of flash and RAM on its board.
    pub memory: [u64; 2],
}

/// What the program takes besides the model, at the most: drivers, link, self-test.
const PROGRAM_BYTES: u64 = 96 << 10;
/// What the stack and buffers take besides the arena, at the most.
const STACK_BYTES: u64 = 16 << 10;

impl Chip {
    /// A Raspberry Pi Pico.
    pub const PICO: Self = Self {
        name: "pico",
        chip: "RP2040",
        core: "Cortex-M0+",
        target: "thumbv6m-none-eabi",
        memory: [2 << 20, 256 << 10],
    };
    /// A Raspberry Pi Pico 2, on its Arm cores.
    pub const PICO2: Self = Self {
        name: "pico2",
        chip: "RP2350",
        core: "Cortex-M33",
        target: "thumbv8m.main-none-eabihf",
        memory: [4 << 20, 512 << 10],
    };
    /// A pyboard.
    pub const STM32F405: Self = Self {
        name: "stm32f405",
        chip: "STM32F405RG",
        core: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        memory: [1 << 20, 128 << 10],
    };
    /// A Nucleo-144.
    pub const STM32H743: Self = Self {
        name: "stm32h743",
        chip: "STM32H743ZI",
        core: "Cortex-M7",
        target: "thumbv7em-none-eabihf",
        memory: [2 << 20, 512 << 10],
    };
    /// Nordic's DK.
    pub const NRF52840: Self = Self {
        name: "nrf52840",
        chip: "nRF52840",
        core: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        memory: [1 << 20, 256 << 10],
    };
    /// Any board with this chip.
    pub const ESP32C3: Self = Self {
        name: "esp32c3",
        chip: "ESP32-C3",
        core: "RV32IMC",
        target: "riscv32imc-unknown-none-elf",
        memory: [4 << 20, 312 << 10],
    };

    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::PICO, Self::PICO2, Self::STM32F405, Self::STM32H743, Self::NRF52840, Self::ESP32C3];

    /// Builds the program with the model of a file, or with the one that it has where nobody chooses, and with the inputs
    /// of a file, or with noise; its ELF file.
    ///
    /// # Errors
    /// [`QemuError::Build`] with what Cargo said.
    pub fn build(&self, model: Option<&Path>, inputs: Option<&Path>) -> Result<PathBuf, QemuError> {
        build_alone(self.name, self.target, model, inputs, &[])
    }

    /// As [`Chip::build`], with a model of a file that reads a sensor.
    ///
    /// # Errors
    /// [`QemuError::Build`] with what Cargo said.
    pub fn build_with_sensor(&self, model: &Path) -> Result<PathBuf, QemuError> {
        build_alone(self.name, self.target, Some(model), None, &["--features", "sensor"])
    }

    /// What the board lacks for a model of so many bytes with its program; `None` where it has room.
    pub fn lacks(&self, model: &Model<'_>, bytes: u64) -> Option<String> {
        // The frame that the model is asked by holds an input or a result; a window of a sensor has 16 bits a value, and
        // is coded.
        let words = model.arena_words() + model.output().region.words as usize;
        let ram = (4 * words + 4 * model.input_bytes()) as u64 + STACK_BYTES;
        let needs = [("flash", bytes + PROGRAM_BYTES), ("RAM", ram)];
        let ((memory, need), has) = needs.into_iter().zip(self.memory).find(|((_, need), has)| need > has)?;
        Some(format!("it takes {need} bytes of {memory} with its program, {} more than there are", need - has))
    }

    /// Bytes of flash that a model of so many bytes and its program leave for rows.
    pub fn room(&self, bytes: u64) -> u64 {
        self.memory[0].saturating_sub(bytes + PROGRAM_BYTES)
    }
}

/// What a program loads into memory, or keeps in flash: addresses and bytes. Empty for what is no ELF file of 32 bits.
pub fn loaded(elf: &[u8]) -> Vec<(u32, &[u8])> {
    let Ok(file) = ElfFile32::<Endianness>::parse(elf) else { return Vec::new() };
    let endian = file.endian();
    let headers = file.elf_program_headers().iter().filter(|header| header.p_type(endian) == object::elf::PT_LOAD);
    let parts = headers.filter_map(|header| Some((header.p_paddr(endian), header.data(endian, elf).ok()?)));
    parts.filter(|(_, bytes)| !bytes.is_empty()).collect()
}
