//! How a run judges its network, at every precision that it has.

use crate::evaluation::{Evaluation, Validated};
use crate::feed;
use crate::layers::{arg_max, weighted_cross_entropy};
use crate::tape::Net;
use crate::trainer::Trainer;
use bitfab_data::Split;

/// Rows evaluated at once.
const EVALUATED: usize = 500;

impl Trainer<'_> {
    /// The planes of every precision that learns, rising; empty if there is only one.
    pub fn precisions(&self) -> Vec<u32> {
        self.net.variants.iter().map(|variant| variant.planes).collect()
    }

    /// As [`evaluate`](Self::evaluate), at one of the [`precisions`](Self::precisions).
    pub fn evaluate_at(&self, planes: u32, split: &Split) -> Option<Evaluation> {
        let variant = self.net.variants.iter().position(|variant| variant.planes == planes)?;
        let mut other = self.net.clone();
        other.select(variant);
        Some(self.evaluate_net(&other, split))
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
            let (input, _) = feed::batch(&other.net, self.learning(), &rows, None);
            other.net.forward(input);
        }
        other
    }

    /// How the network does on the validation part; the mean over all precisions where it has several.
    pub(crate) fn validate(&self) -> Option<Validated> {
        let part = self.validation();
        if part.is_empty() {
            return None;
        }
        let several = self.precisions().into_iter().filter_map(|planes| self.evaluate_at(planes, part));
        let mut all: Vec<Evaluation> = several.collect();
        if all.is_empty() {
            all.push(self.evaluate(part));
        }
        let mean = |of: &dyn Fn(&Evaluation) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        Some(Validated {
            loss: mean(&|one| one.loss / f64::from(one.total)),
            accuracy: mean(&Evaluation::accuracy),
            balanced_accuracy: mean(&Evaluation::balanced_accuracy),
            score: mean(&|one| one.score(self.factors.as_deref())),
        })
    }

    /// Predictions by the running statistics: the class with the largest raw score, the lowest on ties.
    pub fn evaluate(&self, split: &Split) -> Evaluation {
        self.evaluate_net(&self.net, split)
    }

    fn evaluate_net(&self, net: &Net, split: &Split) -> Evaluation {
        let rows: Vec<u32> = (0..split.len() as u32).collect();
        let (mut predictions, mut loss) = (Vec::with_capacity(rows.len()), 0.0);
        let (scale, smoothing) = (net.logit_scale, self.config.smoothing);
        for rows in rows.chunks(EVALUATED) {
            let (input, labels) = feed::batch(net, split, rows, None);
            let scores = net.infer(input);
            let width = scores.width();
            predictions.extend(scores.values.chunks_exact(width).map(|row| arg_max(row) as u8));
            loss += weighted_cross_entropy(&scores, &labels, scale, smoothing, self.factors.as_deref()).sum;
        }
        let mut classes = vec![[0; 2]; self.data.classes as usize];
        for (predicted, &label) in predictions.iter().zip(&split.labels) {
            let [correct, total] = &mut classes[usize::from(label)];
            *correct += u32::from(*predicted == label);
            *total += 1;
        }
        let correct = classes.iter().map(|[correct, _]| correct).sum();
        Evaluation { correct, total: split.len() as u32, loss, classes, predictions }
    }
}
