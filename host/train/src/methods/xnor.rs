//! XNOR-Net and binary-weight networks (Rastegari, Ordonez, Redmon, Farhadi, ECCV 2016, arXiv 1603.05279).
//!
//! `W = a sign(w)` with `a = mean |w|` of each filter, and filters are centred after each step; both networks differ in
//! their activations alone. K, the map of input magnitudes, is not supported (their own code leaves it out too).

use super::{About, Method, Row, Site, Start};
use crate::weights::grid::{sign, signs};
use crate::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// Signs with a scale, by activations.
#[derive(Debug)]
pub(super) struct ScaledSigns(About);

pub(super) static XNOR: ScaledSigns = ScaledSigns(About {
    name: "xnor",
    paper: "Rastegari et al. 2016, arXiv 1603.05279",
    weights: "signs",
    learning: "scale of each filter = mean magnitude, its gradient is followed; weights are centred",
    ..About::PLAIN
});

pub(super) static BWN: ScaledSigns = ScaledSigns(About {
    name: "bwn",
    learning: "as `xnor`",
    activation_bits: 8,
    bench: &[Row::new("bwn", 15)],
    ..XNOR.0
});

impl Method for ScaledSigns {
    fn about(&self) -> &About {
        &self.0
    }

    fn start(&self, _: &Site<'_>) -> Start {
        Start { limit: Some(1.0), ..Start::new(Scaled) }
    }
}

/// Signs times the mean magnitude of their filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaled;

impl Rule for Scaled {
    fn name(&self) -> &'static str {
        "scaled-sign"
    }

    fn integers(&self, matrix: Matrix, latent: Latent<'_>) -> Integers {
        let scales = latent.weights.chunks_exact(matrix.group(latent.weights)).map(mean_size).collect();
        Integers { values: signs(latent.weights), scales }
    }

    fn backward(&self, matrix: Matrix, latent: Latent<'_>, mut gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let group = matrix.group(latent.weights);
        for (weights, gradient) in latent.weights.chunks_exact(group).zip(gradient.chunks_exact_mut(group)) {
            scaled_backward(weights, gradient);
        }
        (gradient, Vec::new())
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.integers(matrix, latent).exported(WeightQuantizer::Sign))
    }

    fn follow(&mut self, matrix: Matrix, weights: &mut [f32], _: &mut [f32], _: Moment) -> bool {
        weights.chunks_exact_mut(matrix.fan_in).for_each(center);
        false
    }

    fn fits(&self, _: &Self, _: usize) -> bool {
        true
    }
}

/// Mean of `|w|`, the best scale for the signs in the sense of least squares; never quite zero.
fn mean_size(weights: &[f32]) -> f32 {
    let sum: f64 = weights.iter().map(|w| f64::from(w.abs())).sum();
    ((sum / weights.len() as f64) as f32).max(1e-6)
}

/// The gradient of `a sign(w)` with `a = mean |w|`: straight through the sign within -1 to 1, exact through `a`.
///
/// `dw_i = g_i a [|w_i| <= 1] + sign(w_i) / n * sum_j g_j sign(w_j)`.
fn scaled_backward(weights: &[f32], gradient: &mut [f32]) {
    let scale = mean_size(weights);
    let along: f64 = weights.iter().zip(gradient.iter()).map(|(&w, &g)| f64::from(sign(w) * g)).sum();
    let share = (along / weights.len() as f64) as f32;
    for (&w, g) in weights.iter().zip(gradient) {
        *g = if w.abs() <= 1.0 { *g * scale } else { 0.0 } + sign(w) * share;
    }
}

/// Takes the mean off.
fn center(weights: &mut [f32]) {
    let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / weights.len() as f64;
    weights.iter_mut().for_each(|w| *w -= mean as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_magnitude_is_the_best_scale_for_signs() {
        let weights = [0.5, -0.25, 0.125, -1.0, 0.0];
        let scale = mean_size(&weights);
        assert_eq!(scale, 0.375);
        let error = |scale: f32| -> f32 { weights.iter().map(|&w| (w - scale * sign(w)).powi(2)).sum() };
        assert!(error(scale) < error(scale + 0.01) && error(scale) < error(scale - 0.01));
    }

    /// Away from 0 the signs are constant, so differences show the part of the gradient through the scale.
    #[test]
    fn the_gradient_through_the_scale_follows_its_differences() {
        let weights = [0.5f32, -0.25, 0.125, -1.5];
        let pull = [1.0f32, -2.0, 0.5, 3.0];
        let loss = |weights: &[f32]| -> f32 {
            let scale = mean_size(weights);
            weights.iter().zip(pull).map(|(&w, p)| scale * sign(w) * p).sum()
        };
        let mut gradient = pull;
        scaled_backward(&weights, &mut gradient);
        for index in 0..4 {
            let mut moved = weights;
            moved[index] += 0.0625;
            let slope = (loss(&moved) - loss(&weights)) / 0.0625;
            let straight = if weights[index].abs() <= 1.0 { pull[index] * mean_size(&weights) } else { 0.0 };
            assert!((gradient[index] - straight - slope).abs() < 1e-5, "{index}");
        }
    }

    #[test]
    fn centred_weights_have_no_mean() {
        let mut weights = [1.0, 2.0, 6.0];
        center(&mut weights);
        assert_eq!(weights, [-2.0, -1.0, 3.0]);
    }
}
