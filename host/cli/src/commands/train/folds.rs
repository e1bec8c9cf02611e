//! `bitfab train --folds`: learning several times, each time judged by another part of the rows.

use anyhow::{Context, Result};
use bitfab::ModelFile;
use bitfab::train::{Dataset, TrainConfig, Trainer};
use serde::Serialize;

use super::{Arguments, Bar};
use crate::io::data;
use crate::show::{bars, out};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Folds {
    data: String,
    /// Accuracy of the integer model on each test part.
    accuracies: Vec<f64>,
    /// Rows of each test part.
    rows: Vec<u32>,
    mean: f64,
    /// Standard deviation over the folds, of a sample.
    deviation: f64,
}

/// Learns `count` times.
pub fn run(arguments: &Arguments, config: &TrainConfig, count: u32) -> Result<()> {
    let mut folds =
        Folds { data: arguments.data.clone(), accuracies: Vec::new(), rows: Vec::new(), mean: 0.0, deviation: 0.0 };
    for index in 0..count {
        let mut learning = arguments.learning.clone();
        learning.fold = Some((index, count));
        let data = data::dataset(&arguments.data, &learning, f64::from(config.validation))?;
        if index == 0 {
            data.notes.iter().for_each(|one| note!("note: {one}"));
        }
        let matrix = fold(&data, config).with_context(|| format!("fold {} of {count}", index + 1))?;
        note!(
            "fold {} of {count}: {:.2} % of {} rows ({})",
            index + 1,
            100.0 * matrix.accuracy(),
            matrix.total(),
            data.how
        );
        folds.accuracies.push(matrix.accuracy());
        folds.rows.push(matrix.total());
    }
    (folds.mean, folds.deviation) = spread(&folds.accuracies);
    if arguments.json {
        return out::json_line(&folds);
    }
    say!(
        "{}: {:.2} % right in the mean of {count} folds, standard deviation {:.2} points",
        folds.data,
        100.0 * folds.mean,
        100.0 * folds.deviation
    )
}

/// Learns once; the answers of the integer model on the test part.
fn fold(data: &Dataset, config: &TrainConfig) -> Result<bitfab::report::Confusion> {
    let mut trainer = Trainer::new(config, data)?;
    let mut bar = Bar::new(trainer.batches(), 0, None);
    while !trainer.is_done() {
        trainer.run_epoch(&mut bar)?;
    }
    bar.finish();
    let file = ModelFile::from_words(bitfab::compile::compile(&trainer.graph()?)?)?;
    Ok(bitfab::judge_test(&file.model()?, data, &bars::follow())?)
}

/// Mean and standard deviation of a sample.
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[1.0, 3.0]), (2.0, 2f64.sqrt()));
    }
}
