//! Learning to the end, once or once a fold, and what a person should know of the classes.

use bitfab_graph::Graph;
use bitfab_report::table;
use bitfab_train::{ClassWeights, Dataset, EpochReport, Outcome, TrainConfig, Trainer, Watch as WatchRun};

use crate::model::arg_max;
use crate::{Error, ModelFile, Result};

/// Rows of the commonest class for one of the rarest from which on classes are called unbalanced.
const UNBALANCED: u32 = 3;

/// Follows a run and keeps its state, so that it can go on where it was stopped.
pub trait Keep: WatchRun {
    /// What keeping may fail with.
    type Error: From<Error>;

    /// After each epoch, which `report` then tells, and wherever [`Watch::batch`](WatchRun::batch) broke off:
    /// [`Trainer::checkpoint`] is what can be kept. The run goes on after it.
    ///
    /// # Errors
    /// What ends the run.
    fn keep(&mut self, trainer: &Trainer<'_>, report: Option<&EpochReport>) -> Result<(), Self::Error>;
}

/// Learns to the end.
///
/// # Errors
/// [`Error::Train`] for wrong settings or a run that diverges; [`Error::Stopped`] where `watch` stopped it.
pub fn train(config: &TrainConfig, data: &Dataset, watch: &mut dyn WatchRun) -> Result<Outcome> {
    bitfab_train::train(config, data, watch)?.ok_or(Error::Stopped)
}

/// Goes on with a run to its end and keeps its state meanwhile.
///
/// # Errors
/// [`Error::Train`] for a run that diverges, and what keeping fails with.
pub fn learn<K: Keep>(trainer: &mut Trainer<'_>, keep: &mut K) -> Result<(), K::Error> {
    while !trainer.is_done() {
        let report = trainer.run_epoch(keep).map_err(Error::from)?;
        keep.keep(trainer, report.as_ref())?;
    }
    Ok(())
}

/// Learns and compiles a model that must be exact, as for each of several folds of the rows.
///
/// # Errors
/// As [`train`], and [`Error::Compile`] where the model is not exact.
pub fn train_exact(config: &TrainConfig, data: &Dataset, watch: &mut dyn WatchRun) -> Result<ModelFile> {
    let mut trainer = Trainer::new(config, data)?;
    while !trainer.is_done() {
        trainer.run_epoch(watch)?.ok_or(Error::Stopped)?;
    }
    ModelFile::from_words(bitfab_compile::compile(&trainer.graph()?)?)
}

/// Mean and standard deviation of a sample, the latter of at least two values.
pub fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

/// How many weights a network has.
pub fn weight_count(graph: &Graph) -> usize {
    let weights = graph.nodes.iter().filter_map(|node| node.op.weights());
    weights.map(|weights| weights.fan_in() * weights.shape[0] as usize).sum()
}

/// What to think of where one class has many more rows than another, and nothing was asked about it.
pub fn imbalance(trainer: &Trainer<'_>, data: &Dataset, config: &TrainConfig) -> Option<String> {
    let mut counts = vec![0u32; data.classes as usize];
    trainer.learning().labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    let name = |class: usize| data.interface.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    let most = arg_max(&counts, Ord::cmp);
    let least = (0..counts.len()).min_by_key(|&class| counts[class])?;
    let is_unbalanced = counts[most] >= UNBALANCED.saturating_mul(counts[least].max(1));
    (is_unbalanced && config.class_weights == ClassWeights::None).then(|| {
        format!(
            "the classes are unbalanced: {} training rows of {}, {} of {}; --class-weights balanced counts them alike",
            table::thousands(counts[most].into()),
            name(most),
            table::thousands(counts[least].into()),
            name(least)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[1.0, 3.0]), (2.0, 2f64.sqrt()));
    }
}
