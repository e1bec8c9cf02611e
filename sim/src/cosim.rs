//! The files that a person flashes, together: a Raspberry Pi Pico in rp2040js, from its UF2 file on, asks an iCEBreaker,
//! whose bitstream is turned back into Verilog and compiled by Verilator.

mod back;
mod driven;
mod verdict;

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::board::{Board, BoardFile, WEIGHTS};
use crate::error::SimError;
use crate::qemu::Chip;
use crate::replay::{io, run_tool, write};
use crate::synth::tool::YOSYS;

pub use back::{TurnedBack, turned_back};
pub use driven::Bitstream;
pub use verdict::{Verdict, verdict};

/// The board of which the pins are known that a Pico is wired to.
pub const BOARD: &str = "icebreaker";
/// The microcontroller's board, as projects call it.
pub const MICROCONTROLLER: &str = Chip::PICO.name;

/// Yosys' models of an iCE40's cells.
const CELLS: &str = "/usr/share/yosys/ice40/cells_sim.v";
/// The program around the FPGA's pins, and the one that emulates a Pico.
const FPGA: &str = include_str!("../cosim/fpga.cpp");
const FLASH: &str = include_str!("../cosim/flash.h");
const PICO: &str = include_str!("../cosim/pico.js");
const MPU6050: &str = include_str!("../cosim/mpu6050.js");

/// A PLL of an iCE40 in a netlist, the name that it gets, and what stands for it: the clock comes in at its pin.
const PLL: [&str; 3] = [
    "SB_PLL40_",
    "LEFT_OUT_PLL40_",
    "module LEFT_OUT_PLL40_PAD(input PACKAGEPIN, output PLLOUTGLOBAL, output LOCK, input RESETB, input BYPASS);
  parameter FEEDBACK_PATH = 0, DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0;
  assign PLLOUTGLOBAL = PACKAGEPIN, LOCK = RESETB & !BYPASS;
endmodule
",
];

/// A program that has the pins of a board's FPGA.
#[derive(Debug)]
pub struct Fpga {
    folder: TempDir,
    kilohertz: u32,
}

impl Fpga {
    /// The FPGA that a bitstream of an iCEBreaker configures; `change` may change the text that stands for its bits.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] for icestorm, Yosys, Verilator or a compiler; [`SimError::Tool`] for what is no bitstream;
    /// as [`turned_back`].
    pub fn new(bitstream: &[u8], change: &dyn Fn(String) -> String) -> Result<Self, SimError> {
        let board = Board::named(BOARD).expect("the tests find it");
        let TurnedBack { verilog, kilohertz } = turned_back(&board, bitstream, change)?;
        let folder = folder()?;
        write(&folder.path().join("back.v"), &verilog)?;
        if !Path::new(CELLS).is_file() {
            return Err(SimError::MissingTool { program: CELLS, package: YOSYS.package });
        }
        // icebox_vlog declares ports twice, of which Yosys makes one.
        YOSYS
            .run(folder.path(), &["-q", "-p", "read_verilog back.v; proc; opt_clean; write_verilog -noattr gates.v"])?;
        Self::compiled(folder, &["gates.v", CELLS], kilohertz, "")
    }

    /// The FPGA as its netlist behind synthesis says, for a circuit that cannot be turned back, with its weights in the flash;
    /// a PLL is left out, and the clock of the chip comes in at its pin.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] for Yosys, Verilator or a compiler.
    pub fn of_netlist(netlist: &str, weights: &[u8], kilohertz: u32) -> Result<Self, SimError> {
        let folder = folder()?;
        if !Path::new(CELLS).is_file() {
            return Err(SimError::MissingTool { program: CELLS, package: YOSYS.package });
        }
        write(&folder.path().join("gates.v"), &netlist.replace(PLL[0], PLL[1]))?;
        write(&folder.path().join("pll.v"), PLL[2])?;
        write(&folder.path().join("flash.h"), FLASH)?;
        let image = folder.path().join(WEIGHTS);
        std::fs::write(&image, weights).map_err(|error| io("writing the weights", error))?;
        let (path, file) = (folder.path().display().to_string(), image.display().to_string());
        let flags = format!("-I{path} -DKILOHERTZ={kilohertz} -DFLASH={file}");
        Self::compiled(folder, &["gates.v", "pll.v", CELLS], kilohertz, &flags)
    }

    /// The FPGA as its Verilog says before synthesis, of a board without a PLL.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] for Verilator or a compiler.
    pub fn of_verilog(files: &[BoardFile], kilohertz: u32) -> Result<Self, SimError> {
        let folder = folder()?;
        for file in files {
            let path = folder.path().join(&file.name);
            std::fs::write(&path, &file.bytes).map_err(|error| io(&format!("writing {}", file.name), error))?;
        }
        Self::compiled(folder, &["board.v", "chip.v"], kilohertz, "")
    }

    /// Compiles Verilog with the module `board`, and the program around it with more flags.
    fn compiled(folder: TempDir, sources: &[&str], kilohertz: u32, flags: &str) -> Result<Self, SimError> {
        write(&folder.path().join("fpga.cpp"), FPGA)?;
        let mut verilator = Command::new("verilator");
        verilator.current_dir(folder.path()).args(["--cc", "--exe", "-O3", "--output-split", "0"]);
        // Cells of iCE40 and what icebox_vlog writes are not what lints like.
        verilator.args(["-Wno-lint", "-Wno-fatal", "-DNO_ICE40_DEFAULT_ASSIGNMENTS"]);
        if !flags.is_empty() {
            verilator.args(["-CFLAGS", flags]);
        }
        verilator.args(["--top-module", "board", "-o", "fpga"]).args(sources).arg("fpga.cpp");
        run_tool(&mut verilator, "verilator", "verilator")?;
        // What runs once is not worth an optimiser.
        let quick =
            ["-j2", "-f", "Vboard.mk", "VM_PARALLEL_BUILDS=1", "OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"];
        run_tool(Command::new("make").current_dir(folder.path().join("obj_dir")).args(quick), "make", "make")?;
        Ok(Self { folder, kilohertz })
    }

    /// The clock of the chip in kHz, as its PLL is configured.
    pub const fn kilohertz(&self) -> u32 {
        self.kilohertz
    }

    /// What a Pico with this UF2 file says, wired to the FPGA; `heard` is told of each line at once.
    ///
    /// # Errors
    /// [`SimError::MissingTool`] for Node, [`SimError::MissingEmulator`] for rp2040js, [`SimError::Tool`] where one of them
    /// fails.
    pub fn asked_by(&self, uf2: &[u8], heard: &mut dyn FnMut(&str)) -> Result<String, SimError> {
        let (folder, modules) = (self.folder.path(), emulator()?);
        write(&folder.join("pico.js"), PICO)?;
        std::fs::write(folder.join("pico.uf2"), uf2).map_err(|error| io("writing the program", error))?;
        let mut fpga = Command::new(folder.join("obj_dir/fpga"));
        let fpga = fpga.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut fpga = fpga.map_err(|error| io("starting the FPGA", error))?;
        let mut node = Command::new("node");
        node.current_dir(folder).args(["pico.js", "pico.uf2", &self.kilohertz.to_string()]).env("NODE_PATH", modules);
        node.stdin(fpga.stdout.take().map_or_else(Stdio::null, Stdio::from));
        node.stdout(fpga.stdin.take().map_or_else(Stdio::null, Stdio::from));
        let started = node.stderr(Stdio::piped()).spawn();
        drop(node); // its ends of both pipes, so that the FPGA ends with the Pico
        let said = started.map_err(not_started).and_then(|node| listen(node, heard));
        fpga.wait().map_err(|error| io("waiting for the FPGA", error))?;
        said
    }
}

/// What a Pico with this UF2 file says until it asks an accelerator, of which there is none, or until its LED is switched.
///
/// # Errors
/// As [`Fpga::asked_by`].
pub fn alone(uf2: &[u8]) -> Result<String, SimError> {
    without_fpga(uf2, &[])
}

/// What the program of a Pico tells beside an MPU-6050, up to its fourth word of a class.
///
/// # Errors
/// As [`alone`].
pub fn beside_a_sensor(uf2: &[u8]) -> Result<String, SimError> {
    without_fpga(uf2, &["sensor"])
}

fn without_fpga(uf2: &[u8], arguments: &[&str]) -> Result<String, SimError> {
    let (folder, modules) = (folder()?, emulator()?);
    write(&folder.path().join("pico.js"), PICO)?;
    write(&folder.path().join("mpu6050.js"), MPU6050)?;
    std::fs::write(folder.path().join("pico.uf2"), uf2).map_err(|error| io("writing the program", error))?;
    let mut node = Command::new("node");
    node.current_dir(folder.path()).args(["pico.js", "pico.uf2"]).args(arguments).env("NODE_PATH", modules);
    let started = node.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    listen(started.map_err(not_started)?, &mut |_| {})
}

fn folder() -> Result<TempDir, SimError> {
    tempfile::tempdir().map_err(|error| io("making a folder for the tools", error))
}

fn not_started(error: std::io::Error) -> SimError {
    match error.kind() {
        ErrorKind::NotFound => SimError::MissingTool { program: "node", package: "nodejs" },
        _ => io("starting node", error),
    }
}

/// What a process says until it ends.
fn listen(mut node: Child, heard: &mut dyn FnMut(&str)) -> Result<String, SimError> {
    let mut said = String::new();
    for line in node.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let line = line.map_err(|error| io("listening to the Pico", error))?;
        let line = String::from_utf8_lossy(&line).replace('\r', "");
        heard(&line);
        said += &line;
        said.push('\n');
    }
    let status = node.wait().map_err(|error| io("waiting for the Pico", error))?;
    if status.success() {
        return Ok(said);
    }
    Err(SimError::Tool { program: "node pico.js".into(), problem: format!("{status}: {}", said.trim_end()) })
}

/// The folder of modules that has rp2040js.
///
/// # Errors
/// [`SimError::MissingEmulator`] where it has none.
pub fn emulator() -> Result<PathBuf, SimError> {
    let checkout = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node");
    let folder = std::env::var_os("BITFAB_NODE").map_or_else(checkout, PathBuf::from);
    let modules = std::path::absolute(folder.join("node_modules")).map_err(|error| io("finding rp2040js", error))?;
    if modules.join("rp2040js").is_dir() { Ok(modules) } else { Err(SimError::MissingEmulator { folder }) }
}
