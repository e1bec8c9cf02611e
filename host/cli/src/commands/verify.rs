//! `bitfab verify`: every engine against the reference, on every intermediate tensor.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bitfab::format::Model;
use bitfab::report::table;
use bitfab::sim::software::Reference;
use bitfab::sim::verify::{Verdict, verify};
use bitfab::sim::{Engine, Rows, Run};
use serde::Serialize;

use crate::engines::{Accelerator, Name};
use crate::io::inputs::From;
use crate::io::models::Source;
use crate::origin;
use crate::parallel::{Parallel, part};
use crate::show::bars;
use crate::show::out;

/// Arguments of `bitfab verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples())]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    origin: origin::Arguments,
    /// How many rows go through every engine.
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Engines to compare with the reference, by comma.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = DEFAULT)]
    engines: Vec<Name>,
    /// Fewer rows for slow engines: ENGINE=ROWS, by comma.
    #[arg(long, value_name = "ENGINE=ROWS", value_delimiter = ',')]
    subset: Vec<Subset>,
    #[command(flatten)]
    accelerator: Accelerator,
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
  bitfab verify tfc.bfab --data mnist --source tfc.onnx --input u8/255   # the file that it was imported from, too

Engines:\n"
        .to_owned();
    for engine in Name::all() {
        text += &format!("  {:14} {}\n", engine.name(), engine.what());
    }
    text + "\nThe exit code is 1 where an engine differs or cannot run."
}

/// Rows for one engine.
#[derive(Clone, Copy, Debug)]
struct Subset {
    engine: Name,
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

/// What an engine did and how long it took, without its preparation.
#[derive(Debug, Serialize)]
pub struct Timed {
    /// What it did.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Seconds.
    pub seconds: f64,
    /// Values that have a neighbouring level, of a source whose import says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
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
    let (bytes, reals) = (inputs.rows(), inputs.reals());
    let rows = reals.as_ref().map_or(Rows::from(&bytes), Rows::from);
    let expected = reference(&model, rows)?;
    let (mut verdicts, mut failures) = (Vec::new(), Vec::new());
    if let Some(origin) = arguments.origin.open(&arguments.from)? {
        verdicts.push(origin.judge(&model, &inputs, &expected)?);
    }
    for &name in &arguments.engines {
        let subset = arguments.subset.iter().find(|subset| subset.engine == name);
        let rows = part(rows, 0..subset.map_or(rows.len(), |subset| subset.rows.min(rows.len())));
        match judge(name, arguments.accelerator, &model, rows, &expected) {
            Ok(verdict) => verdicts.push(verdict),
            Err(error) => failures.push(Failure { engine: name.name(), error: format!("{error:#}") }),
        }
    }
    let outcome =
        Outcome { data: inputs.name.clone(), rows: bytes.len(), layers: model.layer_count(), verdicts, failures };
    print(&outcome, arguments.json)?;
    conclude(&outcome)
}

/// The runs that all others are compared with.
pub fn reference<'a>(model: &Model<'_>, rows: impl Into<Rows<'a>>) -> Result<Vec<Run>> {
    let rows = rows.into();
    let bar = bars::rows("reference", rows.len());
    let mut reference = Parallel::new(Box::new(|| Box::new(Reference)));
    let runs = reference.run_rows(model, rows, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok(runs)
}

/// Runs one engine with a bar and compares it with the reference.
pub fn judge<'a>(
    name: Name,
    accelerator: Accelerator,
    model: &Model<'_>,
    rows: impl Into<Rows<'a>>,
    expected: &[Run],
) -> Result<Timed> {
    let rows = rows.into();
    let preparing = bars::spinner(&format!("preparing {name}"));
    let engine = name.create(accelerator);
    preparing.finish_and_clear();
    let mut engine = engine?;
    let bar = bars::rows(name.name(), rows.len());
    let start = Instant::now();
    let verdict = verify(model, rows, expected, &mut *engine, &mut |done| bar.set_position(done as u64));
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    Ok(Timed { verdict: Verdict { engine: name.name().into(), ..verdict? }, seconds, neighbours: None })
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
    use bitfab::sim::verify::Mismatch;

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
