//! The learning loop: resumable at every batch, the same bits on any number of threads.

use crate::config::{Keep, TrainConfig};
use crate::error::{TrainError, config_error};
use crate::evaluation::{Evaluation, Validated};
use crate::feed::{self, Changes};
use crate::gradients::Noise;
use crate::groups::Groups;
use crate::layers::weighted_cross_entropy;
use crate::optimizer::{Optimizer, scheduled_rate};
use crate::random::{Purpose, permutation, stream};
use crate::snapshot::Snapshot;
use crate::tape::Net;
use crate::validation;
use crate::watch::{EpochReport, Progress, Watch};
use crate::weights::Moment;
use bitfab_data::{Dataset, Split};
use bitfab_graph::{Graph, Interface};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The part of a run that changes.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Finished epochs.
    pub(crate) epoch: u32,
    /// Finished batches of the epoch under way.
    pub(crate) batch: u32,
    /// Their losses.
    pub(crate) loss: f64,
    /// Their right answers.
    pub(crate) correct: u64,
    /// Bytes saved for the newest backward pass.
    pub(crate) saved_bytes: u64,
    /// Reports of finished epochs.
    pub(crate) reports: Vec<EpochReport>,
    /// The best of them.
    pub(crate) best: Option<Best>,
}

/// The epoch that was best on the validation part.
///
/// Better is a larger score, then a smaller loss, then an earlier epoch.
/// Epochs in which a layer is not yet in the form that it is to end in (too many ones, real weights) are not judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch from 1.
    pub epoch: u32,
    /// Share of right validation samples, each counted by the weight of its class.
    pub score: f64,
    /// Mean loss on the validation part, in nats.
    pub loss: f64,
}

/// A run: configuration, data, network and where it is.
#[derive(Clone, Debug)]
pub struct Trainer<'a> {
    pub(crate) config: TrainConfig,
    /// With a validation part, unless there is to be none.
    pub(crate) data: Cow<'a, Dataset>,
    /// Tells all parts of the data apart from others.
    pub(crate) fingerprint: u32,
    /// Factors of the classes in the loss, where they differ.
    pub(crate) factors: Option<Vec<f32>>,
    pub(crate) net: Net,
    groups: Groups,
    pub(crate) optimizer: Optimizer,
    pub(crate) position: Position,
    /// The network of the best epoch, where it is the one to keep.
    pub(crate) best: Option<Snapshot>,
}

impl<'a> Trainer<'a> {
    /// A run at its beginning.
    ///
    /// Where the data has no validation part, one is cut from its training part (`validation` of the configuration).
    ///
    /// # Errors
    /// [`TrainError::Config`] if the configuration is wrong or does not fit the data.
    pub fn new(config: &TrainConfig, data: &'a Dataset) -> Result<Self, TrainError> {
        let fingerprint = data.fingerprint();
        let data = validation::prepare(data, config.validation)?;
        let net = Net::new(config, &data)?;
        Changes::new(config, &data, 0)?;
        if !config.method.method().about().is_real {
            net.to_graph()?;
        }
        if config.patience > 0 && data.validation.is_empty() {
            return Err(config_error(
                "patience",
                "there is no validation part to judge epochs by; let it be cut or give one",
            ));
        }
        Ok(Self {
            config: config.clone(),
            fingerprint,
            factors: config.class_weights.factors(&data.train.labels, data.classes)?,
            data,
            optimizer: Optimizer::new(config.optimizer, &net.parameters),
            groups: Groups::new(&net, config),
            net,
            position: Position::default(),
            best: None,
        })
    }

    /// Whether all epochs are done, or the patience is at its end.
    pub fn is_done(&self) -> bool {
        let Position { epoch, best, .. } = &self.position;
        let since = best.map_or(0, |best| epoch.saturating_sub(best.epoch));
        *epoch >= self.config.epochs || (self.config.patience > 0 && since >= self.config.patience)
    }

    /// The best epoch so far; none without a validation part.
    pub fn best(&self) -> Option<Best> {
        self.position.best
    }

    /// The epoch whose network this is, from 1; 0 before the first is over.
    pub fn kept_epoch(&self) -> u32 {
        let is_best = self.is_done() && self.best.is_some();
        self.position.best.filter(|_| is_best).map_or(self.position.epoch, |best| best.epoch)
    }

    /// The rows that are learned from.
    pub fn learning(&self) -> &Split {
        &self.data.train
    }

    /// The rows that epochs are judged by; empty where there are none.
    pub fn validation(&self) -> &Split {
        &self.data.validation
    }

    /// Reports of the finished epochs, of earlier sessions too.
    pub fn reports(&self) -> &[EpochReport] {
        &self.position.reports
    }

    /// The network as it is now.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The network as a graph with exact integers behind every weighted layer.
    ///
    /// It carries the fingerprints of all rows that it was learned from or chosen by.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if a learned number is not finite.
    pub fn graph(&self) -> Result<Graph, TrainError> {
        let width = self.data.shape.elements() as usize;
        let mut learned = self.data.learned();
        learned.extend(self.data.validation.inputs.chunks_exact(width).map(crc32fast::hash));
        learned.sort_unstable();
        learned.dedup();
        let interface = Interface { learned, ..self.data.interface.clone() };
        Ok(Graph { interface, ..self.net.to_graph()? })
    }

    /// Batches of one epoch; a remainder smaller than a batch waits for another epoch's order.
    pub fn batches(&self) -> u32 {
        (self.data.train.len() / self.batch_size()) as u32
    }

    pub(crate) fn batch_size(&self) -> usize {
        (self.config.batch as usize).min(self.data.train.len())
    }

    /// Learns to the end of the epoch; `None` if the watcher stopped it before.
    ///
    /// At the end of the last epoch the network becomes that of the best one, unless the last is to be kept.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss is not finite.
    pub fn run_epoch(&mut self, watch: &mut dyn Watch) -> Result<Option<EpochReport>, TrainError> {
        let (batches, size) = (self.batches(), self.batch_size());
        let epoch = self.position.epoch;
        let mut rng = stream(self.config.seed, Purpose::Order, u64::from(epoch), 0);
        let order = permutation(&mut rng, self.data.train.len());
        while self.position.batch < batches {
            let start = self.position.batch as usize * size;
            self.learn(&order[start..start + size])?;
            if watch.batch(&self.progress()).is_break() {
                return Ok(None);
            }
        }
        let report = self.end_epoch();
        watch.epoch(&report);
        Ok(Some(report))
    }

    /// Judges the epoch and goes on to the next.
    fn end_epoch(&mut self) -> EpochReport {
        let (progress, validated) = (self.progress(), self.validate());
        let report = EpochReport {
            epoch: progress.epoch,
            epochs: progress.epochs,
            train_loss: progress.loss,
            train_accuracy: progress.accuracy,
            validation_loss: validated.map(|part| part.loss),
            validation_accuracy: validated.map(|part| part.accuracy),
            validation_balanced_accuracy: validated.map(|part| part.balanced_accuracy),
            rate: progress.rate,
            saved_bytes: self.position.saved_bytes,
        };
        let Position { mut reports, best, .. } = std::mem::take(&mut self.position);
        reports.push(report);
        self.position = Position { epoch: report.epoch, reports, best, ..Position::default() };
        self.remember(report.epoch, validated);
        if let Some(best) = self.best.clone().filter(|_| self.is_done()) {
            let is_own = best.put(&mut self.net);
            debug_assert!(is_own, "it was taken from this network");
        }
        report
    }

    /// Takes the epoch for the best one if it is.
    fn remember(&mut self, epoch: u32, validated: Option<Validated>) {
        let Some(Validated { score, loss, .. }) = validated.filter(|_| self.groups.is_settled(&self.net, &self.config))
        else {
            return;
        };
        if self.position.best.is_none_or(|best| score > best.score || (score == best.score && loss < best.loss)) {
            self.position.best = Some(Best { epoch, score, loss });
            self.best = (self.config.keep == Keep::Best).then(|| Snapshot::of(&self.net));
        }
    }

    /// One step on the given rows.
    fn learn(&mut self, rows: &[u32]) -> Result<(), TrainError> {
        let Position { epoch, batch, .. } = self.position;
        let changes = Changes::new(&self.config, &self.data, epoch)?;
        let (input, labels) = feed::batch(&self.net, &self.data.train, rows, Some(&changes));
        let (mut gradients, mut mean_loss) = (Vec::new(), 0.0);
        let variants = self.net.variants.len().max(1);
        for variant in 0..variants {
            self.net.select(variant);
            let (scores, tape) = self.net.forward(input.clone());
            let (scale, smoothing) = (self.net.logit_scale, self.config.smoothing);
            let loss = weighted_cross_entropy(&scores, &labels, scale, smoothing, self.factors.as_deref());
            if !loss.sum.is_finite() {
                return Err(TrainError::Diverged { epoch: epoch + 1, batch: batch + 1 });
            }
            self.position.saved_bytes = tape.bytes() as u64;
            add_gradients(&mut gradients, self.net.backward_with(tape, loss.gradient, self.noise()), variants);
            mean_loss += loss.sum / variants as f64;
            self.position.correct += if variant == 0 { u64::from(loss.correct) } else { 0 };
        }
        self.net.select(0);
        self.groups.before_step(&self.net, &self.config, mean_loss / labels.len() as f64, &mut gradients);
        self.step(&mut gradients);
        self.position.loss += mean_loss;
        self.position.batch += 1;
        Ok(())
    }

    /// The step rule, and what the weights' own rules do before and after it.
    fn step(&mut self, gradients: &mut [Vec<f32>]) {
        let rate = self.rate(self.position.batch);
        self.net.observe(gradients, rate / self.config.rate);
        self.optimizer.step(&mut self.net.parameters, gradients, rate);
        let epoch = u64::from(self.batches());
        let moment = Moment { step: self.steps() + 1, steps: u64::from(self.config.epochs) * epoch, epoch };
        self.groups.after_step(&mut self.net, &self.config, moment);
        for parameter in self.net.follow(moment) {
            self.optimizer.restart(parameter);
        }
    }

    /// Finished steps.
    fn steps(&self) -> u64 {
        u64::from(self.position.epoch) * u64::from(self.batches()) + u64::from(self.position.batch)
    }

    fn noise(&self) -> Option<Noise> {
        let bits = self.config.gradient_bits;
        (bits > 0).then(|| Noise { bits, seed: self.config.seed, step: self.steps() })
    }

    /// The rate of a batch (from 0) of the epoch under way.
    fn rate(&self, batch: u32) -> f32 {
        let batches = u64::from(self.batches());
        let step = u64::from(self.position.epoch) * batches + u64::from(batch);
        let steps = u64::from(self.config.epochs) * batches;
        scheduled_rate(&self.config, step, steps, batches)
    }

    fn progress(&self) -> Progress {
        let seen = (self.position.batch as usize * self.batch_size()).max(1) as f64;
        Progress {
            epoch: self.position.epoch + 1,
            epochs: self.config.epochs,
            batch: self.position.batch,
            batches: self.batches(),
            loss: self.position.loss / seen,
            accuracy: self.position.correct as f64 / seen,
            rate: self.rate(self.position.batch.saturating_sub(1)),
        }
    }
}

/// Adds a share of the gradients of one variant; a variant has none for the norms of others.
fn add_gradients(sums: &mut Vec<Vec<f32>>, gradients: Vec<Vec<f32>>, variants: usize) {
    if variants == 1 {
        *sums = gradients;
        return;
    }
    sums.resize(gradients.len(), Vec::new());
    for (sum, gradient) in sums.iter_mut().zip(gradients).filter(|(_, gradient)| !gradient.is_empty()) {
        sum.resize(gradient.len(), 0.0);
        sum.iter_mut().zip(gradient).for_each(|(sum, term)| *sum += term / variants as f32);
    }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The learned network.
    pub graph: Graph,
    /// One report an epoch.
    pub reports: Vec<EpochReport>,
    /// Answers on the test part.
    pub test: Evaluation,
}

/// Learns from start to end in memory; `None` if the watcher stopped the run.
///
/// # Errors
/// Any [`TrainError`] of the configuration or the run.
pub fn train(config: &TrainConfig, data: &Dataset, watch: &mut dyn Watch) -> Result<Option<Outcome>, TrainError> {
    let mut trainer = Trainer::new(config, data)?;
    while !trainer.is_done() {
        if trainer.run_epoch(watch)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(Outcome { graph: trainer.graph()?, test: trainer.evaluate(&data.test), reports: trainer.position.reports }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_is_more_right_then_less_loss_then_earlier() {
        let data = bitfab_data::digits(0).unwrap();
        let config = TrainConfig { arch: "mlp:4".parse().unwrap(), ..TrainConfig::default() };
        let mut trainer = Trainer::new(&config, &data).unwrap();
        let mut best_after = |epoch, score, loss| {
            trainer.remember(epoch, Some(Validated { loss, accuracy: 0.0, balanced_accuracy: 0.0, score }));
            trainer.position.best.unwrap().epoch
        };
        assert_eq!(best_after(1, 0.5, 1.0), 1);
        assert_eq!(best_after(2, 0.5, 1.0), 1);
        assert_eq!(best_after(3, 0.5, 0.9), 3);
        assert_eq!(best_after(4, 0.5, 0.95), 3);
        assert_eq!(best_after(5, 0.6, 2.0), 5);
        assert_eq!(best_after(6, 0.6, f64::NAN), 5);
        assert_eq!(best_after(7, 0.4, 0.1), 5);
    }

    #[test]
    fn variants_share_their_mean_gradient_and_keep_their_own() {
        let mut sums = Vec::new();
        add_gradients(&mut sums, vec![vec![2.0, 4.0], vec![6.0], vec![]], 2);
        add_gradients(&mut sums, vec![vec![1.0, -4.0], vec![], vec![8.0]], 2);
        assert_eq!(sums, [vec![1.5, 0.0], vec![3.0], vec![4.0]]);
        add_gradients(&mut sums, vec![vec![7.0], vec![]], 1);
        assert_eq!(sums, [vec![7.0], vec![]]);
    }
}
