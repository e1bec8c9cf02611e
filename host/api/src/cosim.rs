//! The two files that a person flashes, together in simulation.

use std::time::Instant;

use bitfab_hdl::Weights;
use bitfab_sim::cosim::{BOARD, Fpga, Verdict, emulator, verdict};
use bitfab_sim::uf2::{check_uf2, is_uf2};
use serde::{Deserialize, Serialize};

use crate::progress::Told;
use crate::{Context, Result, Watch, uf2};

/// What a folder of [`bitstream`](crate::bitstream()) says of itself in its `bitstream.json`, as far as it is asked here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BoardBits {
    /// The board.
    pub board: String,
    /// Its wires to the host: `spi` or `uart`.
    pub link: String,
    /// Whether it keeps the digest of every layer.
    pub digests: bool,
    /// Where its weights come from.
    #[serde(default)]
    pub weights: String,
    /// The clock of the chip in kHz.
    #[serde(default)]
    pub kilohertz: u32,
}

/// What stands for the FPGA.
#[derive(Clone, Debug)]
pub enum BoardCircuit {
    /// The bitstream, turned back into Verilog.
    Bitstream(Vec<u8>),
    /// The netlist behind synthesis, where the bitstream cannot be turned back: icestorm knows no SPRAM.
    Netlist {
        /// `netlist.v`.
        verilog: String,
        /// `weights.bin`, which lies in the board's flash.
        weights: Vec<u8>,
        /// The clock of the chip in kHz.
        kilohertz: u32,
    },
}

/// What a pair of files did.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cosimulated {
    /// What was equal.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What stood for the FPGA: [`BoardCircuit::BITSTREAM`] or [`BoardCircuit::NETLIST`].
    pub circuit: &'static str,
    /// The clock of the FPGA in kHz, as its bits say, or of a netlist its description.
    pub kilohertz: u32,
    /// Seconds until the FPGA was compiled.
    pub seconds_to_compile: f64,
    /// Seconds of the simulation.
    pub seconds_to_run: f64,
}

impl BoardCircuit {
    /// The name of a bitstream in results.
    pub const BITSTREAM: &str = "bitstream";
    /// The name of a netlist.
    pub const NETLIST: &str = "netlist";

    const fn name(&self) -> &'static str {
        match self {
            Self::Bitstream(_) => Self::BITSTREAM,
            Self::Netlist { .. } => Self::NETLIST,
        }
    }
}

impl BoardBits {
    /// Whether the weights are loaded, so that the netlist stands for the bitstream.
    pub fn is_loaded(&self) -> bool {
        self.weights == Weights::Loaded.name()
    }

    /// Reads `bitstream.json`, and refuses what cannot be simulated.
    ///
    /// # Errors
    /// [`Error::Choice`](crate::Error::Choice) of other text, of a board that is not known, of other wires, and of a
    /// bitstream without digests.
    pub fn new(json: &[u8]) -> Result<Self> {
        let bits: Self = match serde_json::from_slice(json) {
            Ok(bits) => bits,
            Err(error) => bail!(Choice, "this is not what `bitfab bitstream` writes: {error}"),
        };
        let Self { board, link, digests, .. } = &bits;
        ensure!(board == BOARD, Choice, "the board is `{board}`; it is known how a Pico is wired to an `{BOARD}`");
        ensure!(
            link == "spi",
            Choice,
            "the bitstream answers over {link}; a Pico asks over SPI: build it with --link spi"
        );
        ensure!(
            *digests,
            Choice,
            "the bitstream keeps no digests, by which layers are compared: build it with --digests"
        );
        Ok(bits)
    }
}

/// Boots a Raspberry Pi Pico from its program, an ELF or a UF2 file, wired to the FPGA of an
/// iCEBreaker; `heard` is told what the Pico says, line by line.
///
/// # Errors
/// [`Error::Program`](crate::Error::Program) for what is no program; [`Error::Engine`](crate::Error::Engine) where a tool is
/// missing or fails; [`Error::Differs`](crate::Error::Differs) unless the Pico itself said that every answer and the digest
/// of every layer are equal.
pub fn cosim(
    program: &[u8],
    circuit: &BoardCircuit,
    watch: Watch<'_>,
    heard: &mut dyn FnMut(&str),
) -> Result<Cosimulated> {
    let program = if is_uf2(program) { program.to_vec() } else { uf2(program)? };
    check_uf2(&program)?; // an RP2350 has UF2 files too
    emulator()?; // not after a minute of work
    let start = Instant::now();
    let fpga = compiled(circuit, watch)?;
    let seconds_to_compile = start.elapsed().as_secs_f64();
    let said = fpga.asked_by(&program, heard)?;
    let verdict = match verdict(&said) {
        Ok(verdict) => verdict,
        Err(problem) => bail!(Differs, "the Pico did not find them equal: {problem}"),
    };
    let seconds_to_run = start.elapsed().as_secs_f64() - seconds_to_compile;
    Ok(Cosimulated {
        verdict,
        circuit: circuit.name(),
        kilohertz: fpga.kilohertz(),
        seconds_to_compile,
        seconds_to_run,
    })
}

fn compiled(circuit: &BoardCircuit, watch: Watch<'_>) -> Result<Fpga> {
    match circuit {
        BoardCircuit::Bitstream(bits) => {
            let _told = Told::busy(watch, "the bitstream turned back into Verilog, compiled by Verilator");
            Ok(Fpga::new(bits, &|bits| bits).context("the bitstream")?)
        }
        BoardCircuit::Netlist { verilog, weights, kilohertz } => {
            let _told = Told::busy(watch, "the netlist, compiled by Verilator");
            Ok(Fpga::of_netlist(verilog, weights, *kilohertz).context("the netlist")?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitstream_that_cannot_be_compared_is_refused_by_what_is_wrong() {
        let text = r#"{"board": "icebreaker", "link": "spi", "digests": true, "lanes": 8}"#;
        assert!(BoardBits::new(text.as_bytes()).is_ok());
        let wrong = |from: &str, to: &str| BoardBits::new(text.replace(from, to).as_bytes()).unwrap_err().chain();
        assert!(wrong("icebreaker", "hx8k-breakout").contains("`hx8k-breakout`; it is known"));
        assert!(wrong("spi", "uart").contains("--link spi"));
        assert!(wrong("true", "false").contains("--digests"));
        assert!(wrong("digests", "digest").contains("missing field `digests`"));
        assert!(wrong("{", "").contains("not what `bitfab bitstream` writes"));
    }
}
