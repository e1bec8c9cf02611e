//! `bitfab verilog`: the accelerator for a model, ready for a synthesis tool.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bitfab_format::Model;
use bitfab_hdl::{ModuleName, Options};
use bitfab_report::{ModelSummary, table};
use bitfab_sim::Engine;
use bitfab_sim::software::Reference;

use crate::data::Format;
use crate::engines::lanes;
use crate::inputs::From;
use crate::models::Source;
use crate::outputs::{self, GENERATED, Product};

/// Arguments of `bitfab verilog`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Folder of the results; made where it is missing.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    lanes: u32,
    /// Name of the top module; those of all others begin with it, so that several models stand in one design.
    #[arg(long, default_value = "bitfab")]
    name: ModuleName,
    /// Vectors of the test bench: the first rows of FILE.csv, .npy or .npz, or of a data set's test part, instead of noise.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    format: Format,
    /// How many vectors the test bench gets.
    #[arg(long, value_name = "ROWS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    vectors: u32,
}

const EXAMPLES: &str = "Examples:
  bitfab verilog digits.bfab -o digits_verilog
  bitfab verilog mlp.bfab --lanes 32 --data mnist --vectors 10 --name digits -o mlp_verilog

Then, in that folder:
  iverilog -g2012 -o bench testbench.v bitfab.v && vvp bench";

/// The test bench: noise on both handshakes, every byte of the result checked.
const BENCH: &str = include_str!("testbench.v");
/// What stands beside the Verilog.
const README: &str = include_str!("verilog.md");

/// The accelerator as Verilog with a head that says what it is.
pub fn text(model: &Model<'_>, options: &Options, name: &ModuleName) -> Result<String> {
    let verilog = bitfab_hdl::verilog_named(model, options, name)?;
    let bytes = size_of_val(model.words());
    Ok(format!("// {GENERATED}: {} lanes, a model of {bytes} bytes in its memories.\n{verilog}", options.lanes))
}

/// Runs `bitfab verilog`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let options = Options::default().with_lanes(arguments.lanes);
    let accelerator =
        text(&model, &options, &arguments.name).with_context(|| arguments.source.model.display().to_string())?;
    let cycles = bitfab_hdl::cycles(&model, &options)?;
    let rows = vectors(arguments, &model)?;
    let name = arguments.name.to_string();
    let slices: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(&model, &slices, &mut |_| ())?;
    let results = expected.iter().flat_map(|run| &run.output).flat_map(|word| word.to_le_bytes());
    let results: Vec<u8> = results.collect();
    let input: Vec<u8> = rows.concat();
    let bench = bench(&name, rows.len(), &input, &results);
    let file = format!("{name}.v");
    let readme = readme(&model, &options, &cycles).replace("@NAME@", &name);
    outputs::folder(&arguments.output)?;
    let parts = [
        (&*file, Product::Verilog, accelerator.as_bytes()),
        ("testbench.v", Product::Verilog, bench.as_bytes()),
        ("input.hex", Product::Vectors, &hex(&input).into_bytes()),
        ("expected.hex", Product::Vectors, &hex(&results).into_bytes()),
        ("README.md", Product::Markdown, readme.as_bytes()),
    ];
    for (name, product, _) in &parts {
        outputs::check(&arguments.output.join(name), *product)?;
    }
    for (name, product, bytes) in &parts {
        outputs::write(&arguments.output.join(name), *product, bytes)?;
    }
    say!(
        "{}: {}; {} cycles per row with {} lanes, {:.0} % of them useful",
        arguments.output.display(),
        parts.map(|(name, ..)| name).join(", "),
        table::thousands(cycles.interval),
        arguments.lanes,
        cycles.useful_percent()
    )?;
    Ok(())
}

/// The test bench of that many rows.
fn bench(name: &str, rows: usize, input: &[u8], results: &[u8]) -> String {
    let counts = [
        ("INPUT_BYTES", input.len()),
        ("OUTPUT_BYTES", results.len()),
        ("FRAME_BYTES", input.len() / rows.max(1)),
        ("RESULT_BYTES", results.len() / rows.max(1)),
    ];
    fill(BENCH, &counts.map(|(name, count)| (name, count as u64))).replace("@NAME@", name)
}

/// Rows of the data set, or noise that is the same everywhere.
fn vectors(arguments: &Arguments, model: &Model<'_>) -> Result<Vec<Vec<u8>>> {
    let count = arguments.vectors as usize;
    if let Some(name) = &arguments.data {
        let inputs = From::of(name, &arguments.format).load(model, Some(&arguments.source.model), Some(count))?;
        return Ok(inputs.rows().into_iter().map(<[u8]>::to_vec).collect());
    }
    let mut state = 0x9e37_79b9_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Ok((0..count).map(|_| (0..model.input_bytes()).map(|_| noise()).collect()).collect())
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

fn readme(model: &Model<'_>, options: &Options, cycles: &bitfab_hdl::Cycles) -> String {
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
