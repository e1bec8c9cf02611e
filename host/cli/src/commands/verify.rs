//! `bitfab verify`: every engine against the reference, on every intermediate tensor.

use anyhow::{Context, Result, ensure};
use bitfab::report::table;
use bitfab::{EngineName, Share, Timed, Verified};
use serde::Serialize;

use super::accelerator::AcceleratorArguments;
use crate::io::inputs::DataArgument;
use crate::io::models::ModelArgument;
use crate::io::sources::OriginArguments;
use crate::show::bars;
use crate::show::out;

/// Arguments of `bitfab verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples())]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    #[command(flatten)]
    from: DataArgument,
    #[command(flatten)]
    origin: OriginArguments,
    /// How many rows go through every engine.
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Engines to compare with the reference, by comma.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = DEFAULT)]
    engines: Vec<EngineName>,
    /// Fewer rows for slow engines: ENGINE=ROWS, by comma.
    #[arg(long, value_name = "ENGINE=ROWS", value_delimiter = ',')]
    subset: Vec<Subset>,
    #[command(flatten)]
    accelerator: AcceleratorArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Engines that need nothing but Rust.
const DEFAULT: &str = "reference,kernels,runtime,rtl";

fn examples() -> String {
    let mut text = "Examples:
  bitfab verify digits.bfab --data digits
  bitfab verify mlp.bfab --data mnist --engines kernels,runtime,rtl,verilator
  bitfab verify imu.bfab --data newday.csv --engines runtime,rtl,qemu-m4   # boards code real values themselves
  bitfab verify mlp.bfab --data mnist --engines icarus,qemu-m4 --subset icarus=20,qemu-m4=50
  bitfab verify digits.bfab --data digits --engines rtl,icarus --lanes 32 --stalls 1
  bitfab verify digits.bfab --data digits --limit 20 --engines linked,netlist-ice40,bitstream-ice40,pico --lanes 4
  bitfab verify digits.bfab --data digits --engines device:/dev/ttyUSB1@1000000 --limit 100   # a board, layer by layer
  bitfab verify tfc.bfab --data mnist --source tfc.onnx --input u8/255   # the file that it was imported from, too

Engines:\n"
        .to_owned();
    for engine in EngineName::all() {
        text += &format!("  {:16} {}\n", engine.name(), engine.what());
    }
    text += &format!("  {:16} a board behind a serial port, 115200 baud: device:PATH@BAUD chooses\n", "device:PATH");
    text + "\nThe exit code is 1 where an engine differs or cannot run."
}

/// Rows for one engine.
#[derive(Clone, Copy, Debug)]
struct Subset {
    engine: EngineName,
    rows: usize,
}

impl std::str::FromStr for Subset {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (engine, rows) = text.split_once('=').context("use ENGINE=ROWS, as in icarus=20")?;
        let rows = rows.parse().ok().filter(|&rows| rows > 0).context("ROWS is a number from 1")?;
        Ok(Self { engine: engine.parse()?, rows })
    }
}

/// An engine that could not run.
#[derive(Debug, Serialize)]
struct Failure {
    engine: &'static str,
    error: String,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Outcome {
    data: String,
    rows: usize,
    layers: usize,
    verdicts: Vec<Timed>,
    failures: Vec<Failure>,
}

/// Runs `bitfab verify`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let inputs = arguments.from.load(&model, Some(&arguments.source.model), Some(arguments.limit as usize))?;
    let origin = arguments.origin.open(&arguments.from)?;
    let share = |engine: EngineName| arguments.subset.iter().find(|subset| subset.engine == engine);
    let shares: Vec<Share> =
        arguments.engines.iter().map(|&engine| (engine, share(engine).map(|subset| subset.rows))).collect();
    let (accelerator, bars) = (arguments.accelerator.into(), bars::follow());
    let Verified { verdicts, failures } =
        bitfab::verify(&model, &inputs, &shares, accelerator, origin.as_ref(), &bars)?;
    let failure = |one: bitfab::Failure| Failure { engine: one.engine.name(), error: one.error.chain() };
    let outcome = Outcome {
        data: inputs.name.clone(),
        rows: inputs.sources().len(),
        layers: model.layer_count(),
        verdicts,
        failures: failures.into_iter().map(failure).collect(),
    };
    print(&outcome, arguments.json)?;
    conclude(&outcome)
}

fn print(outcome: &Outcome, json: bool) -> Result<()> {
    if json {
        out::json(outcome)?;
        return Ok(());
    }
    say!("{}", table::verdicts(outcome.verdicts.iter().map(|timed| (&timed.verdict, timed.seconds))))?;
    say!("{} layers, data set {}; every tensor is compared with the reference.", outcome.layers, outcome.data)?;
    for Timed { verdict, neighbours, .. } in &outcome.verdicts {
        if let Some(count) = neighbours.filter(|&count| count > 0) {
            say!("{}: {count} values have a neighbouring level, where the import says that some do", verdict.engine)?;
        }
        if let Some(first) = &verdict.first {
            say!("{} differs first at {first}", verdict.engine)?;
        }
    }
    for failure in &outcome.failures {
        say!("{} could not run: {}", failure.engine, failure.error)?;
    }
    Ok(())
}

fn conclude(outcome: &Outcome) -> Result<()> {
    let verdicts = outcome.verdicts.iter().map(|timed| &timed.verdict);
    let differing: Vec<&str> = verdicts.filter(|v| !v.agrees()).map(|v| v.engine.as_str()).collect();
    let failed: Vec<&str> = outcome.failures.iter().map(|failure| failure.engine).collect();
    ensure!(differing.is_empty(), "not equal to the reference: {}", differing.join(", "));
    ensure!(failed.is_empty(), "could not run: {}", failed.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab::sim::verify::{Mismatch, Verdict};

    fn outcome(first: Option<Mismatch>, failures: Vec<Failure>) -> Outcome {
        let agreeing = if first.is_some() { 1 } else { 2 };
        let verdict = Verdict {
            engine: "rtl".into(),
            images: 2,
            agreeing,
            tensors: 6,
            first,
            cycles: Some(5),
            instructions: None,
        };
        Outcome {
            data: "digits".into(),
            rows: 2,
            layers: 3,
            verdicts: vec![Timed { verdict, seconds: 0.1, neighbours: None }],
            failures,
        }
    }

    #[test]
    fn a_difference_and_a_missing_tool_both_fail() {
        conclude(&outcome(None, Vec::new())).unwrap();
        let mismatch = Mismatch {
            image: 1,
            layer: Some(2),
            name: "scores".into(),
            position: Some([0, 0, 4]),
            expected: 3,
            found: -3,
        };
        let error = conclude(&outcome(Some(mismatch), Vec::new())).unwrap_err();
        assert!(error.to_string().contains("not equal to the reference: rtl"), "{error}");
        let failure = Failure { engine: "icarus", error: "missing".into() };
        let error = conclude(&outcome(None, vec![failure])).unwrap_err();
        assert!(error.to_string().contains("could not run: icarus"), "{error}");
    }

    #[test]
    fn subsets_are_engine_and_rows() {
        let subset: Subset = "qemu-m4=50".parse().unwrap();
        assert_eq!((subset.engine.name(), subset.rows), ("qemu-m4", 50));
        for text in ["qemu-m4", "qemu-m4=0", "qemu-m4=x", "gpu=1"] {
            assert!(text.parse::<Subset>().is_err(), "{text}");
        }
    }
}
