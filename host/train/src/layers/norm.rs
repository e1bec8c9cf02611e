//! Batch normalisation per channel (Ioffe and Szegedy 2015).

use super::{Batch, Form};
use crate::math::{channel_sums, map_channels};
use rayon::prelude::*;
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

/// Mean and inverse standard deviation of the batch per channel, kept beside the saved input.
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
        let sums = channel_sums(&x.values, &x.values, channels, |row, _, sums| {
            for (sum, &x) in sums.iter_mut().zip(row) {
                let x = f64::from(x);
                sum[0] += x;
                sum[1] += x * x;
            }
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
        let constants: Vec<[f32; 3]> = (statistics.iter().zip(gamma).zip(beta))
            .map(|((&[mean, inverse], &gamma), &beta)| [mean, inverse * gamma, beta])
            .collect();
        let y = map_channels(&x.values, &constants, |x, [mean, scale, shift]| (x - mean) * scale + shift);
        (x.with(y, Form::Reals), statistics)
    }

    /// The same with the running statistics, in `f64` so that rounding hardly ever decides a sign.
    pub fn apply(&self, x: &Batch, gamma: &[f32], beta: &[f32]) -> Batch {
        let constants: Vec<[f64; 3]> = (self.mean.iter().zip(&self.variance))
            .zip(gamma.iter().zip(beta))
            .map(|((&mean, &variance), (&gamma, &beta))| {
                let deviation = (f64::from(variance) + f64::from(self.epsilon)).sqrt();
                [mean.into(), f64::from(gamma) / deviation, beta.into()]
            })
            .collect();
        let y = map_channels(&x.values, &constants, |x, [mean, scale, shift]| {
            ((f64::from(x) - mean) * scale + shift) as f32
        });
        x.with(y, Form::Reals)
    }

    /// Gradients from the input and the batch's statistics.
    pub fn backward(dy: &Batch, x: &[f32], statistics: &[[f32; 2]], gamma: &[f32]) -> NormGradient {
        let rows = dy.rows() as f64;
        let channels = gamma.len();
        let mut sums = channel_sums(&dy.values, x, channels, |dy, x, sums| {
            for ((sum, [mean, _]), (&dy, &x)) in sums.iter_mut().zip(statistics).zip(dy.iter().zip(x)) {
                sum[0] += f64::from(dy);
                sum[1] += f64::from(dy) * f64::from(x - mean);
            }
        });
        for (sum, [_, inverse]) in sums.iter_mut().zip(statistics) {
            sum[1] *= f64::from(*inverse);
        }
        // dx = gamma * inverse * (dy - mean(dy) - normal * mean(dy * normal)), normal = (x - mean) * inverse
        let constants: Vec<[f32; 4]> = (sums.iter().zip(statistics).zip(gamma))
            .map(|((sum, &[mean, inverse]), &gamma)| {
                let [dy, slope] = sum.map(|sum| (sum / rows) as f32);
                [mean, gamma * inverse, dy, slope * inverse]
            })
            .collect();
        NormGradient {
            gamma: sums.iter().map(|sum| sum[1] as f32).collect(),
            beta: sums.iter().map(|sum| sum[0] as f32).collect(),
            input: combine(&dy.values, x, &constants),
        }
    }
}

/// `scale * (dy - mean_dy - slope * (x - mean))` with the constants of each channel.
fn combine(dy: &[f32], x: &[f32], constants: &[[f32; 4]]) -> Vec<f32> {
    let channels = constants.len();
    let mut result = vec![0.0; dy.len()];
    result.par_chunks_mut(64 * channels).zip(dy.par_chunks(64 * channels).zip(x.par_chunks(64 * channels))).for_each(
        |(out, (dy, x))| {
            let rows = dy.chunks_exact(channels).zip(x.chunks_exact(channels));
            for (out, (dy, x)) in out.chunks_exact_mut(channels).zip(rows) {
                for ((out, [mean, scale, mean_dy, slope]), (dy, x)) in
                    out.iter_mut().zip(constants).zip(dy.iter().zip(x))
                {
                    *out = scale * (dy - mean_dy - slope * (x - mean));
                }
            }
        },
    );
    result
}
