//! `bitfab eval`: how often a model is right.

use anyhow::Result;
use bitfab::report::{Confusion, Metrics, table};
use bitfab::{Clamped, EngineName, Evaluation};
use serde::Serialize;

use super::accelerator::AcceleratorArguments;
use crate::io::inputs::DataArgument;
use crate::io::models::ModelArgument;
use crate::show::bars;
use crate::show::out;

/// Arguments of `bitfab eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    #[command(flatten)]
    from: DataArgument,
    /// Use only the first rows.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Which engine computes (see `bitfab verify --help`).
    #[arg(long, value_name = "ENGINE", default_value = "runtime")]
    engine: EngineName,
    #[command(flatten)]
    accelerator: AcceleratorArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab eval digits.bfab --data digits
  bitfab eval mlp.bfab --data mnist --limit 1000 --json
  bitfab eval imu.bfab --data newday.csv
  bitfab eval imu.bfab --data all.csv --split person --part test
  bitfab eval kws.bfab --data inputs.npy --labels labels.npy";

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    data: &'a str,
    engine: String,
    correct: u32,
    total: u32,
    accuracy: f64,
    seconds: f64,
    clamped: &'a [Clamped],
    learned: Option<&'a str>,
    metrics: &'a Metrics,
    confusion: Rows<'a>,
}

/// The matrix as rows of predictions, one row a true class.
#[derive(Serialize)]
struct Rows<'a> {
    classes: &'a [String],
    counts: Vec<Vec<u32>>,
}

impl<'a> Rows<'a> {
    fn of(matrix: &'a Confusion) -> Self {
        let row = |truth| (0..matrix.size()).map(|found| matrix.count(truth, found)).collect();
        Self { classes: &matrix.classes, counts: (0..matrix.size()).map(row).collect() }
    }
}

/// Runs `bitfab eval`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    let inputs =
        arguments.from.load(&model, Some(&arguments.source.model), arguments.limit.map(|limit| limit as usize))?;
    let Evaluation { engine, seconds, matrix } =
        bitfab::eval(&model, &inputs, arguments.engine, arguments.accelerator.into(), &bars::follow())?;
    let metrics = matrix.metrics();
    if let Some(warning) = metrics.warning() {
        note!("warning: {warning}");
    }
    let outcome = Outcome {
        data: &inputs.name,
        engine,
        correct: matrix.correct(),
        total: matrix.total(),
        accuracy: matrix.accuracy(),
        seconds,
        clamped: &inputs.clamped,
        learned: inputs.learned.as_deref(),
        metrics: &metrics,
        confusion: Rows::of(&matrix),
    };
    if arguments.json { out::json(&outcome) } else { print(&outcome, &matrix) }
}

fn print(outcome: &Outcome<'_>, matrix: &Confusion) -> Result<()> {
    let Outcome { data, engine, correct, total, accuracy, seconds, metrics, .. } = outcome;
    say!("{}", table::confusion(matrix))?;
    say!("{}", table::metrics(metrics))?;
    say!(
        "{} of {} rows of {data} right: {} ({engine}, {seconds:.2} s)",
        table::thousands((*correct).into()),
        table::thousands((*total).into()),
        table::percent(*accuracy)
    )
}
