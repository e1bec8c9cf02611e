//! Step rules and the learning-rate schedule.

use crate::config::{OptimizerKind, TrainConfig};
use crate::layers::Parameter;
use crate::math::ELEMENTS;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

const MOMENTUM: f32 = 0.9;
const SECOND: f32 = 0.999;
const SMALL: f32 = 1e-8;

/// Momentum state of every parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    kind: OptimizerKind,
    /// Steps of each parameter since its momentum was void.
    steps: Vec<u64>,
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
}

impl Optimizer {
    /// No momentum yet.
    pub fn new(kind: OptimizerKind, parameters: &[Parameter]) -> Self {
        let zeros = || parameters.iter().map(|p| vec![0.0; p.values.len()]).collect();
        Self {
            kind,
            steps: vec![0; parameters.len()],
            first: zeros(),
            second: if kind == OptimizerKind::Adam { zeros() } else { Vec::new() },
        }
    }

    /// Whether the state belongs to such parameters.
    pub(crate) fn fits(&self, kind: OptimizerKind, parameters: &[Parameter]) -> bool {
        let fits = |state: &[Vec<f32>]| {
            let lengths = state.iter().map(Vec::len);
            lengths.eq(parameters.iter().map(|p| p.values.len()))
        };
        let second = kind != OptimizerKind::Adam || fits(&self.second);
        self.kind == kind && self.steps.len() == parameters.len() && fits(&self.first) && second
    }

    /// Forgets the momentum of a parameter whose numbers got another meaning.
    pub fn restart(&mut self, parameter: usize) {
        self.steps[parameter] = 0;
        self.first[parameter].fill(0.0);
        if let Some(second) = self.second.get_mut(parameter) {
            second.fill(0.0);
        }
    }

    /// One step with the given rate, then decay and clipping of latent weights.
    pub fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>], rate: f32) {
        for (index, (parameter, gradient)) in parameters.iter_mut().zip(gradients).enumerate() {
            // A parameter without a gradient did not take part.
            if gradient.is_empty() {
                continue;
            }
            self.steps[index] += 1;
            let time = self.steps[index].min(1 << 20) as i32;
            let corrections = [1.0 - MOMENTUM.powi(time), 1.0 - SECOND.powi(time)];
            let (limit, kept) = (parameter.limit, 1.0 - rate * parameter.decay);
            let pieces = parameter
                .values
                .par_chunks_mut(ELEMENTS)
                .zip(gradient.par_chunks(ELEMENTS))
                .zip(self.first[index].par_chunks_mut(ELEMENTS));
            match self.kind {
                OptimizerKind::Sgd => pieces.for_each(|((values, gradient), first)| {
                    sgd(values, gradient, first, rate);
                    finish(values, kept, limit);
                }),
                OptimizerKind::Adam => pieces.zip(self.second[index].par_chunks_mut(ELEMENTS)).for_each(
                    |(((values, gradient), first), second)| {
                        adam(values, gradient, [first, second], rate, corrections);
                        finish(values, kept, limit);
                    },
                ),
            }
        }
    }
}

fn sgd(values: &mut [f32], gradient: &[f32], first: &mut [f32], rate: f32) {
    for ((value, gradient), first) in values.iter_mut().zip(gradient).zip(first) {
        *first = MOMENTUM * *first + gradient;
        *value -= rate * *first;
    }
}

fn adam(values: &mut [f32], gradient: &[f32], state: [&mut [f32]; 2], rate: f32, corrections: [f32; 2]) {
    let [first, second] = state;
    let moments = first.iter_mut().zip(second);
    for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
        *first += (1.0 - MOMENTUM) * (gradient - *first);
        *second += (1.0 - SECOND) * (gradient * gradient - *second);
        let scale = (*second / corrections[1]).sqrt() + SMALL;
        *value -= rate * (*first / corrections[0]) / scale;
    }
}

/// Decay, then the limit.
fn finish(values: &mut [f32], kept: f32, limit: Option<f32>) {
    if kept < 1.0 {
        values.iter_mut().for_each(|value| *value *= kept);
    }
    if let Some(limit) = limit {
        values.iter_mut().for_each(|value| *value = value.clamp(-limit, limit));
    }
}

/// The rate of step `step` (from 0) of `steps` in all: linear warm-up, then a cosine to 0.
pub fn scheduled_rate(config: &TrainConfig, step: u64, steps: u64, batches: u64) -> f32 {
    let warmup = f64::from(config.warmup) * batches as f64;
    let now = step as f64;
    let share = if now < warmup {
        (now + 1.0) / warmup.max(1.0)
    } else {
        let part = (now - warmup) / (steps as f64 - warmup).max(1.0);
        0.5 + 0.5 * (std::f64::consts::PI * part).cos()
    };
    (f64::from(config.rate) * share.min(1.0)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_then_falls_to_nothing() {
        let config = TrainConfig { rate: 1.0, warmup: 1.0, ..TrainConfig::default() };
        let rates: Vec<f32> = (0..100).map(|step| scheduled_rate(&config, step, 100, 10)).collect();
        assert_eq!(rates[0], 0.1);
        assert_eq!(rates[9], 1.0);
        assert_eq!(rates[10], 1.0);
        assert!(rates[10..].is_sorted_by(|a, b| a >= b));
        assert!(rates[99] < 0.001);
    }

    #[test]
    fn both_rules_find_the_minimum_of_a_parabola_and_clip() {
        for kind in [OptimizerKind::Sgd, OptimizerKind::Adam] {
            let mut parameters =
                vec![Parameter::free(vec![0.0; 2]), Parameter { values: vec![0.0; 2], limit: Some(0.5), decay: 0.0 }];
            let mut optimizer = Optimizer::new(kind, &parameters);
            for _ in 0..1500 {
                let slope = |p: &Parameter| vec![p.values[0] - 0.75, p.values[1] + 2.0];
                let gradients: Vec<_> = parameters.iter().map(slope).collect();
                optimizer.step(&mut parameters, &gradients, 0.02);
            }
            let [free, held] = [&parameters[0].values, &parameters[1].values];
            assert!((free[0] - 0.75).abs() < 1e-3 && (free[1] + 2.0).abs() < 1e-3, "{free:?}");
            assert_eq!(held, &[0.5, -0.5]);
        }
    }

    #[test]
    fn the_first_adam_step_has_the_length_of_the_rate() {
        let mut parameters = vec![Parameter::free(vec![0.0])];
        let mut optimizer = Optimizer::new(OptimizerKind::Adam, &parameters);
        optimizer.step(&mut parameters, &[vec![1e-3]], 0.01);
        assert!((parameters[0].values[0] + 0.01).abs() < 1e-6);
    }
}
