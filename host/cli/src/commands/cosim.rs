//! `bitfab cosim`: the two files that a person flashes, together in simulation.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bitfab::sim::board::{GATES, WEIGHTS};
use bitfab::{BoardBits, BoardCircuit};

use crate::io::files;
use crate::show::{bars, out};

/// Arguments of `bitfab cosim`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The program of a Raspberry Pi Pico that `bitfab new` wrote, as `cargo build` links it or as UF2.
    program: PathBuf,
    /// The folder that `bitfab bitstream --board icebreaker --digests` wrote.
    bits: PathBuf,
    /// Print JSON; what the Pico says then goes to standard error.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab new digits.bfab --board pico --inputs digits --rows 100 -o app && (cd app && cargo build --release)
  bitfab bitstream digits.bfab --board icebreaker --digests -o bits
  bitfab cosim app/target/thumbv6m-none-eabi/release/app bits

The Pico boots in rp2040js and asks the FPGA over SPI; the FPGA is the bitstream itself, turned back into Verilog, or
where its weights are loaded the netlist behind synthesis, which reads weights.bin from a flash.
It needs Debian's fpga-icestorm, yosys, verilator, g++, make and nodejs, and rp2040js of npm:
  npm --prefix DIR install rp2040js@1.4.1 && export BITFAB_NODE=DIR

The exit code is 0 if the Pico itself said that every answer and the digest of every layer are equal.";

/// What stands for the FPGA that the folder describes.
fn circuit(folder: &Path, bits: BoardBits) -> Result<BoardCircuit> {
    if !bits.is_loaded() {
        return Ok(BoardCircuit::Bitstream(files::read(&folder.join(format!("{}.bin", bits.board)))?));
    }
    let verilog = String::from_utf8(files::read(&folder.join(GATES))?).context("the netlist")?;
    let weights = files::read(&folder.join(WEIGHTS))?;
    Ok(BoardCircuit::Netlist { verilog, weights, kilohertz: bits.kilohertz })
}

/// Runs `bitfab cosim`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { program: path, bits: folder, json } = arguments;
    let program = files::read(path)?;
    let description = folder.join("bitstream.json");
    let text = files::read(&description)
        .with_context(|| format!("{} is no folder of `bitfab bitstream`", folder.display()))?;
    let bits = BoardBits::new(&text).with_context(|| folder.display().to_string())?;
    let circuit = circuit(folder, bits)?;
    let mut told = Ok(());
    let mut heard = |line: &str| match json {
        true => note!("{line}"),
        false if told.is_ok() => told = say!("{line}"),
        false => {}
    };
    let what = || format!("{} and {}", path.display(), folder.display());
    let found = bitfab::cosim(&program, &circuit, &bars::follow(), &mut heard).with_context(what)?;
    told?;
    if *json {
        return out::json(&found);
    }
    let (verdict, megahertz) = (found.verdict, f64::from(found.kilohertz) / 1000.0);
    say!("{} inferences, {} digests, equal", verdict.inferences, verdict.digests)?;
    if found.circuit == BoardCircuit::NETLIST {
        say!("by the netlist and {WEIGHTS}, not by the bitstream: icestorm cannot turn SPRAM back")?;
    }
    say!(
        "the FPGA at {megahertz} MHz, compiled in {:.0} s, simulated in {:.0} s",
        found.seconds_to_compile,
        found.seconds_to_run
    )
}
