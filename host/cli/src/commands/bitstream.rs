//! `bitfab bitstream`: the file that configures an FPGA board for a model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bitfab::hdl::Weights;
use bitfab::sim::board::{Board, BoardFileKind, BoardWire, GATES, WEIGHTS};
use bitfab::{Bitstream, BitstreamOptions, flash_commands, size_on_board};

use super::accelerator::{lanes, weights};
use crate::io::models::ModelArgument;
use crate::io::outputs::{self, Product};
use crate::show::bars;
use crate::show::out;

/// Arguments of `bitfab bitstream`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    /// The board: icebreaker, hx8k-breakout, or a file like those of hdl/boards.
    #[arg(long)]
    board: String,
    /// The wires to the host.
    #[arg(long, value_enum, default_value_t = LinkName::Spi)]
    link: LinkName,
    /// Bits a second of the UART.
    #[arg(long, default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    baud: u32,
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32; without it the most that fit.
    #[arg(long, value_parser = lanes)]
    lanes: Option<u32>,
    /// Where the weights come from: `contents` of memories, `loaded` from the board's flash or over the link, so that SPRAM
    /// holds them, or `rebuilt` of SmartDeal's bases.
    #[arg(long, value_parser = weights, default_value = "contents")]
    weights: Weights,
    /// The clock at the most, in MHz; without it the fastest that every placement meets.
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u32).range(1..=275))]
    clock: Option<u32>,
    /// Keep the digest of every layer's output, for the host to compare.
    #[arg(long)]
    digests: bool,
    /// How many placements are tried; all must meet the clock, the fastest is taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    /// Folder of the results; made where it is missing.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The wires to the host.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LinkName {
    /// SPI, mode 0.
    Spi,
    /// UART, 8N1.
    Uart,
}

const EXAMPLES: &str = "Examples:
  bitfab bitstream digits.bfab --board icebreaker -o bits
  bitfab bitstream digits.bfab --board icebreaker --link uart --baud 1000000 --clock 12 -o bits
  bitfab bitstream digits.bfab --board hx8k-breakout --lanes 4 --seeds 5 --json -o bits
  bitfab bitstream mnist.bfab --board icebreaker --weights loaded -o bits
  bitfab bitstream digits.bfab --board my-board.toml -o bits

It needs Debian's yosys, nextpnr-ice40 and fpga-icestorm. The folder's README.md says how the board is wired and
configured. The exit code is 1 where the model does not fit the board.";

/// Runs `bitfab bitstream`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let board = board(&arguments.board)?;
    let file = arguments.source.open()?;
    let model = file.model()?;
    prepare(&arguments.output, &board)?;
    let wire = match arguments.link {
        LinkName::Spi => BoardWire::Spi,
        LinkName::Uart => BoardWire::Uart { baud: arguments.baud },
    };
    let (lanes, kilohertz) = (arguments.lanes, arguments.clock.map(|clock| 1000 * clock));
    let (digests, weights) = (arguments.digests, arguments.weights);
    let options = BitstreamOptions { lanes, weights, wire, digests, kilohertz, placements: arguments.seeds };
    let what = || format!("{} on {}", arguments.source.model.display(), board.name);
    let made = bitfab::bitstream(&model, &board, &options, &bars::follow()).with_context(what)?;
    write(&arguments.output, &made)?;
    if arguments.json { out::json(&made.report) } else { show(&arguments.output, &board, &made) }
}

/// A board by its name, or by a file that describes it.
fn board(name: &str) -> Result<Board> {
    if !name.contains(['.', '/']) {
        return Board::named(name).map_err(anyhow::Error::msg);
    }
    let text = std::fs::read_to_string(name).with_context(|| format!("cannot read the board {name}"))?;
    Board::parse(&text).map_err(anyhow::Error::msg).with_context(|| format!("the board {name}"))
}

/// Makes the folder and sees that nothing strange lies where files will be written, before the tools work for minutes.
fn prepare(folder: &Path, board: &Board) -> Result<()> {
    outputs::folder(folder)?;
    let bitstream = format!("{}.bin", board.name);
    let texts = ["README.md", "pins.pcf"].map(|name| (name, Product::Text));
    let verilog = ["chip.v", "board.v", GATES].map(|name| (name, Product::Verilog));
    let others =
        [("bitstream.json", Product::BoardReport), (WEIGHTS, Product::Image), (bitstream.as_str(), Product::Bitstream)];
    let all = texts.into_iter().chain(verilog).chain(others);
    all.into_iter().try_for_each(|(name, product)| outputs::check(&folder.join(name), product))
}

/// Writes the files, or none if one of them would replace what is not ours.
fn write(folder: &Path, made: &Bitstream) -> Result<()> {
    let files = &made.files;
    files.iter().try_for_each(|file| outputs::check(&folder.join(&file.name), product(file.kind)))?;
    files.iter().try_for_each(|file| outputs::write(&folder.join(&file.name), product(file.kind), &file.bytes))
}

fn product(kind: BoardFileKind) -> Product {
    match kind {
        BoardFileKind::Verilog => Product::Verilog,
        BoardFileKind::Memory => Product::Vectors,
        BoardFileKind::Pins | BoardFileKind::Text => Product::Text,
        BoardFileKind::Report => Product::BoardReport,
        BoardFileKind::Weights => Product::Image,
        BoardFileKind::Bitstream => Product::Bitstream,
    }
}

fn show(folder: &Path, board: &Board, made: &Bitstream) -> Result<()> {
    let Bitstream { built, lanes, rates: [computes, infers], files, .. } = made;
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    say!("{}: {}", folder.display(), names.join(", "))?;
    let slowest = built.mhz.iter().copied().fold(f64::INFINITY, f64::min);
    say!(
        "{} on {lanes} lanes at {} MHz (the slowest of {} placements reaches {slowest:.1}): {}",
        board.title,
        f64::from(built.kilohertz) / 1000.0,
        built.mhz.len(),
        size_on_board(board, built)
    )?;
    say!(
        "{} cycles an inference: {computes:.0} a second, {infers:.0} with input and answer over the link",
        built.cycles.interval
    )?;
    let path = |name: &str| folder.join(name).display().to_string();
    say!("configure it: {}", flash_commands(board, built, path).join(" && "))
}
