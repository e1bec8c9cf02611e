//! `bitfab uf2`: the file that is dropped on a Raspberry Pi Pico or Pico 2.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::io::outputs::{self, Product};

/// Arguments of `bitfab uf2`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The program as `cargo build` links it: an ELF file for an RP2040 or RP2350.
    elf: PathBuf,
    /// The UF2 file.
    #[arg(short, long, value_name = "FILE.uf2")]
    output: PathBuf,
}

const EXAMPLES: &str = "Example:
  bitfab uf2 firmware/boards/pico/target/thumbv6m-none-eabi/release/pico -o pico.uf2

Hold BOOTSEL while the board is plugged in, then copy the file to the drive that appears.";

/// Runs `bitfab uf2`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.elf.display();
    outputs::distinct(&[("the program", &arguments.elf), ("-o", &arguments.output)])?;
    let elf = std::fs::read(&arguments.elf).with_context(|| format!("cannot read {name}"))?;
    let file = bitfab::uf2(&elf).with_context(|| name.to_string())?;
    outputs::write(&arguments.output, Product::Uf2, &file)?;
    say!("{}: {} bytes", arguments.output.display(), file.len())
}
