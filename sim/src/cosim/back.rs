//! A bitstream turned back into Verilog, by the tools of icestorm.

use std::process::Command;

use super::folder;
use crate::board::{Board, top};
use crate::error::SimError;
use crate::replay::{io, run_tool, write};

/// What a bitstream says it is.
#[derive(Clone, Debug)]
pub struct TurnedBack {
    /// The module `board`, whose ports are the pins of the board by their names; a PLL is left out, and `clk` is its output.
    pub verilog: String,
    /// The clock in kHz that the board's crystal and the bits of the PLL make.
    pub kilohertz: u32,
}

/// Turns the bitstream of a `board` behind SPI back, after a change of the text that stands for its bits.
///
/// The pins are those of the board, whatever the bitstream was built for.
///
/// # Errors
/// [`SimError::MissingTool`] for icestorm; [`SimError::Tool`] for what is no bitstream, or has a PLL in another mode.
pub fn turned_back(board: &Board, bitstream: &[u8], change: &dyn Fn(String) -> String) -> Result<TurnedBack, SimError> {
    let folder = folder()?;
    let tool = |program: &'static str, arguments: &[&str]| {
        run_tool(Command::new(program).current_dir(folder.path()).args(arguments), program, "fpga-icestorm")
    };
    std::fs::write(folder.path().join("x.bin"), bitstream).map_err(|error| io("writing the bitstream", error))?;
    write(&folder.path().join("x.pcf"), &top::pins(board, bitfab_hdl::Wire::Spi, None))?;
    tool("iceunpack", &["x.bin", "x.asc"])?;
    let bits = std::fs::read_to_string(folder.path().join("x.asc")).map_err(|error| io("reading bits", error))?;
    write(&folder.path().join("x.asc"), &change(bits))?;
    let verilog = tool("icebox_vlog", &["-s", "-l", "-n", top::TOP, "-p", "x.pcf", "x.asc"])?;
    without_pll(verilog, 1000 * board.clock.megahertz)
}

/// How icebox_vlog begins a PLL, and ends it.
const PLL: [&str; 2] = ["SB_PLL40_", ");\n"];

/// Connects what a PLL drives with the pin of the clock.
fn without_pll(verilog: String, crystal: u32) -> Result<TurnedBack, SimError> {
    let Some(start) = verilog.find(PLL[0]) else { return Ok(TurnedBack { verilog, kilohertz: crystal }) };
    let end = verilog[start..].find(PLL[1]).map_or(verilog.len(), |length| start + length + PLL[1].len());
    let pll = &verilog[start..end];
    let field = |name: &str| pll.split_once(&format!(".{name}(")).and_then(|(_, rest)| Some(rest.split_once(')')?.0));
    let bits = |name: &str| u32::from_str_radix(field(name)?.split_once("'b")?.1, 2).ok();
    let is_simple = field("FEEDBACK_PATH") == Some("\"SIMPLE\"") && field("PLLOUT_SELECT") == Some("\"GENCLK\"");
    let parts = (
        bits("DIVR"),
        bits("DIVF"),
        bits("DIVQ"),
        ["PLLOUTGLOBAL", "PLLOUTCORE", "LOCK", "RESETB", "BYPASS"].map(field),
    );
    let (Some(divr), Some(divf), Some(divq), [Some(global), Some(core), Some(lock), Some(reset), Some(bypass)]) = parts
    else {
        return Err(unknown());
    };
    if !is_simple || verilog[end..].contains(PLL[0]) {
        return Err(unknown());
    }
    let clock = format!("assign {global} = clk;\nassign {core} = clk;\nassign {lock} = {reset} & !{bypass};\n");
    let kilohertz = (crystal * (divf + 1) / (divr + 1)) >> divq;
    Ok(TurnedBack { verilog: [&verilog[..start], &clock, &verilog[end..]].concat(), kilohertz })
}

fn unknown() -> SimError {
    let problem = "the bitstream has a PLL that `bitfab bitstream` does not make".into();
    SimError::Tool { program: "icebox_vlog".into(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "wire n8;\nSB_PLL40_PAD #(\n  .FEEDBACK_PATH(\"SIMPLE\"),\n  .PLLOUT_SELECT(\"GENCLK\"),\n  \
                        .DIVR(4'b0000),\n  .DIVF(7'b0111111),\n  .DIVQ(3'b101)\n) PLL_12_31 (\n  .PLLOUTCORE(n2982),\n  \
                        .PLLOUTGLOBAL(n8),\n  .LOCK(n341),\n  .BYPASS(n2),\n  .RESETB(n59)\n);\n\nassign n1 = n8;\n";

    #[test]
    fn a_pll_gives_way_to_its_pin_and_says_its_clock() {
        let found = without_pll(TEXT.into(), 12_000).unwrap();
        assert_eq!(found.kilohertz, 24_000); // 12 MHz x 64 / 32
        let expected = "wire n8;\nassign n8 = clk;\nassign n2982 = clk;\nassign n341 = n59 & !n2;\n\nassign n1 = n8;\n";
        assert_eq!(found.verilog, expected);
        let none = without_pll("module board;\n".into(), 12_000).unwrap();
        assert_eq!((none.verilog.as_str(), none.kilohertz), ("module board;\n", 12_000));
    }

    #[test]
    fn a_pll_of_another_kind_is_refused() {
        let refused = |from: &str, to: &str| without_pll(TEXT.replace(from, to), 12_000).unwrap_err().to_string();
        let changes =
            [("SIMPLE", "DELAY"), ("GENCLK", "SHIFTREG_0deg"), ("DIVQ(3'b101)", "DIVQ(5)"), ("assign n1", TEXT)];
        changes.iter().for_each(|(from, to)| assert!(refused(from, to).contains("does not make"), "{from}"));
    }
}
