//! The accelerator as cells of an FPGA: after synthesis by Yosys, before placement, in Verilator.

use std::path::Path;

use bitfab_format::Model;
use bitfab_hdl::{Options, Sources, Style};

use crate::engine::{Engine, Run};
use crate::error::SimError;
use crate::replay::{Cells, Replay, Simulator, io, write};
use crate::rtl::{Stalls, unsupported};
use crate::synth::Target;
use crate::synth::tool::YOSYS;

/// FPGAs for which there are models of all cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fabric {
    /// Lattice iCE40, synthesised as for the UP5K.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
}

/// The block RAM of an ECP5, of which Yosys has no model that can be simulated.
const DP16KD: &str = include_str!("../cells/dp16kd.v");

impl Fabric {
    const fn target(self) -> Target {
        match self {
            Self::Ice40 => Target::Up5k,
            Self::Ecp5 => Target::Ecp5Of25k,
        }
    }

    /// Where Yosys' models of its cells are.
    fn cells(self) -> Result<Cells, SimError> {
        let folder = match self {
            Self::Ice40 => "/usr/share/yosys/ice40",
            Self::Ecp5 => "/usr/share/yosys/ecp5",
        };
        let file = "cells_sim.v";
        if Path::new(folder).join(file).is_file() {
            return Ok(Cells { folder, file });
        }
        Err(SimError::MissingTool { program: folder, package: YOSYS.package })
    }
}

/// The netlist of the accelerator in Verilator, its ports and every word that it finishes compared as those of its Verilog.
#[derive(Clone, Copy, Debug)]
pub struct Netlist {
    /// Whose cells they are.
    pub fabric: Fabric,
    /// Lanes and pipeline.
    pub options: Options,
    /// When the streams pause.
    pub stalls: Stalls,
}

impl Netlist {
    /// The netlist of the accelerator for `model`: a module with its name and ports.
    ///
    /// The words that the array finishes are ports during synthesis, so that they keep their names; what prints them is
    /// that of the Verilog.
    ///
    /// # Errors
    /// [`SimError::Unsupported`] for a model or options that the accelerator refuses; [`SimError::MissingTool`] for Yosys.
    pub fn sources(&self, model: &Model<'_>) -> Result<Sources, SimError> {
        let sources = bitfab_hdl::sources(model, &self.options, &Style::default());
        let sources = sources.map_err(|error| unsupported(&self.name(), &error))?;
        let (text, print) = traced(&sources.text).ok_or_else(|| SimError::Tool {
            program: self.name(),
            problem: "the Verilog does not print its words where it did".into(),
        })?;
        let folder = tempfile::tempdir().map_err(|source| io("making a folder for the synthesis", source))?;
        for (name, contents) in sources.files() {
            write(&folder.path().join(name), contents)?;
        }
        write(&folder.path().join(sources.file_name()), &text)?;
        let (top, file, synth) = (&sources.name, sources.file_name(), self.fabric.target().synthesis());
        let script = format!(
            "read_verilog {file}; hierarchy -top {top}; proc; flatten; expose w:array.{TRACE}*; {synth} -top {top}; \
             write_verilog -noattr netlist.v"
        );
        YOSYS.run(folder.path(), &["-q", "-p", &script])?;
        let netlist = std::fs::read_to_string(folder.path().join("netlist.v"));
        let netlist = netlist.map_err(|source| io("reading the netlist", source))?;
        Ok(Sources { text: self.finished(&netlist, &print), memories: Vec::new(), ..sources })
    }

    /// The netlist with what prints, and with the model of a block RAM that Yosys lacks.
    fn finished(&self, netlist: &str, print: &str) -> String {
        let (body, _) = netlist.rsplit_once("endmodule").unwrap_or((netlist, ""));
        let text = format!("{body}{print}\nendmodule\n");
        match self.fabric {
            Fabric::Ice40 => text,
            // Yosys has a module of this name without contents.
            Fabric::Ecp5 => text.replace("DP16KD #(", "bitfab_dp16kd #(") + DP16KD,
        }
    }

    /// Replays `inputs` on a netlist, which may have been changed on purpose.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] for Verilator or the models of cells; [`SimError::Tool`] where a tool fails, or where
    /// ports differ from the recorded ones although all words are right.
    pub fn replay(&self, model: &Model<'_>, inputs: &[&[u8]], netlist: &Sources) -> Result<Vec<Run>, SimError> {
        let cells = self.fabric.cells()?;
        let replay = Replay { simulator: Simulator::Verilator, options: self.options, stalls: self.stalls };
        replay.runs(&self.name(), model, inputs, netlist, Some(cells))
    }
}

impl Engine for Netlist {
    fn name(&self) -> String {
        let name = match self.fabric {
            Fabric::Ice40 => "netlist-ice40",
            Fabric::Ecp5 => "netlist-ecp5",
        };
        name.into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let runs = self.replay(model, inputs, &self.sources(model)?)?;
        done(inputs.len());
        Ok(runs)
    }
}

/// How the wires are called that carry what is printed.
const TRACE: &str = "bitfab_trace_";

/// The Verilog with wires that carry what it prints, and what prints them behind a flattened netlist.
fn traced(text: &str) -> Option<(String, String)> {
    let (before, rest) = text.split_once("`ifdef BITFAB_TRACE")?;
    let (block, after) = rest.split_once("`endif")?;
    let (_, statement) = block.split_once("if (")?;
    let (enable, call) = statement.split_once(") $display(")?;
    let (format, values) = call.trim().strip_suffix(");")?.split_once("\", ")?;
    let wires = values.split(", ").enumerate().map(|(at, value)| format!("wire [31:0] {TRACE}{at} = {value};\n"));
    let wires = wires.collect::<String>();
    let names = (0..values.split(", ").count()).map(|at| format!(", \\array.{TRACE}{at} "));
    let print = format!(
        "`ifdef BITFAB_TRACE\nalways @(posedge clock) if (\\array.{TRACE}enable ) $display({format}\"{});\n`endif",
        names.collect::<String>()
    );
    Some((format!("{before}wire {TRACE}enable = {enable};\n{wires}{after}"), print))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_becomes_wires_and_is_printed_behind_the_netlist() {
        let text = "reg x;\n`ifdef BITFAB_TRACE\n  always @(posedge clock) if (done) $display(\"W %0d %h\", row, w);\n`endif\nend";
        let (verilog, print) = traced(text).unwrap();
        let wires =
            "wire bitfab_trace_enable = done;\nwire [31:0] bitfab_trace_0 = row;\nwire [31:0] bitfab_trace_1 = w;\n";
        assert_eq!(verilog, format!("reg x;\n{wires}\nend"));
        let shown =
            "(\\array.bitfab_trace_enable ) $display(\"W %0d %h\", \\array.bitfab_trace_0 , \\array.bitfab_trace_1 );";
        assert_eq!(print, format!("`ifdef BITFAB_TRACE\nalways @(posedge clock) if {shown}\n`endif"));
        assert_eq!(traced("module bitfab; endmodule"), None);
    }
}
