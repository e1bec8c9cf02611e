//! The learning loop: resumable at every batch, the same bits on any number of threads.

use crate::config::TrainConfig;
use crate::data::{Dataset, Split};
use crate::error::TrainError;
use crate::feed::{self, Changes};
use crate::layers::{arg_max, cross_entropy};
use crate::method::Method;
use crate::net::Net;
use crate::noise::Noise;
use crate::optimizer::{Optimizer, scheduled_rate};
use crate::random::{Purpose, permutation, stream};
use crate::rules::Moment;
use crate::sparsity;
use bitfab_graph::{Graph, Interface};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Rows evaluated at once.
const EVALUATED: usize = 500;

/// Where a run is, after each batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Epoch from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Batch of this epoch from 1.
    pub batch: u32,
    /// Batches of an epoch.
    pub batches: u32,
    /// Mean loss of this epoch so far, in nats.
    pub loss: f64,
    /// Share of training samples that were right in this epoch so far.
    pub accuracy: f64,
    /// Learning rate of this batch.
    pub rate: f32,
}

/// What one epoch brought; one line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Epoch from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean training loss in nats.
    pub train_loss: f64,
    /// Share of right training samples, seen while learning.
    pub train_accuracy: f64,
    /// Share of right test samples by the running statistics and raw scores.
    pub test_accuracy: f64,
    /// Learning rate of the last batch.
    pub rate: f32,
    /// Bytes of activations saved for one backward pass.
    pub saved_bytes: u64,
}

/// Follows a run and may stop it; a stopped run can be resumed from its checkpoint.
pub trait Watch {
    /// After each batch; `Break` stops the run there.
    fn batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After each epoch.
    fn epoch(&mut self, _report: &EpochReport) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {}

/// Right and wrong answers on one part of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// Right answers.
    pub correct: u32,
    /// All answers.
    pub total: u32,
    /// Predicted class of each row.
    pub predictions: Vec<u8>,
}

impl Evaluation {
    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct) / f64::from(self.total.max(1))
    }
}

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
}

/// A run: configuration, data, network and where it is.
#[derive(Clone, Debug)]
pub struct Trainer<'a> {
    pub(crate) config: TrainConfig,
    pub(crate) data: &'a Dataset,
    pub(crate) net: Net,
    pub(crate) optimizer: Optimizer,
    pub(crate) position: Position,
}

impl<'a> Trainer<'a> {
    /// A run at its beginning.
    ///
    /// # Errors
    /// [`TrainError::Config`] if the configuration is wrong or does not fit the data.
    pub fn new(config: &TrainConfig, data: &'a Dataset) -> Result<Self, TrainError> {
        let net = Net::new(config, data)?;
        Changes::new(config, data, 0)?;
        if config.method != Method::Float {
            net.to_graph()?;
        }
        Ok(Self {
            config: config.clone(),
            data,
            optimizer: Optimizer::new(config.optimizer, &net.parameters),
            net,
            position: Position::default(),
        })
    }

    /// Whether all epochs are done.
    pub fn is_done(&self) -> bool {
        self.position.epoch >= self.config.epochs
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
    /// # Errors
    /// [`TrainError::Graph`] if a learned number is not finite.
    pub fn graph(&self) -> Result<Graph, TrainError> {
        let interface = Interface { learned: self.data.learned(), ..self.data.interface.clone() };
        Ok(Graph { interface, ..self.net.to_graph()? })
    }

    /// Batches of one epoch; a remainder smaller than a batch waits for another epoch's order.
    pub fn batches(&self) -> u32 {
        (self.data.train.len() / self.batch_size()) as u32
    }

    fn batch_size(&self) -> usize {
        (self.config.batch as usize).min(self.data.train.len())
    }

    /// Learns to the end of the epoch; `None` if the watcher stopped it before.
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
        let progress = self.progress();
        let report = EpochReport {
            epoch: epoch + 1,
            epochs: self.config.epochs,
            train_loss: progress.loss,
            train_accuracy: progress.accuracy,
            test_accuracy: self.evaluate(&self.data.test).accuracy(),
            rate: progress.rate,
            saved_bytes: self.position.saved_bytes,
        };
        let mut reports = std::mem::take(&mut self.position.reports);
        reports.push(report);
        self.position = Position { epoch: epoch + 1, reports, ..Position::default() };
        watch.epoch(&report);
        Ok(Some(report))
    }

    /// One step on the given rows.
    fn learn(&mut self, rows: &[u32]) -> Result<(), TrainError> {
        let Position { epoch, batch, .. } = self.position;
        let changes = Changes::new(&self.config, self.data, epoch)?;
        let (input, labels) = feed::batch(&self.net, &self.data.train, rows, Some(&changes));
        let (mut gradients, mut mean_loss) = (Vec::new(), 0.0);
        let variants = self.net.variants.len().max(1);
        for variant in 0..variants {
            self.net.select(variant);
            let (scores, tape) = self.net.forward(input.clone());
            let loss = cross_entropy(&scores, &labels, self.net.logit_scale, self.config.smoothing);
            if !loss.sum.is_finite() {
                return Err(TrainError::Diverged { epoch: epoch + 1, batch: batch + 1 });
            }
            self.position.saved_bytes = tape.bytes() as u64;
            add_gradients(&mut gradients, self.net.backward_with(tape, loss.gradient, self.noise()), variants);
            mean_loss += loss.sum / variants as f64;
            self.position.correct += if variant == 0 { u64::from(loss.correct) } else { 0 };
        }
        self.net.select(0);
        sparsity::penalise(&self.net, &self.config, mean_loss / labels.len() as f64, &mut gradients);
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
        sparsity::cap(&mut self.net, &self.config, moment);
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

    /// The planes of every precision that learns, rising; empty if there is only one.
    pub fn precisions(&self) -> Vec<u32> {
        self.net.variants.iter().map(|variant| variant.planes).collect()
    }

    /// As [`evaluate`](Self::evaluate), at one of the [`precisions`](Self::precisions).
    pub fn evaluate_at(&self, planes: u32, split: &Split) -> Option<Evaluation> {
        let variant = self.net.variants.iter().position(|variant| variant.planes == planes)?;
        let mut other = self.clone();
        other.net.select(variant);
        Some(other.evaluate(split))
    }

    /// Drops planes without any learning, as a comparison for once-QAT: sets the number of planes and lets the batch
    /// norms see `batches` batches again.
    ///
    /// The trainer must not go on learning.
    pub fn truncated(&self, planes: u32, batches: u32) -> Self {
        let mut other = self.clone();
        other.net.set_planes(planes);
        other.net.norms().for_each(|norm| norm.batches = 0);
        let size = self.batch_size();
        for batch in 0..batches.min(self.batches()) {
            let rows: Vec<u32> = (batch * size as u32..(batch + 1) * size as u32).collect();
            let (input, _) = feed::batch(&other.net, &self.data.train, &rows, None);
            other.net.forward(input);
        }
        other
    }

    /// Predictions by the running statistics: the class with the largest raw score, the lowest on ties.
    pub fn evaluate(&self, split: &Split) -> Evaluation {
        let rows: Vec<u32> = (0..split.len() as u32).collect();
        let mut predictions = Vec::with_capacity(rows.len());
        for rows in rows.chunks(EVALUATED) {
            let (input, _) = feed::batch(&self.net, split, rows, None);
            let scores = self.net.infer(input);
            let width = scores.width();
            predictions.extend(scores.values.chunks_exact(width).map(|row| arg_max(row) as u8));
        }
        let pairs = predictions.iter().zip(&split.labels);
        Evaluation {
            correct: pairs.filter(|(predicted, label)| predicted == label).count() as u32,
            total: split.len() as u32,
            predictions,
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
    fn variants_share_their_mean_gradient_and_keep_their_own() {
        let mut sums = Vec::new();
        add_gradients(&mut sums, vec![vec![2.0, 4.0], vec![6.0], vec![]], 2);
        add_gradients(&mut sums, vec![vec![1.0, -4.0], vec![], vec![8.0]], 2);
        assert_eq!(sums, [vec![1.5, 0.0], vec![3.0], vec![4.0]]);
        add_gradients(&mut sums, vec![vec![7.0], vec![]], 1);
        assert_eq!(sums, [vec![7.0], vec![]]);
    }
}
