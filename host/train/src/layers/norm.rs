//! Batch normalisation per channel (Ioffe and Szegedy 2015), after a start with batch renormalisation (Ioffe 2017).
//!
//! Signs behind a batch norm make its statistics delicate: all background pixels of a picture have one value,
//! and if that lies near a threshold, a slight difference between a batch's mean and the running mean flips them all.
//! So after some batches the forward pass uses the running statistics, as inference will,
//! while the gradient still takes the batch's own statistics into account.

use super::{Batch, Entry, Form, Inputs, Layer, Parameter, Statistics};
use crate::codecs::{Codec, Saved};
use crate::math::{channel_sums, map_channels};
use crate::weights::grid::power_ap2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Running statistics follow each batch by this share.
const MOMENTUM: f32 = 0.1;
/// Batches that are normalised by their own statistics, until the running ones have settled.
const START: u32 = 50;

/// Scale, shift and statistics of one batch norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Norm {
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance (biased, as used in the forward pass).
    pub variance: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
    /// Batches seen so far.
    pub batches: u32,
    /// Whether it multiplies by powers of two only (shift-based batch norm, Hubara et al. 2018).
    pub is_shift: bool,
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

impl Norm {
    /// Statistics that normalise nothing yet.
    ///
    /// `epsilon` should suit the scale of the input: 1e-5 times its expected variance.
    pub fn new(channels: usize, epsilon: f32) -> Self {
        Self { mean: vec![0.0; channels], variance: vec![1.0; channels], epsilon, batches: 0, is_shift: false }
    }

    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
    ///
    /// The running statistics follow the batch's first; the first 50 batches use their own statistics, all later
    /// ones the running ones.
    pub fn forward(&mut self, x: &Batch, gamma: &[f32], beta: &[f32]) -> (Batch, Vec<Statistics>) {
        let statistics = self.follow(x, gamma.len());
        let constants: Vec<[f32; 3]> = (statistics.iter().zip(gamma).zip(beta))
            .map(|((one, &gamma), &beta)| [one.used_mean, one.used_inverse * self.rounded(gamma), beta])
            .collect();
        let y = map_channels(&x.values, &constants, |x, [mean, scale, shift]| (x - mean) * scale + shift);
        (x.with(y, Form::Reals), statistics)
    }

    /// The scale as it is used.
    fn rounded(&self, gamma: f32) -> f32 {
        power(self.is_shift, gamma)
    }

    /// Scale, variance and epsilon of the plain batch norm that does the same.
    pub fn plain(&self, gamma: &[f32]) -> (Vec<f32>, Vec<f32>, f32) {
        if !self.is_shift {
            return (gamma.to_vec(), self.variance.clone(), self.epsilon);
        }
        let deviation = |variance: &f32| (f64::from(*variance) + f64::from(self.epsilon)).sqrt();
        let scale = |(gamma, variance): (&f32, &f32)| power_ap2(*gamma) * power_ap2((1.0 / deviation(variance)) as f32);
        (gamma.iter().zip(&self.variance).map(scale).collect(), vec![1.0; gamma.len()], 0.0)
    }

    /// Statistics of the batch, folded into the running ones.
    fn follow(&mut self, x: &Batch, channels: usize) -> Vec<Statistics> {
        let rows = x.rows() as f64;
        let sums = channel_sums(&x.values, &x.values, channels, |row, _, sums| {
            for (sum, &x) in sums.iter_mut().zip(row) {
                let x = f64::from(x);
                sum[0] += x;
                sum[1] += x * x;
            }
        });
        // The plain average at first, so that the starting values carry no weight.
        let share = MOMENTUM.max(1.0 / (self.batches as f32 + 1.0));
        let is_shift = self.is_shift;
        let epsilon = f64::from(self.epsilon);
        let inverse = |variance: f64| power(is_shift, (1.0 / (variance + epsilon).sqrt()) as f32);
        let shifted = is_shift.then(|| shifted_squares(x, &sums, rows));
        let mut statistics = Vec::with_capacity(channels);
        for (index, ([sum, squares], (mean, variance))) in
            sums.iter().copied().zip(self.mean.iter_mut().zip(&mut self.variance)).enumerate()
        {
            let batch_mean = sum / rows;
            let batch_variance = match &shifted {
                Some(shifted) => shifted[index],
                None => (squares / rows - batch_mean * batch_mean).max(0.0),
            };
            *mean += share * (batch_mean as f32 - *mean);
            *variance += share * (batch_variance as f32 - *variance);
            let own = (batch_mean as f32, inverse(batch_variance));
            let used = if self.batches < START { own } else { (*mean, inverse((*variance).into())) };
            statistics.push(Statistics { mean: own.0, inverse: own.1, used_mean: used.0, used_inverse: used.1 });
        }
        self.batches = self.batches.saturating_add(1);
        statistics
    }

    /// The same with the running statistics, in `f64` so that rounding hardly ever decides a sign.
    pub fn apply(&self, x: &Batch, gamma: &[f32], beta: &[f32]) -> Batch {
        let constants: Vec<[f64; 3]> = (self.mean.iter().zip(&self.variance))
            .zip(gamma.iter().zip(beta))
            .map(|((&mean, &variance), (&gamma, &beta))| {
                let deviation = (f64::from(variance) + f64::from(self.epsilon)).sqrt();
                let scale = match self.is_shift {
                    true => f64::from(power_ap2(gamma)) * f64::from(power_ap2((1.0 / deviation) as f32)),
                    false => f64::from(gamma) / deviation,
                };
                [mean.into(), scale, beta.into()]
            })
            .collect();
        let y = map_channels(&x.values, &constants, |x, [mean, scale, shift]| {
            ((f64::from(x) - mean) * scale + shift) as f32
        });
        x.with(y, Form::Reals)
    }

    /// Gradients from the input and the batch's statistics.
    ///
    /// Where the forward pass used running statistics, their ratio to the batch's counts as a constant.
    pub fn backward(dy: &Batch, x: &[f32], statistics: &[Statistics], gamma: &[f32]) -> NormGradient {
        let rows = dy.rows() as f64;
        // Sums of dy and of dy * (x - mean).
        let sums = channel_sums(&dy.values, x, gamma.len(), |dy, x, sums| {
            for ((sum, one), (&dy, &x)) in sums.iter_mut().zip(statistics).zip(dy.iter().zip(x)) {
                sum[0] += f64::from(dy);
                sum[1] += f64::from(dy) * f64::from(x - one.mean);
            }
        });
        // dx = gamma * used_inverse * (dy - mean(dy) - normal * mean(dy * normal)), normal = (x - mean) * inverse
        let constants: Vec<[f32; 4]> = (sums.iter().zip(statistics).zip(gamma))
            .map(|((sum, one), &gamma)| {
                let [mean_dy, slope] = sum.map(|sum| (sum / rows) as f32);
                [one.mean, gamma * one.used_inverse, mean_dy, slope * one.inverse * one.inverse]
            })
            .collect();
        let scale = |(sum, one): (&[f64; 2], &Statistics)| {
            let about_used = sum[1] + sum[0] * f64::from(one.mean - one.used_mean);
            (about_used * f64::from(one.used_inverse)) as f32
        };
        NormGradient {
            gamma: sums.iter().zip(statistics).map(scale).collect(),
            beta: sums.iter().map(|sum| sum[0] as f32).collect(),
            input: combine(&dy.values, x, &constants),
        }
    }
}

/// A batch norm, with the positions of what it learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Normed {
    /// Statistics.
    pub norm: Norm,
    /// Scale.
    pub gamma: usize,
    /// Shift.
    pub beta: usize,
}

impl Normed {
    /// Scale and shift.
    fn own<'a>(&self, parameters: &'a [Parameter]) -> [&'a [f32]; 2] {
        [self.gamma, self.beta].map(|at| &parameters[at].values[..])
    }
}

impl Layer for Normed {
    fn forward(&mut self, parameters: &[Parameter], inputs: Inputs, codec: &dyn Codec) -> (Batch, Entry) {
        let [gamma, beta] = self.own(parameters);
        let (y, statistics) = self.norm.forward(&inputs.x, gamma, beta);
        (y, Entry { statistics, ..Entry::of(codec.save(inputs.x)) })
    }

    fn infer(&self, parameters: &[Parameter], Inputs { x, .. }: Inputs) -> Batch {
        let [gamma, beta] = self.own(parameters);
        self.norm.apply(&x, gamma, beta)
    }

    fn backward(
        &self,
        parameters: &[Parameter],
        entry: &Entry,
        dy: &Batch,
        _: bool,
        gradients: &mut [Vec<f32>],
    ) -> [Option<Vec<f32>>; 2] {
        let [gamma, _] = self.own(parameters);
        let found = match &entry.saved {
            Saved::Reals(x) => Norm::backward(dy, x, &entry.statistics, gamma),
            other => Norm::backward(dy, &other.to_values(dy.values.len()), &entry.statistics, gamma),
        };
        gradients[self.gamma] = found.gamma;
        gradients[self.beta] = found.beta;
        [Some(found.input), None]
    }
}

/// The nearest power of two in the logarithm, if asked for.
fn power(is_asked: bool, x: f32) -> f32 {
    if is_asked { power_ap2(x) } else { x }
}

/// Mean of `c AP2(c)` of each channel, `c` the centred input: a variance without multiplications.
fn shifted_squares(x: &Batch, sums: &[[f64; 2]], rows: f64) -> Vec<f64> {
    let means: Vec<f32> = sums.iter().map(|sum| (sum[0] / rows) as f32).collect();
    let squares = channel_sums(&x.values, &x.values, means.len(), |row, _, sums| {
        for ((sum, x), mean) in sums.iter_mut().zip(row).zip(&means) {
            let centred = x - mean;
            sum[0] += f64::from(centred * power_ap2(centred));
        }
    });
    squares.iter().map(|sum| sum[0] / rows).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use bitfab_graph::Shape;

    #[test]
    fn shift_norms_multiply_by_powers_of_two_and_are_plain_norms_of_other_constants() {
        let values: Vec<f32> = (0..60).map(|i| (i * i % 17) as f32 * if i % 3 == 0 { 0.2 } else { 3.0 }).collect();
        let x = Batch { values, count: 20, shape: Shape::flat(3), form: Form::Reals };
        let mut norm = Norm { is_shift: true, ..Norm::new(3, 1e-5) };
        let (gamma, beta) = ([0.7, -3.0, 1.5], [0.1, 0.2, -0.3]);
        let (y, statistics) = norm.forward(&x, &gamma, &beta);
        for (channel, one) in statistics.iter().enumerate() {
            let column: Vec<f64> = x.values.iter().skip(channel).step_by(3).map(|&v| f64::from(v)).collect();
            let mean = column.iter().sum::<f64>() / 20.0;
            let centred = column.iter().map(|v| (v - mean) as f32);
            let variance = centred.map(|c| f64::from(c * power_ap2(c))).sum::<f64>() / 20.0;
            let inverse = power_ap2((1.0 / (variance + 1e-5).sqrt()) as f32);
            assert_eq!(one.used_inverse, inverse);
            let expected = (x.values[channel] - one.used_mean) * inverse * power_ap2(gamma[channel]) + beta[channel];
            assert_eq!(y.values[channel], expected);
        }
        let (scale, variance, epsilon) = norm.plain(&gamma);
        let plain = Norm { variance, epsilon, is_shift: false, ..norm.clone() };
        assert_eq!(plain.apply(&x, &scale, &beta), norm.apply(&x, &gamma, &beta));
    }
}
