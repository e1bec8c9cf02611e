//! `bitfab train --folds`: learning several times, each time judged by another part of the rows.

use anyhow::{Context, Result};
use bitfab::report::Confusion;
use bitfab::train::{Dataset, TrainConfig};
use serde::Serialize;

use super::Arguments;
use crate::io::data;
use crate::show::learning::Bar;
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
        let (fold_of, validation) = (Some((index, count)), f64::from(config.validation));
        let data = data::dataset(&arguments.data, &arguments.learning, fold_of, validation)?;
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
    (folds.mean, folds.deviation) = bitfab::spread(&folds.accuracies);
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
fn fold(data: &Dataset, config: &TrainConfig) -> Result<Confusion> {
    let file = bitfab::train_exact(config, data, &mut Bar::plain(true))?;
    Ok(bitfab::judge_test(&file.model()?, data, &bars::follow())?)
}
