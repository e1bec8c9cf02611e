//! Batch normalisation per channel (Ioffe and Szegedy 2015).

use super::{Batch, Form};
use crate::math::{channel_sums, map};
use crate::saved::Saved;
use serde::{Deserialize, Serialize};

/// Running statistics follow each batch by this share.
const MOMENTUM: f32 = 0.1;

/// Scale, shift and statistics of one batch norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Norm {
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance (biased, as used in the forward pass).
    pub variance: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

/// Gradients of one batch norm.
#[derive(Clone, Debug, PartialEq)]
pub struct NormGradient {
    /// Of the scale.
    pub gamma: Vec<f32>,
    /// Of the shift.
    pub beta: Vec<f32>,
    /// Of the input.
    pub input: Vec<f32>,
}

/// Mean and inverse standard deviation of the batch, kept beside the saved input.
pub type BatchStatistics = Vec<[f32; 2]>;

impl Norm {
    /// Statistics that normalise nothing yet.
    ///
    /// `epsilon` should suit the scale of the input: 1e-5 times its expected variance.
    pub fn new(channels: usize, epsilon: f32) -> Self {
        Self { mean: vec![0.0; channels], variance: vec![1.0; channels], epsilon }
    }

    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with the batch's own statistics, which are also folded
    /// into the running ones.
    pub fn forward(&mut self, x: &Batch, gamma: &[f32], beta: &[f32]) -> (Batch, BatchStatistics) {
        let (rows, channels) = (x.rows(), gamma.len());
        let sums = channel_sums(rows, channels, |row, channel| {
            let value = f64::from(x.values[row * channels + channel]);
            [value, value * value]
        });
        let mut statistics = Vec::with_capacity(channels);
        for (channel, [sum, squares]) in sums.into_iter().enumerate() {
            let mean = sum / rows as f64;
            let variance = (squares / rows as f64 - mean * mean).max(0.0);
            let follow = |old: f32, new: f64| old + MOMENTUM * (new as f32 - old);
            self.mean[channel] = follow(self.mean[channel], mean);
            self.variance[channel] = follow(self.variance[channel], variance);
            let inverse = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
            statistics.push([mean as f32, inverse as f32]);
        }
        let y = map(x.values.len(), |at| {
            let channel = at % channels;
            let [mean, inverse] = statistics[channel];
            (x.values[at] - mean) * inverse * gamma[channel] + beta[channel]
        });
        (x.with(y, Form::Reals), statistics)
    }

    /// The same with the running statistics, in `f64` so that rounding hardly ever decides a sign.
    pub fn apply(&self, x: &Batch, gamma: &[f32], beta: &[f32]) -> Batch {
        let channels = gamma.len();
        let inverse: Vec<f64> = self
            .variance
            .iter()
            .map(|&variance| 1.0 / (f64::from(variance) + f64::from(self.epsilon)).sqrt())
            .collect();
        let y = map(x.values.len(), |at| {
            let channel = at % channels;
            let centred = f64::from(x.values[at]) - f64::from(self.mean[channel]);
            let scaled = centred * inverse[channel] * f64::from(gamma[channel]);
            (scaled + f64::from(beta[channel])) as f32
        });
        x.with(y, Form::Reals)
    }

    /// Gradients from the saved input and the batch's statistics.
    pub fn backward(dy: &Batch, saved: &Saved, statistics: &[[f32; 2]], gamma: &[f32]) -> NormGradient {
        let (rows, channels) = (dy.rows(), gamma.len());
        let mut normal = vec![0.0; dy.values.len()];
        saved.unpack(0, &mut normal);
        let normal = map(normal.len(), |at| {
            let [mean, inverse] = statistics[at % channels];
            (normal[at] - mean) * inverse
        });
        let sums = channel_sums(rows, channels, |row, channel| {
            let at = row * channels + channel;
            let dy = f64::from(dy.values[at]);
            [dy, dy * f64::from(normal[at])]
        });
        let means: Vec<[f32; 2]> =
            sums.iter().map(|[dy, scaled]| [(dy / rows as f64) as f32, (scaled / rows as f64) as f32]).collect();
        let input = map(normal.len(), |at| {
            let channel = at % channels;
            let [mean_dy, mean_scaled] = means[channel];
            let centred = dy.values[at] - mean_dy - normal[at] * mean_scaled;
            centred * gamma[channel] * statistics[channel][1]
        });
        NormGradient {
            gamma: sums.iter().map(|sum| sum[1] as f32).collect(),
            beta: sums.iter().map(|sum| sum[0] as f32).collect(),
            input,
        }
    }
}
