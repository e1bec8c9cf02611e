//! `bitfab verilog`: the accelerator for a model, ready for a synthesis tool.

mod beside;
mod ports;
mod timing;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bitfab::format::Model;
use bitfab::hdl::{Interface, Memories, ModuleName, Options, Program, Sources, Style, Weights};
use bitfab::report::{ModelSummary, table};
use bitfab::sim::Engine;
use bitfab::sim::replay::connections;
use bitfab::sim::software::Reference;

use super::accelerator::{lanes, weights};
use crate::io::data::Format;
use crate::io::inputs::DataArgument;
use crate::io::models::ModelArgument;
use crate::io::outputs::{self, GENERATED, Product};

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

/// The test bench: noise on both handshakes, every byte of the result checked.
const BENCH: &str = include_str!("verilog/testbench.v");
/// What stands beside the Verilog.
const README: &str = include_str!("verilog/verilog.md");
/// What it says of memories that are files.
const MEMORIES: &str = include_str!("verilog/memories.md");

/// The accelerator, its Verilog with a head that says what it is.
pub fn sources(model: &Model<'_>, options: &Options, style: &Style) -> Result<Sources> {
    let mut sources = bitfab::hdl::sources(model, options, style)?;
    let bytes = size_of_val(model.words());
    let head = format!("// {GENERATED}: {} lanes, for a model of {bytes} bytes.\n", options.lanes);
    sources.text.insert_str(0, &head);
    Ok(sources)
}

/// Runs `bitfab verilog`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let options = Options::default().with_lanes(arguments.lanes).with_weights(arguments.weights);
    let sources = sources(&model, &options, &style(arguments));
    let sources = sources.with_context(|| arguments.source.model.display().to_string())?;
    let cycles = bitfab::hdl::cycles(&model, &options)?;
    let rows = vectors(arguments, &model)?;
    let slices: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(&model, &slices, &mut |_| ())?;
    let results: Vec<u8> = expected.iter().flat_map(|run| &run.output).flat_map(|word| word.to_le_bytes()).collect();
    let input: Vec<u8> = rows.concat();
    let image = if sources.is_loaded { Program::new(&model, &options)?.image() } else { Vec::new() };
    let shown = rows.first().map_or(&[][..], Vec::as_slice);
    let beside = beside::files((&model, &options), &sources, &cycles, [shown, &image])?;
    let bench = bench(&sources, rows.len());
    let readme = readme(&model, &options, &cycles).replace("@MEMORIES@", &memories(&sources));
    let readme = optional(&readme, sources.is_loaded).replace("@IMAGE@", &image.len().to_string());
    let readme = ports::fill(&readme, &sources).replace("@NAME@", &arguments.name.to_string());
    let mut parts = vec![(sources.file_name(), Product::Verilog, sources.text.into_bytes())];
    parts.extend(sources.memories.into_iter().map(|memory| (memory.name, Product::Vectors, memory.contents.into())));
    parts.extend([
        ("testbench.v".into(), Product::Verilog, bench.into()),
        ("input.hex".into(), Product::Vectors, hex(&input).into()),
        ("expected.hex".into(), Product::Vectors, hex(&results).into()),
        ("README.md".into(), Product::Text, readme.into()),
    ]);
    parts.extend(beside);
    write(&arguments.output, &parts)?;
    say!(
        "{}: {}; {} cycles per row with {} lanes, {:.0} % of them useful",
        arguments.output.display(),
        parts.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", "),
        table::thousands(cycles.interval),
        arguments.lanes,
        cycles.useful_percent()
    )?;
    Ok(())
}

/// Writes the files, or none if one of them would replace what is not ours.
fn write(folder: &Path, parts: &[(String, Product, Vec<u8>)]) -> Result<()> {
    outputs::folder(folder)?;
    for (name, product, _) in parts {
        outputs::check(&folder.join(name), *product)?;
    }
    parts.iter().try_for_each(|(name, product, bytes)| outputs::write(&folder.join(name), *product, bytes))
}

/// What was asked for.
fn style(arguments: &Arguments) -> Style {
    let memories = match arguments.memories {
        Place::Files => Memories::Files,
        Place::Inline => Memories::Inline,
    };
    Style { name: arguments.name.clone(), memories, interface: arguments.interface }
}

/// What the reader has to know of the files of memories.
fn memories(sources: &Sources) -> String {
    if sources.memories.is_empty() {
        return String::new();
    }
    let names: Vec<String> = sources.memories.iter().map(|memory| format!("`{}`", memory.name)).collect();
    let prefix = sources.name.to_string().to_ascii_uppercase();
    MEMORIES.replace("@FILES@", &names.join(", ")).replace("@PREFIX@", &prefix)
}

/// The test bench of that many rows.
fn bench(sources: &Sources, rows: usize) -> String {
    let name = sources.name.to_string();
    fill(&optional(BENCH, sources.is_loaded), &[("VECTORS", rows as u64)])
        .replace("@PREFIX@", &name.to_ascii_uppercase())
        .replace("@NAME@", &name)
        .replace("@CONNECTIONS@", &connections(sources))
}

/// Rows of the data set, or noise that is the same everywhere.
fn vectors(arguments: &Arguments, model: &Model<'_>) -> Result<Vec<Vec<u8>>> {
    let count = arguments.vectors as usize;
    if let Some(name) = &arguments.data {
        let inputs =
            DataArgument::of(name, &arguments.format).load(model, Some(&arguments.source.model), Some(count))?;
        return Ok(inputs.rows().into_iter().map(<[u8]>::to_vec).collect());
    }
    let mut state = 0x9e37_79b9_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Ok((0..count).map(|_| (0..model.input_bytes()).map(|_| noise()).collect()).collect())
}

/// A template with or without the lines that belong to a load port: those after `@loaded`, or after `@contents`, up to
/// `@end`.
fn optional(template: &str, is_loaded: bool) -> String {
    let mut is_kept = true;
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        // Comments of Verilog, VHDL and YAML.
        match line.trim().trim_start_matches(['/', '-', '#', ' ']) {
            "@loaded" => is_kept = is_loaded,
            "@contents" => is_kept = !is_loaded,
            "@end" => is_kept = true,
            _ if is_kept => text = text + line + "\n",
            _ => {}
        }
    }
    text
}

/// One byte a line, as `$readmemh` wants it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(3 * bytes.len()), |mut text, byte| {
        // A String takes everything.
        let _ = writeln!(text, "{byte:02x}");
        text
    })
}

/// Puts numbers in the places of a template.
fn fill(template: &str, values: &[(&str, u64)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), &value.to_string()))
}

fn readme(model: &Model<'_>, options: &Options, cycles: &bitfab::hdl::Cycles) -> String {
    let summary = ModelSummary::new(model);
    let numbers = [
        ("LANES", options.lanes.into()),
        ("INPUT", model.input_bytes() as u64),
        ("OUTPUT", u64::from(model.output().region.words) * 4),
        ("INTERVAL", cycles.interval),
        ("LATENCY", cycles.latency),
    ];
    fill(README, &numbers)
        .replace("@SHAPE@", &summary.input.shape_text())
        .replace("@RESULT@", &format!("{} {}", summary.output.shape_text(), summary.output.kind))
        .replace("@LAYERS@", &table::layers(&summary))
}
