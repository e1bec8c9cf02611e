//! What the pins of a chip carried, on its Verilog: that which was generated, or that which a bitstream was turned back into.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use super::Chip;
use crate::error::SimError;
use crate::replay::{io, run_tool, write};

/// A module with the pins of a chip.
#[derive(Clone, Copy, Debug)]
pub struct Top<'t> {
    /// Its name.
    pub name: &'t str,
    /// What its clock is called.
    pub clock: &'t str,
    /// Whether it has the input `reset`.
    pub has_reset: bool,
}

/// The clocks in which the outputs of a module differ from a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinDifferences {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Option<u64>,
}

/// A test bench that gives the inputs of each clock and compares the outputs before its edge.
const BENCH: &str = "`timescale 1ns/1ns
module bench;
  reg clk = 0;
  reg [@INS@-1:0] in = @REST@;
  wire [@OUTS@-1:0] out;
  reg [@INS@+@OUTS@-1:0] pins [0:@CLOCKS@-1];
  integer at, count = 0, first = -1;
  @TOP@ dut(.@CLOCK@(clk)@PORTS@);
  initial begin
    $readmemb(\"pins.txt\", pins);
    for (at = 0; at < @CLOCKS@; at = at + 1) begin
      in = pins[at][@INS@+@OUTS@-1:@OUTS@];
      #5;
      if (out !== pins[at][@OUTS@-1:0]) begin
        if (count == 0) first = at;
        count = count + 1;
      end
      clk = 1;
      #5;
      clk = 0;
    end
    $display(\"differences %0d first %0d\", count, first);
    $finish;
  end
endmodule
";

fn bench<C: Chip>(top: Top<'_>, clocks: usize) -> String {
    let pin = |bus: &str, (at, name): (usize, &&str)| format!(", .{name}({bus}[{at}])");
    let inputs = C::INPUTS.iter().enumerate().map(|port| pin("in", port));
    let outputs = C::OUTPUTS.iter().enumerate().map(|port| pin("out", port));
    let reset = top.has_reset.then(|| ", .reset(1'b0)".to_owned());
    let ports: String = reset.into_iter().chain(inputs).chain(outputs).collect();
    let numbers =
        [("INS", C::INPUTS.len()), ("OUTS", C::OUTPUTS.len()), ("REST", C::REST as usize), ("CLOCKS", clocks)];
    let text = numbers
        .iter()
        .fold(BENCH.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), &value.to_string()));
    text.replace("@TOP@", top.name).replace("@CLOCK@", top.clock).replace("@PORTS@", &ports)
}

/// Gives the inputs of a trace to `top` in Icarus Verilog, by the rules of an edition of the language (`-g2005`), and
/// compares its outputs clock by clock.
///
/// The files are those of Verilog, and those that it reads; `libraries` are files elsewhere.
///
/// # Errors
/// [`SimError`] where the tool is missing or fails.
pub fn replay_pins<C: Chip>(
    files: &[(&str, &[u8])],
    libraries: &[&Path],
    top: Top<'_>,
    trace: &[[u32; 2]],
    edition: &str,
) -> Result<PinDifferences, SimError> {
    let folder = tempfile::tempdir().map_err(|source| io("making a folder for the simulator", source))?;
    let path = folder.path();
    for (name, bytes) in files {
        std::fs::write(path.join(name), bytes).map_err(|source| io(&format!("writing {name}"), source))?;
    }
    let (ins, outs) = (C::INPUTS.len(), C::OUTPUTS.len());
    let mut pins = String::new();
    for [inputs, outputs] in trace {
        let _ = writeln!(pins, "{inputs:0ins$b}{outputs:0outs$b}"); // a String takes everything
    }
    write(&path.join("pins.txt"), &pins)?;
    write(&path.join("bench.v"), &bench::<C>(top, trace.len()))?;
    let mut compile = Command::new("iverilog");
    // Cells of iCE40 give their ports values only where the edition knows that.
    compile.current_dir(path).args([
        edition,
        "-DNO_ICE40_DEFAULT_ASSIGNMENTS",
        "-s",
        "bench",
        "-o",
        "bench.vvp",
        "bench.v",
    ]);
    compile.args(files.iter().map(|(name, _)| name).filter(|name| name.ends_with(".v"))).args(libraries);
    run_tool(&mut compile, "iverilog", "iverilog")?;
    let printed = run_tool(Command::new("vvp").current_dir(path).args(["-n", "bench.vvp"]), "vvp", "iverilog")?;
    differences(&printed)
}

/// What the test bench has said.
fn differences(printed: &str) -> Result<PinDifferences, SimError> {
    let numbers = |line: &str| {
        let (count, first) = line.strip_prefix("differences ")?.split_once(" first ")?;
        Some((count.parse().ok()?, first.parse::<i64>().ok()?))
    };
    let (count, first) = printed.lines().find_map(numbers).ok_or_else(|| SimError::Tool {
        program: "vvp".into(),
        problem: format!("it does not say what differs: {printed}"),
    })?;
    Ok(PinDifferences { count, first: u64::try_from(first).ok() })
}
