//! `bitfab run`: a model on the user's own rows.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use bitfab::compile::Worth;
use bitfab::data::AXES_RULE;
use bitfab::format::{Kind, Model};
use bitfab::report::table;
use bitfab::sim::Run;
use bitfab::{EngineName, Inputs};

use super::accelerator::AcceleratorArguments;
use crate::io::inputs::{Choice, DataArgument};
use crate::io::models::ModelArgument;
use crate::io::npy;
use crate::io::outputs::{self, Product};
use crate::show::bars;

/// Arguments of `bitfab run`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    /// Real values in FILE.csv, .tsv, .txt, .dat, .npy or .npz, coded as the model says; or its bytes in FILE.npy: uint8 (or
    /// int8, as the model states), N x height x width x channels or N x values.
    #[arg(long, value_name = "X", alias = "input")]
    data: String,
    #[command(flatten)]
    choice: Choice,
    /// Where the result is written: Y.csv has row, class and scores; any other name is an array of int32, N x scores, or N
    /// classes with --arg-max.
    #[arg(short, long, value_name = "Y.csv|Y.npy")]
    output: PathBuf,
    /// Which engine computes (see `bitfab verify --help`).
    #[arg(long, value_name = "ENGINE", default_value = "runtime")]
    engine: EngineName,
    #[command(flatten)]
    accelerator: AcceleratorArguments,
    /// Write the class with the largest score (the lowest of equals) instead of the scores.
    #[arg(long)]
    arg_max: bool,
}

fn help() -> String {
    format!("{EXAMPLES}\n\n{}", AXES_RULE)
}

const EXAMPLES: &str = "Examples:
  bitfab run imu.bfab --data newday.csv -o answers.csv
  bitfab run digits.bfab --data x.npy -o scores.npy
  bitfab run digits.bfab --data x.npy -o classes.npy --arg-max
  bitfab run digits.bfab --data x.npy -o scores.npy --engine qemu-m4

Make X.npy in Python: numpy.save('x.npy', images), an array of uint8, or of int8 where the model takes that.";

/// Runs `bitfab run`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let model = file.model()?;
    ensure!(!arguments.arg_max || model.output().kind != Kind::Sign, "the model has no scores: leave out --arg-max");
    let is_table = arguments.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let product = if is_table { Product::Answers } else { Product::Npy };
    let path = Path::new(&arguments.data);
    outputs::distinct(&[("--data", path), ("-o", &arguments.output)])?;
    let mut from = DataArgument { data: arguments.data.clone(), choice: arguments.choice.clone() };
    from.choice.format.is_unlabelled = true;
    let inputs = from.load(&model, Some(&arguments.source.model), None)?;
    outputs::check(&arguments.output, product)?;
    let is_one = model.output().shape.volume() == 1;
    ensure!(!arguments.arg_max || !is_one, "the model has one score, whose largest is no class: leave out --arg-max");
    ensure!(
        !is_table || !(is_one || model.output().kind == Kind::Sign),
        "the model has no classes: let -o end in .npy"
    );
    let mut engine = arguments.engine.create(arguments.accelerator.into())?;
    let (runs, _) = bitfab::run(&model, &inputs, &mut *engine, &bars::follow())?;
    if is_table {
        outputs::write(&arguments.output, product, answers(&model, &inputs, &runs)?.as_bytes())?;
        return say!("{}: {} rows with their class, by {}", arguments.output.display(), runs.len(), engine.name());
    }
    let (shape, values) = if arguments.arg_max { classes(&model, &runs)? } else { bitfab::scores(&model, &runs)? };
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
    let classes = bitfab::classes(model, runs)?.into_iter().map(|class| class as i32).collect();
    Ok((vec![runs.len() as u64], classes))
}

/// Number of each row in its file, from 0 (of windows that of their first row), class and scores, as text in columns.
fn answers(model: &Model<'_>, inputs: &Inputs, runs: &[Run]) -> Result<String> {
    let classes = bitfab::classes(model, runs)?;
    let (_, scores) = bitfab::scores(model, runs)?;
    let width = scores.len() / runs.len().max(1);
    let name = |class: usize| inputs.class_names().get(class).cloned().unwrap_or_else(|| class.to_string());
    let mut text = outputs::ANSWERS.to_owned();
    (0..width).for_each(|class| text += &format!(",{}", field(&format!("score of {}", name(class)))));
    text.push('\n');
    for (row, (scores, &class)) in inputs.sources().iter().zip(scores.chunks(width.max(1)).zip(&classes)) {
        text += &format!("{row},{}", field(&name(class)));
        scores.iter().for_each(|score| text += &format!(",{score}"));
        text.push('\n');
    }
    Ok(text)
}

/// Text in a column, quoted where it has to be.
fn field(text: &str) -> String {
    let is_plain = !text.contains(['"', ',', '\n', '\r']);
    if is_plain { text.into() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        assert_eq!(field("sit"), "sit");
        assert_eq!(field("sit, \"low\""), "\"sit, \"\"low\"\"\"");
    }
}
