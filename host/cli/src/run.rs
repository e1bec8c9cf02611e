//! `bitfab run`: a model on the user's own rows.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bitfab_compile::Worth;
use bitfab_format::{Kind, Model};
use bitfab_report::table;
use bitfab_sim::Run;
use bitfab_sim::software::output_values;

use crate::engines::{Accelerator, Name};
use crate::models::{self, Source};
use crate::outputs::{self, Product};
use crate::{axes, bars, files, npy};

/// Arguments of `bitfab run`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Rows as a NumPy array: uint8 (or int8, as the model states), N x height x width x channels, or N x values in
    /// that order.
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Where the result is written: int32, N x scores, or N classes with --arg-max.
    #[arg(short, long, value_name = "Y.npy")]
    output: PathBuf,
    /// Which engine computes (see `bitfab verify --help`).
    #[arg(long, value_name = "ENGINE", default_value = "runtime")]
    engine: Name,
    #[command(flatten)]
    accelerator: Accelerator,
    /// Write the class with the largest score (the lowest of equals) instead of the scores.
    #[arg(long)]
    arg_max: bool,
}

fn help() -> String {
    format!("{EXAMPLES}\n\n{}", axes::RULE)
}

const EXAMPLES: &str = "Examples:
  bitfab run digits.bfab --input x.npy -o scores.npy
  bitfab run digits.bfab --input x.npy -o classes.npy --arg-max
  bitfab run digits.bfab --input x.npy -o scores.npy --engine qemu-m4

Make X.npy in Python: numpy.save('x.npy', images), an array of uint8, or of int8 where the model takes that.";

/// Runs `bitfab run`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    ensure!(!arguments.arg_max || model.output().kind != Kind::Sign, "the model has no scores: leave out --arg-max");
    let is_one = model.output().shape.volume() == 1;
    ensure!(!arguments.arg_max || !is_one, "the model has one score, whose largest is no class: leave out --arg-max");
    let path = &arguments.input;
    let input = files::read(path).context("--input")?;
    let rows = npy::rows(&input, &model.input().into()).with_context(|| path.display().to_string())?;
    outputs::check(&arguments.output, Product::Npy)?;
    outputs::distinct(&[("--input", path), ("-o", &arguments.output)])?;
    let rows = rows.slices();
    let mut engine = arguments.engine.create(arguments.accelerator)?;
    let bar = bars::rows(&engine.name(), rows.len());
    let runs = engine.run(&model, &rows, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    let (shape, values) = if arguments.arg_max { classes(&model, &runs)? } else { scores(&model, &runs)? };
    outputs::write(&arguments.output, Product::Npy, &npy::file(&shape, &values)?)?;
    let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
    say!("{}: {} of int32, by {}", arguments.output.display(), shape.join(" x "), engine.name())?;
    if let Some(Worth { unit, constant }) = Worth::of(&model).filter(|_| !arguments.arg_max) {
        say!("each stands for {}", table::worth(unit, constant))?;
    }
    Ok(())
}

/// N classes.
fn classes(model: &Model<'_>, runs: &[Run]) -> Result<(Vec<u64>, Vec<i32>)> {
    let classes = models::classes(model, runs)?.into_iter().map(|class| class as i32).collect();
    Ok((vec![runs.len() as u64], classes))
}

/// The values of the last layer: N x scores for a vector, N x height x width x channels otherwise.
fn scores(model: &Model<'_>, runs: &[Run]) -> Result<(Vec<u64>, Vec<i32>)> {
    let last = model.layers().last().context("the model has no layers")?;
    let shape = last.output.shape;
    let sizes = [shape.height, shape.width, shape.channels].map(u64::from);
    let rows = runs.len() as u64;
    let shape = if sizes[..2] == [1, 1] { vec![rows, sizes[2]] } else { [&[rows], &sizes[..]].concat() };
    Ok((shape, runs.iter().flat_map(|run| output_values(&last, &run.output)).collect()))
}
