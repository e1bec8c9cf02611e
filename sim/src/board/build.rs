//! From a model to the file that configures a board.

use bitfab_format::Model;
use bitfab_hdl::{Chip, Cycles, Link, Options, Style, Weights, Wire, chip, cycles};

use super::{Board, FlashPins, Pll, top};
use crate::error::SimError;
use crate::replay::{io, write};
use crate::rtl::unsupported;
use crate::synth::tool::{ICE40, Tool, YOSYS};
use crate::synth::{Cells, Target, misfit, parse};

const ICEPACK: Tool = Tool { program: "icepack", package: "fpga-icestorm" };

/// The wires between a board and its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardWire {
    /// SPI, mode 0.
    Spi,
    /// UART, 8N1.
    Uart {
        /// Bits a second.
        baud: u32,
    },
}

/// What is built.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    /// The engine.
    pub options: Options,
    /// Its wires.
    pub wire: BoardWire,
    /// Whether the chip keeps the digest of every layer's output.
    pub digests: bool,
    /// The clock of the chip in kHz at the most; without it the fastest that every placement meets.
    pub kilohertz: Option<u32>,
    /// How many placements are tried.
    pub seeds: u32,
}

/// What a file of a board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardFileKind {
    /// The chip, or what is around it.
    Verilog,
    /// Contents of a memory.
    Memory,
    /// Pins.
    Pins,
    /// For people.
    Text,
    /// For programs.
    Report,
    /// The image of weights that are loaded.
    Weights,
    /// What configures the FPGA.
    Bitstream,
}

/// A file of a board.
#[derive(Clone, Debug)]
pub struct BoardFile {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: BoardFileKind,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A board's bitstream, and what is known of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The files, the bitstream the last.
    pub files: Vec<BoardFile>,
    /// The chip.
    pub chip: Chip,
    /// Its wires.
    pub wire: Wire,
    /// The clock of the chip in kHz.
    pub kilohertz: u32,
    /// Cells after synthesis.
    pub cells: Cells,
    /// Logic cells of the placed circuit, and how many there are.
    pub logic: Option<[u32; 2]>,
    /// Highest clock of each placement in MHz; the bitstream is of the fastest.
    pub mhz: Vec<f64>,
    /// Cycles of an inference.
    pub cycles: Cycles,
}

/// Clocks that are tried after that of the board, each with its own synthesis.
const MOST_CLOCKS: u32 = 4;
/// The clock in MHz that the placer is asked for at least: asked for less it would not show what is possible.
const ASKED_MHZ: f64 = 48.0;

/// Builds the bitstream of `board` for `model`; `said` is told of each step.
///
/// Without a clock that was asked for, a first circuit for the clock of the board says how fast the next one may be.
///
/// # Errors
/// [`SimError::Unsupported`] for what does not fit, by how much and what would; [`SimError::MissingTool`] with the package
/// that brings a tool, [`SimError::Tool`] where one fails.
pub fn build(model: &Model<'_>, board: &Board, asked: &BuildOptions, said: &dyn Fn(&str)) -> Result<Built, SimError> {
    if let Some(problem) = misfit(model, &asked.options, board.target) {
        return Err(refuse(board, problem));
    }
    if asked.options.weights == Weights::Loaded && board.flash.is_none() {
        return Err(refuse(board, "weights are loaded from its flash, of which its description names no pins".into()));
    }
    let crystal = 1000 * board.clock.megahertz;
    let job = Job { model, board, asked, said };
    let mut best = job.attempt(match asked.kilohertz {
        Some(limit) if limit != crystal => Some(
            Pll::fastest(crystal, limit)
                .ok_or_else(|| refuse(board, format!("its PLL makes no clock of {} MHz or less", megahertz(limit))))?,
        ),
        _ => None,
    })?;
    let mut limit = if asked.kilohertz.is_none() { best.reached() } else { 0 };
    for _ in 0..MOST_CLOCKS {
        let Some(pll) = Pll::fastest(crystal, limit).filter(|pll| pll.kilohertz > best.kilohertz) else { break };
        let faster = job.attempt(Some(pll))?;
        let is_met = faster.reached() >= pll.kilohertz;
        limit = if is_met { faster.reached() } else { faster.reached().min(pll.kilohertz - 1) };
        if is_met {
            best = faster;
        }
    }
    best.finish(&job)
}

fn refuse(board: &Board, problem: String) -> SimError {
    SimError::Unsupported { engine: board.name.clone(), problem }
}

fn megahertz(kilohertz: u32) -> f64 {
    f64::from(kilohertz) / 1000.0
}

/// What all attempts have in common.
struct Job<'j> {
    model: &'j Model<'j>,
    board: &'j Board,
    asked: &'j BuildOptions,
    said: &'j dyn Fn(&str),
}

/// A circuit for one clock, placed.
struct Attempt {
    folder: tempfile::TempDir,
    chip: Chip,
    wire: Wire,
    kilohertz: u32,
    texts: Vec<Text>,
    cells: Cells,
    logic: Option<[u32; 2]>,
    mhz: Vec<f64>,
}

/// Files of an attempt.
const NETLIST: &str = "netlist.json";
const PINS: &str = "pins.pcf";
const STAT: &str = "cells.txt";
/// The image of the weights, of a chip that loads them.
pub const WEIGHTS: &str = "weights.bin";
/// The circuit of such a chip behind synthesis: its bitstream cannot be turned back whole.
pub const GATES: &str = "netlist.v";

/// What the tools are given for `board` at its own clock: Verilog, contents of memories, pins.
///
/// # Errors
/// [`SimError::Unsupported`] for a model or wires that there is no circuit for.
pub fn sources(model: &Model<'_>, board: &Board, asked: &BuildOptions) -> Result<Vec<BoardFile>, SimError> {
    let texts = Job { model, board, asked, said: &|_| {} }.sources(None)?.texts;
    Ok(texts.into_iter().map(file).collect())
}

/// A file of text.
fn file((name, kind, text): Text) -> BoardFile {
    BoardFile { name, kind, bytes: text.into_bytes() }
}

type Text = (String, BoardFileKind, String);

/// A circuit for one clock.
struct Sources {
    chip: Chip,
    wire: Wire,
    kilohertz: u32,
    texts: Vec<Text>,
}

impl Job<'_> {
    /// The flash, where the chip reads it.
    fn flash(&self) -> Option<&FlashPins> {
        self.board.flash.as_ref().filter(|_| self.asked.options.weights == Weights::Loaded)
    }

    fn sources(&self, pll: Option<Pll>) -> Result<Sources, SimError> {
        let Self { model, board, asked, .. } = self;
        let kilohertz = pll.map_or(1000 * board.clock.megahertz, |pll| pll.kilohertz);
        let wire = self.wire(kilohertz)?;
        let style = Style { name: "chip".parse().expect("a name"), ..Style::default() };
        let chip = chip(model, &asked.options, &Link { wire, kilohertz, digests: asked.digests }, &style);
        let chip = chip.map_err(|error| unsupported(&board.name, &error))?;
        let memories =
            chip.memories.iter().map(|file| (file.name.clone(), BoardFileKind::Memory, file.contents.clone()));
        let texts = [
            ("chip.v".to_owned(), BoardFileKind::Verilog, format!("// Generated by bitfab\n{}", chip.text)),
            (
                "board.v".to_owned(),
                BoardFileKind::Verilog,
                top::verilog(board, wire, self.flash(), &chip.name, pll.as_ref()),
            ),
            (PINS.to_owned(), BoardFileKind::Pins, top::pins(board, wire, self.flash())),
        ];
        let texts = texts.into_iter().chain(memories).collect();
        Ok(Sources { chip, wire, kilohertz, texts })
    }

    fn attempt(&self, pll: Option<Pll>) -> Result<Attempt, SimError> {
        let Self { board, asked, said, .. } = self;
        let Sources { chip, wire, kilohertz, texts } = self.sources(pll)?;
        let folder = tempfile::tempdir().map_err(|source| io("making a folder for the tools", source))?;
        texts.iter().try_for_each(|(name, _, text)| write(&folder.path().join(name), text))?;
        said(&format!("{} MHz: Yosys, then {} placements", megahertz(kilohertz), asked.seeds));
        let mut attempt =
            Attempt { folder, chip, wire, kilohertz, texts, cells: Cells::default(), logic: None, mhz: Vec::new() };
        attempt.synthesise(board)?;
        (1..=asked.seeds).try_for_each(|seed| attempt.place(board, seed))?;
        Ok(attempt)
    }

    /// The wires at this clock.
    fn wire(&self, kilohertz: u32) -> Result<Wire, SimError> {
        let BoardWire::Uart { baud } = self.asked.wire else { return Ok(Wire::Spi) };
        let clock = 1000.0 * f64::from(kilohertz);
        let divisor = (clock / f64::from(baud.max(1))).round();
        // A byte of ten bits is sampled rightly up to 5 % off in all, of which the host has its part.
        if divisor < 4.0 || (clock / divisor / f64::from(baud) - 1.0).abs() > 0.02 {
            let problem = format!("a clock of {} MHz does not make {baud} baud within 2 %", megahertz(kilohertz));
            return Err(refuse(self.board, problem));
        }
        Ok(Wire::Uart { divisor: divisor as u32 })
    }
}

impl Attempt {
    /// The clock that every placement meets, in kHz.
    fn reached(&self) -> u32 {
        (self.mhz.iter().copied().fold(f64::INFINITY, f64::min) * 1000.0) as u32
    }

    fn synthesise(&mut self, board: &Board) -> Result<(), SimError> {
        // Multipliers of the UP5K take the place of logic, and its SPRAM that of block RAM, which Yosys counts cheaper.
        let dsp = if board.target == Target::Up5k { " -dsp" } else { "" };
        let is_loaded = self.chip.weights.is_some();
        let [huge, written] = match is_loaded {
            true => ["setattr -set ram_style \"huge\" a:loaded; ".into(), format!("; write_verilog -noattr {GATES}")],
            false => Default::default(),
        };
        let script = format!(
            "read_verilog chip.v board.v; {huge}synth_ice40{dsp} -top {} -json {NETLIST}; tee -o {STAT} stat{written}",
            top::TOP
        );
        YOSYS.run(self.folder.path(), &["-q", "-l", "yosys.log", "-p", &script])?;
        let stat =
            std::fs::read_to_string(self.folder.path().join(STAT)).map_err(|source| io("reading cells", source))?;
        self.cells = parse::cells(&stat);
        if is_loaded {
            let cells = std::fs::read_to_string(self.folder.path().join(GATES));
            let cells = cells.map_err(|source| io("reading the netlist", source))?;
            self.texts.push((
                GATES.into(),
                BoardFileKind::Verilog,
                format!("// Generated by bitfab and Yosys\n{cells}"),
            ));
        }
        Ok(())
    }

    fn place(&mut self, board: &Board, seed: u32) -> Result<(), SimError> {
        let [number, log, asc] = [seed.to_string(), format!("place_{seed}.log"), format!("{seed}.asc")];
        let clock = megahertz(self.kilohertz).max(ASKED_MHZ).to_string();
        let common = ["--json", NETLIST, "--pcf", PINS, "--asc", &asc, "--seed", &number, "--freq", &clock];
        let quiet = ["--timing-allow-fail", "--log", &log, "-q"];
        let arguments: Vec<&str> = device(board.target).iter().copied().chain(common).chain(quiet).collect();
        ICE40.run(self.folder.path(), &arguments).map_err(|error| match error {
            SimError::Tool { problem, .. } if parse::is_misfit(&problem) => {
                refuse(board, format!("{}; use fewer lanes, a smaller model or a larger FPGA", parse::misfit(&problem)))
            }
            other => other,
        })?;
        let log =
            std::fs::read_to_string(self.folder.path().join(log)).map_err(|source| io("reading a log", source))?;
        let mhz = parse::mhz(&log).ok_or_else(|| SimError::Tool {
            program: ICE40.program.into(),
            problem: "its log names no highest clock".into(),
        })?;
        self.mhz.push(mhz);
        self.logic = self.logic.or(parse::logic(&log));
        Ok(())
    }

    /// The bitstream of the fastest placement.
    fn finish(self, job: &Job<'_>) -> Result<Built, SimError> {
        if self.reached() < self.kilohertz {
            let problem = format!(
                "the slowest of {} placements reaches {:.1} MHz, not {}: choose a slower clock, or fewer lanes",
                self.mhz.len(),
                megahertz(self.reached()),
                megahertz(self.kilohertz)
            );
            return Err(refuse(job.board, problem));
        }
        let fastest = (0..self.mhz.len()).max_by(|a, b| self.mhz[*a].total_cmp(&self.mhz[*b])).unwrap_or(0) + 1;
        let bitstream = format!("{}.bin", job.board.name);
        ICEPACK.run(self.folder.path(), &[&format!("{fastest}.asc"), &bitstream])?;
        let bytes =
            std::fs::read(self.folder.path().join(&bitstream)).map_err(|source| io("reading the bitstream", source))?;
        let mut files: Vec<BoardFile> = self.texts.into_iter().map(file).collect();
        let weights = self.chip.weights.iter().cloned();
        files.extend(weights.map(|bytes| BoardFile { name: WEIGHTS.into(), kind: BoardFileKind::Weights, bytes }));
        files.push(BoardFile { name: bitstream, kind: BoardFileKind::Bitstream, bytes });
        let cycles = cycles(job.model, &job.asked.options).map_err(|error| unsupported(&job.board.name, &error))?;
        let Self { chip, wire, kilohertz, cells, logic, mhz, .. } = self;
        Ok(Built { files, chip, wire, kilohertz, cells, logic, mhz, cycles })
    }
}

/// How nextpnr is told of the FPGA and its package.
fn device(target: Target) -> &'static [&'static str] {
    match target {
        Target::Up5k => &["--up5k", "--package", "sg48"],
        _ => &["--hx8k", "--package", "ct256"], // no other target has a board
    }
}
