//! A board's bitstream for a model, with what its user must know.

use bitfab_format::Model;
use bitfab_hdl::{FLASH_OFFSET, Options, Weights, Wire};
use bitfab_sim::SimError;
use bitfab_sim::board::{Board, BoardFile, BoardFileKind, BoardWire, BuildOptions, Built, WEIGHTS, build};
use bitfab_sim::synth::{estimate, misfit};

use crate::progress::Told;
use crate::{Error, Result, Watch};

const README: &str = include_str!("bitstream.md");
/// What it says of weights that are loaded.
const LOADED: &str = include_str!("loaded.md");
/// Lanes that are tried where nobody chose, the most first.
const LANES: [u32; 6] = [32, 16, 8, 4, 2, 1];
/// Look-up tables that the link takes at the most.
const LINK_LUTS: u32 = 380;

/// What a board's bitstream is built for.
#[derive(Clone, Copy, Debug)]
pub struct BitstreamOptions {
    /// Output channels computed at a time; without it the most that fit.
    pub lanes: Option<u32>,
    /// Where the weights come from: contents of memories, loaded from the board's flash or over the link, or rebuilt of
    /// SmartDeal's bases.
    pub weights: Weights,
    /// The wires to the host.
    pub wire: BoardWire,
    /// Whether the chip keeps the digest of every layer's output.
    pub digests: bool,
    /// The clock of the chip in kHz at the most; without it the fastest that every placement meets.
    pub kilohertz: Option<u32>,
    /// How many placements are tried.
    pub placements: u32,
}

/// A board's bitstream.
#[derive(Clone, Debug)]
pub struct Bitstream {
    /// What was built.
    pub built: Built,
    /// Output channels computed at a time.
    pub lanes: u32,
    /// Inferences a second: of the engine alone, and over the link.
    pub rates: [f64; 2],
    /// What a program may know of it, as `bitstream.json` says it.
    pub report: serde_json::Value,
    /// All files, a README and the report among them.
    pub files: Vec<BoardFile>,
}

/// Builds the bitstream of `board` for `model`.
///
/// # Errors
/// [`Error::Choice`] of no placements; [`Error::Engine`] where the model does not fit the board, by how much and what would,
/// or where a tool is missing or fails.
pub fn bitstream(model: &Model<'_>, board: &Board, options: &BitstreamOptions, watch: Watch<'_>) -> Result<Bitstream> {
    ensure!(options.placements > 0, Choice, "a clock is known from placements: try at least one");
    let lanes = options.lanes.map_or_else(|| LANES.to_vec(), |lanes| vec![lanes]);
    let mut refusal = None;
    for lanes in lanes {
        let engine = Options::default().with_lanes(lanes).with_weights(options.weights);
        if options.lanes.is_none() && !may_fit(model, &engine, board) {
            continue;
        }
        match attempt(model, board, options, &engine, watch) {
            Ok(built) => return Ok(described(board, built, options, &engine)),
            // With fewer lanes it may fit.
            Err(error @ SimError::Unsupported { .. }) => refusal = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let refusal = refusal.or_else(|| {
        let least = Options::default().with_lanes(1).with_weights(options.weights);
        let problem = misfit(model, &least, board.target)?;
        Some(SimError::Unsupported { engine: board.name.clone(), problem })
    });
    let large = || Error::Choice(format!("{}: the model does not fit with any number of lanes", board.name));
    Err(refusal.map_or_else(large, Error::from))
}

/// Whether it is worth while to call the tools.
fn may_fit(model: &Model<'_>, engine: &Options, board: &Board) -> bool {
    let fits = |luts: u32| luts + LINK_LUTS <= board.target.luts();
    misfit(model, engine, board.target).is_none() && estimate(model, engine).is_ok_and(|found| fits(found.luts))
}

fn attempt(
    model: &Model<'_>,
    board: &Board,
    options: &BitstreamOptions,
    engine: &Options,
    watch: Watch<'_>,
) -> Result<Built, SimError> {
    let BitstreamOptions { wire, digests, kilohertz, placements: seeds, .. } = *options;
    let asked = BuildOptions { options: *engine, wire, digests, kilohertz, seeds };
    let said = |what: &str| drop(Told::busy(watch, &format!("{}, {} lanes, {what}", board.name, engine.lanes)));
    build(model, board, &asked, &said)
}

/// Inferences a second, of the engine alone and over the link.
fn rates(built: &Built) -> [f64; 2] {
    let clock = 1000.0 * f64::from(built.kilohertz);
    let identity = built.chip.identity;
    let payload = f64::from(identity.input) + f64::from(identity.output);
    // Two frames of six bytes more; SPI: what each transaction begins with, and one look at the state.
    let clocks = match built.wire {
        Wire::Spi => (payload + 12.0 + 3.0) * 8.0 * 8.0,
        // Bytes that SLIP replaces are not counted.
        Wire::Uart { divisor } => (payload + 12.0 + 4.0) * 10.0 * f64::from(divisor),
    };
    [clock / built.cycles.interval as f64, clock / (clocks + built.cycles.latency as f64)]
}

fn described(board: &Board, built: Built, options: &BitstreamOptions, engine: &Options) -> Bitstream {
    let (rates, lanes) = (rates(&built), engine.lanes);
    let report = report(board, &built, options, lanes, rates);
    let texts = [
        ("README.md", BoardFileKind::Text, readme(board, &built, rates)),
        ("bitstream.json", BoardFileKind::Report, format!("{report:#}\n")),
    ];
    let text = |(name, kind, text): (&str, _, String)| BoardFile { name: name.into(), kind, bytes: text.into_bytes() };
    let files = texts.into_iter().map(text).chain(built.files.iter().cloned()).collect();
    Bitstream { built, lanes, rates, report, files }
}

fn report(
    board: &Board,
    built: &Built,
    options: &BitstreamOptions,
    lanes: u32,
    [computes, infers]: [f64; 2],
) -> serde_json::Value {
    let link = match options.wire {
        BoardWire::Spi => "spi",
        BoardWire::Uart { .. } => "uart",
    };
    serde_json::json!({
        "board": board.name,
        "link": link,
        "digests": options.digests,
        "weights": options.weights.name(),
        "lanes": lanes,
        "kilohertz": built.kilohertz,
        "mhz": built.mhz,
        "cells": built.cells,
        "logic": built.logic,
        "cycles": built.cycles.interval,
        "inferences_per_second": computes,
        "inferences_per_second_over_link": infers,
        "model": format!("{:08x}", built.chip.identity.model),
    })
}

fn readme(board: &Board, built: &Built, [computes, infers]: [f64; 2]) -> String {
    let (wires, place) = match built.wire {
        Wire::Spi => ("SPI, mode 0, at most an eighth of the clock".to_owned(), &board.spi.place),
        Wire::Uart { divisor } => (format!("UART, 8N1, {} baud", baud(built.kilohertz, divisor)), &board.uart.place),
    };
    let identity: Vec<String> = built.chip.identity.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let slowest = built.mhz.iter().copied().fold(f64::INFINITY, f64::min);
    let files: Vec<String> = built.files.iter().map(|file| format!("- `{}`", file.name)).collect();
    let fields = [
        ("TITLE", board.title.clone()),
        ("MODEL", format!("{:08x}", built.chip.identity.model)),
        ("SEEDS", built.mhz.len().to_string()),
        ("CLOCK", (f64::from(built.kilohertz) / 1000.0).to_string()),
        ("SLOWEST", format!("{slowest:.1}")),
        ("LOGIC", size_on_board(board, built)),
        ("CYCLES", built.cycles.interval.to_string()),
        ("COMPUTES", format!("{computes:.0}")),
        ("INFERS", format!("{infers:.0}")),
        ("WIRE", wires),
        ("WIRES", place.clone()),
        ("FLASH", flash_commands(board, built, |name| name.to_owned()).join("\n    ")),
        ("WEIGHTS", if built.chip.weights.is_some() { LOADED.to_owned() } else { String::new() }),
        ("IDENTITY", identity.join(" ")),
        ("FILES", files.join("\n")),
    ];
    fields.iter().fold(README.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// Logic cells and memories of the FPGA that are used.
pub fn size_on_board(board: &Board, built: &Built) -> String {
    let logic = built.logic.map_or_else(String::new, |[used, all]| format!("{used} of {all} logic cells, "));
    let sprams = built.cells.sprams;
    let sprams = if sprams == 0 { String::new() } else { format!(", {sprams} SPRAMs") };
    format!("{logic}{} of {} block RAMs{sprams}", built.cells.rams, board.target.block_rams())
}

/// The commands that write what was built to the board, each file at its `path`: first the weights that are loaded.
pub fn flash_commands(board: &Board, built: &Built, path: impl Fn(&str) -> String) -> Vec<String> {
    let flash = board.flash.as_ref().filter(|_| built.chip.weights.is_some());
    let weights = flash.map(|flash| flash.write.replace("{offset}", &FLASH_OFFSET.to_string()));
    let weights = weights.map(|command| command.replace("{file}", &path(WEIGHTS)));
    let bitstream = built.files.last().map_or("", |file| &file.name);
    weights.into_iter().chain([board.configure.replace("{file}", &path(bitstream))]).collect()
}

fn baud(kilohertz: u32, divisor: u32) -> u32 {
    (1000.0 * f64::from(kilohertz) / f64::from(divisor)).round() as u32
}
