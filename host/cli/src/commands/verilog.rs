//! `bitfab verilog`: the accelerator for a model, ready for a synthesis tool.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bitfab::format::Model;
use bitfab::hdl::{Interface, Memories, ModuleName, Options, Style, Weights};
use bitfab::report::table;
use bitfab::{Design, DesignFile, DesignKind};

use super::accelerator::{lanes, weights};
use crate::io::data::Format;
use crate::io::inputs::DataArgument;
use crate::io::models::ModelArgument;
use crate::io::outputs::{self, Product};

/// Arguments of `bitfab verilog`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    /// Folder of the results; made where it is missing.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    lanes: u32,
    /// Name of the top module; those of all others begin with it, so that several models stand in one design.
    #[arg(long, default_value = "bitfab")]
    name: ModuleName,
    /// Ports of the top module: plain (clock, reset, valid, ready, last) or axis (AXI4-Stream: aclk, aresetn, s_axis_*,
    /// m_axis_*).
    #[arg(long, default_value_t = Interface::Plain)]
    interface: Interface,
    /// Where the contents of large memories stand: in files beside the Verilog, or inline, in one file with it.
    #[arg(long, value_enum, default_value_t = Place::Files, value_name = "PLACE")]
    memories: Place,
    /// Where the weights come from: `contents` of memories at configuration, `loaded` by a host through a load port, or
    /// `rebuilt`: those of dense SmartDeal layers are kept as in the file, and made again for each group of lanes.
    #[arg(long, value_parser = weights, default_value = "contents")]
    weights: Weights,
    /// Vectors of the test bench: the first rows of FILE.csv, .npy or .npz, or of a data set's test part, instead of noise.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    format: Format,
    /// How many vectors the test bench gets.
    #[arg(long, value_name = "ROWS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    vectors: u32,
}

/// Where the contents of large memories stand.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Place {
    /// In files that `$readmemh` reads: quick in every tool.
    Files,
    /// In the Verilog, an assignment a word: one file, slow in simulators and synthesis.
    Inline,
}

const EXAMPLES: &str = "Examples:
  bitfab verilog digits.bfab -o digits_verilog
  bitfab verilog mlp.bfab --lanes 32 --data mnist --vectors 10 --name digits -o mlp_verilog
  bitfab verilog kws.bfab --memories inline -o kws_verilog
  bitfab verilog digits.bfab --interface axis --name digits -o digits_axis

Then, in that folder (its README.md says what each file is for):
  iverilog -g2012 -o bench testbench.v bitfab.v && vvp bench
  fusesoc --cores-root . run --target sim bitfab:accelerator:bitfab";

/// Runs `bitfab verilog`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let options = Options::default().with_lanes(arguments.lanes).with_weights(arguments.weights);
    let rows = vectors(arguments, &model)?;
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let design = bitfab::verilog(&model, &options, &style(arguments), &rows);
    let Design { files, cycles } = design.with_context(|| arguments.source.model.display().to_string())?;
    write(&arguments.output, &files)?;
    say!(
        "{}: {}; {} cycles per row with {} lanes, {:.0} % of them useful",
        arguments.output.display(),
        files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", "),
        table::thousands(cycles.interval),
        arguments.lanes,
        cycles.useful_percent()
    )
}

/// Writes the files, or none if one of them would replace what is not ours.
fn write(folder: &Path, files: &[DesignFile]) -> Result<()> {
    outputs::folder(folder)?;
    files.iter().try_for_each(|file| outputs::check(&folder.join(&file.name), product(file.kind)))?;
    files.iter().try_for_each(|file| outputs::write(&folder.join(&file.name), product(file.kind), &file.bytes))
}

fn product(kind: DesignKind) -> Product {
    match kind {
        DesignKind::Verilog => Product::Verilog,
        DesignKind::Vectors => Product::Vectors,
        DesignKind::Text => Product::Text,
        DesignKind::Design => Product::Design,
        DesignKind::Svg => Product::Svg,
        DesignKind::Image => Product::Image,
    }
}

/// What was asked for.
fn style(arguments: &Arguments) -> Style {
    let memories = match arguments.memories {
        Place::Files => Memories::Files,
        Place::Inline => Memories::Inline,
    };
    Style { name: arguments.name.clone(), memories, interface: arguments.interface }
}

/// Rows of the data set, or noise that is the same everywhere.
fn vectors(arguments: &Arguments, model: &Model<'_>) -> Result<Vec<Vec<u8>>> {
    let count = arguments.vectors as usize;
    if let Some(name) = &arguments.data {
        let inputs =
            DataArgument::of(name, &arguments.format).load(model, Some(&arguments.source.model), Some(count))?;
        return Ok(inputs.rows().into_iter().map(<[u8]>::to_vec).collect());
    }
    Ok(bitfab::noise(model, count))
}
