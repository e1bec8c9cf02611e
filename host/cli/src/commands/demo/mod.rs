//! `bitfab demo`: the whole chain on embedded data, for a newcomer.

mod kind;
mod tools;

use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bitfab::format::Model;
use bitfab::hdl::{Memories, Style};
use bitfab::report::{ModelSummary, table};
use bitfab::sim::rtl::{RustHdl, run_with_waveform};
use bitfab::sim::verify::Verdict;
use bitfab::{Accelerator, EngineName};

use super::accelerator::lanes;
use crate::io::data;
use crate::io::outputs::{self, Product};
use crate::show::bars;
use crate::show::demo::{self, Findings};
use crate::show::learning::Bar;
use kind::Kind;

/// Arguments of `bitfab demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder of the results.
    #[arg(short, long, value_name = "DIR", default_value = "target/demo")]
    out: PathBuf,
    /// Decides the first weights and the order of the digits; the same seed gives the same bits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which weights the network learns.
    #[arg(long, default_value = "binary", value_parser = Kind::parser())]
    kind: Kind,
    /// Lanes of the accelerator: 1, 2, 4, 8, 16 or 32.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    lanes: u32,
}

const EXAMPLES: &str = "Examples:
  bitfab demo
  bitfab demo --kind mixed
  bitfab demo --seed 7 --lanes 32 --out digits";

/// What is written and what it is.
const FILES: [(&str, Product, &str); 5] = [
    ("digits.bfab", Product::Model, "the model, for every engine (bitfab inspect, eval, run)"),
    ("digits.v", Product::Verilog, "the accelerator with this model in its memories"),
    ("digits.vcd", Product::Vcd, "its signals over two images (gtkwave)"),
    ("demo.png", Product::Png, "what it confuses, where bytes and cycles go"),
    ("demo.svg", Product::Svg, "the same, for any size"),
];
/// Engines that need nothing but Rust, besides the reference.
const ENGINES: [EngineName; 4] = [EngineName::Kernels, EngineName::Runtime, EngineName::CycleModel, EngineName::Rtl];
/// Images and cycles that the waveform shows.
const WAVEFORM: (usize, u64) = (2, 20_000);

/// Runs `bitfab demo`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    outputs::folder(&arguments.out)?;
    for (name, product, _) in FILES {
        outputs::check(&arguments.out.join(name), product)?;
    }
    let findings = find(arguments)?;
    let model = findings.file.model()?;
    say!("\n{}", demo::table(&findings, &ModelSummary::new(&model)))?;
    write(arguments, &findings, &model)?;
    say!("\nWritten to {}:", arguments.out.display())?;
    for (name, _, what) in FILES {
        say!("  {name:14} {what}")?;
    }
    say!("\n{}", tools::not_run(&arguments.out))?;
    say!("\nDone in {:.1} s.", start.elapsed().as_secs_f64())?;
    let differing = findings.verdicts.iter().find(|verdict| !verdict.agrees());
    if let Some(verdict) = differing {
        let first = verdict.first.as_ref().map_or(String::new(), ToString::to_string);
        anyhow::bail!("{} does not agree with the reference: {first}", verdict.engine);
    }
    Ok(())
}

/// Learns, compiles and compares, with a line on each step.
fn find(arguments: &Arguments) -> Result<Findings> {
    let accelerator = Accelerator::plain(arguments.lanes);
    let data = data::load("digits", None)?;
    say!("bitfab: one model file, microcontroller and FPGA, the same bits\n")?;
    let (learn, judge) = (data.train.len() as u64, data.test.len());
    step("data", format!("{} handwritten digits, {} to learn from, {judge} to judge by", learn + judge as u64, learn))?;
    let start = Instant::now();
    let config = arguments.kind.config(arguments.seed)?;
    let outcome = bitfab::train(&config, &data, &mut Bar::plain(false))?;
    let seconds = start.elapsed().as_secs_f64();
    step("train", format!("{}, {seconds:.1} s", arguments.kind.what()))?;
    let (file, rounded) = bitfab::compile(&outcome.graph, &bitfab::compile::CompileOptions::default())?;
    let how = if rounded.is_empty() { "exactly" } else { "rounded where no multiplier is exact" };
    let model = file.model()?;
    step("compile", format!("to integers, {how}: {} bytes", table::thousands(model.words().len() as u64 * 4)))?;
    let rows = bitfab::test_rows(&model, &data, None)?;
    let names = ENGINES.map(EngineName::name).join(", ");
    step("compare", format!("{names} with the reference, every tensor of {judge} images"))?;
    let bars = bars::follow();
    let runs = bitfab::reference(&model, &rows, &bars)?;
    let judged = ENGINES.iter().map(|&name| bitfab::judge(name, accelerator, &model, &rows, &runs, &bars));
    let verdicts: Result<Vec<Verdict>> = judged.map(|timed| Ok(timed?.verdict)).collect();
    let confusion = bitfab::confusion_of_test(&model, &data, &runs)?;
    let options = accelerator.options();
    let cycles = bitfab::hdl::cycles(&model, &options)?;
    let program = bitfab::hdl::Program::new(&model, &options)?;
    let kind = arguments.kind.name();
    Ok(Findings { kind, verdicts: verdicts?, data, outcome, file, runs, cycles, program, confusion, accelerator })
}

fn step(what: &str, text: String) -> Result<()> {
    say!("  {what:8} {text}")
}

/// Writes all files.
fn write(arguments: &Arguments, findings: &Findings, model: &Model<'_>) -> Result<()> {
    let place = |name: &str| arguments.out.join(name);
    let options = findings.accelerator.options();
    let words = bitfab::compile::bytes(model.words());
    outputs::write(&place("digits.bfab"), Product::Model, &words)?;
    let style = Style { memories: Memories::Inline, ..Style::default() };
    let verilog = bitfab::verilog_sources(model, &options, &style)?.text;
    outputs::write(&place("digits.v"), Product::Verilog, verilog.as_bytes())?;
    let rows = bitfab::test_rows(model, &findings.data, Some(WAVEFORM.0))?;
    let engine = RustHdl { options, ..RustHdl::default() };
    let mut waveform = BufWriter::new(Vec::new());
    let runs = run_with_waveform(engine, model, &rows, &mut waveform, WAVEFORM.1)?;
    ensure!(
        runs.iter().zip(&findings.runs).all(|(run, expected)| run.output == expected.output),
        "the circuit that drew the waveform does not agree with the reference"
    );
    outputs::write(&place("digits.vcd"), Product::Vcd, &waveform.into_inner().context("the waveform")?)?;
    let svg = demo::page(findings, model).svg();
    outputs::write(&place("demo.svg"), Product::Svg, svg.as_bytes())?;
    outputs::write(&place("demo.png"), Product::Png, &bitfab::report::png(&svg, 2.0)?)
}
