//! Ternary weights by pruning on the sphere: hyperspherical quantisation (Liu, Chen, Ma, Liu, WACV 2023, arXiv 2212.12653)
//! and pruning ternary quantisation (Liu, Chen, Fu, Ma, Liu, 2021, arXiv 2107.10998).
//!
//! Both papers' formulas could not be read; this is a reconstruction from their abstracts, and it was chosen by test.
//! Learning has three parts: weights of unit length a filter; pruning of the smallest by a cubic schedule; then
//! `sign(w) / sqrt(n)` on what is left, with the gradient projected onto the tangent of the sphere.
//! Weights decay, so that those of inputs that are always zero fall behind, and a growing pull takes the rest to the
//! ternary point. The last layer has no batch norm, so all its outputs share one scale; it keeps twice the weights.

use super::{About, Demo, Knob, Method, Row, Site, Start};
use crate::weights::grid::sign;
use crate::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// Pruning, with or without a restart.
#[derive(Debug)]
pub(super) struct Pruning {
    about: About,
    restarts: bool,
}

static ZEROS: Knob = Knob {
    name: "zeros",
    usual: 0.9,
    range: [0.0, 0.99],
    value: "SHARE",
    help: "hq, pruned-ternary: share of zeros in hidden layers, half of it in the last [default: 0.9]",
};

pub(super) static HQ: Pruning = Pruning {
    about: About {
        name: "hq",
        paper: "Liu et al. 2023, arXiv 2212.12653",
        weights: "-1, 0, +1",
        learning: "filters of unit length; pruned to `zeros`; survivors restart near their mean; then ternary with the gradient on the sphere",
        activation_bits: 8,
        knobs: &[&ZEROS],
        bench: &[Row::new("hq", 20)],
        demo: Some(Demo {
            kind: "ternary",
            help: "-1, 0 or +1, mostly 0",
            what: "of weights -1, 0 and +1 and 8-bit activations",
            bits: 0,
            settings: &[("zeros", 0.8)],
        }),
        ..About::PLAIN
    },
    restarts: true,
};

pub(super) static PRUNED_TERNARY: Pruning = Pruning {
    about: About {
        name: "pruned-ternary",
        paper: "Liu et al. 2021, arXiv 2107.10998",
        learning: "as `hq`, without the restart",
        bench: &[Row::new("pruned-ternary", 20)],
        demo: None,
        ..HQ.about
    },
    restarts: false,
};

impl Method for Pruning {
    fn about(&self) -> &About {
        &self.about
    }

    fn start(&self, site: &Site<'_>) -> Start {
        let zeros = site.knobs.get(&ZEROS);
        let zeros = if site.is_last { 0.5 * zeros } else { zeros };
        Start { decay: DECAY, ..Start::new(Ternary::new(site.fan_in * site.outputs, zeros, self.restarts)) }
    }
}

/// Decay of layers that are pruned, unless the configuration states another: weights of inputs that are always zero
/// must fall behind.
const DECAY: f32 = 0.1;
/// Pruning begins at this share of the run.
const PRUNE: f32 = 0.25;
/// Ternary weights begin at this share.
const TERNARY: f32 = 0.6;
/// Steps between two prunings.
const EVERY: u64 = 20;
/// Restarted weights keep this share of their own magnitude; the rest is the mean of their filter.
const KEPT: f32 = 0.3;
/// Pull towards the ternary point: this many e-foldings in all, more towards the end.
const PULL: f32 = 6.0;
/// A filter keeps at least this many weights.
const FEWEST: usize = 2;

/// Mask and phase of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ternary {
    /// Share of zeros at the end.
    pub zeros: f32,
    /// Whether survivors restart near the mean magnitude of their filter (hyperspherical quantisation).
    pub restarts: bool,
    /// Weights that are left; all at first.
    pub mask: Vec<bool>,
    /// Whether weights are ternary yet.
    pub is_ternary: bool,
}

impl Ternary {
    /// Nothing pruned yet.
    pub fn new(count: usize, zeros: f32, restarts: bool) -> Self {
        Self { zeros, restarts, mask: vec![true; count], is_ternary: false }
    }

    fn codes(&self, weights: &[f32]) -> Vec<f32> {
        weights.iter().zip(&self.mask).map(|(&w, &is_left)| if is_left { sign(w) } else { 0.0 }).collect()
    }

    fn masked(&self, weights: &[f32]) -> Vec<f32> {
        weights.iter().zip(&self.mask).map(|(&w, &is_left)| if is_left { w } else { 0.0 }).collect()
    }

    /// Takes the smallest of what is left, until `zeros` of the layer are gone; filters keep a few.
    fn prune(&mut self, weights: &[f32], fan_in: usize, zeros: f32) {
        let goal = (zeros * weights.len() as f32) as usize;
        let mut left: Vec<usize> = self.mask.iter().enumerate().filter(|(_, left)| **left).map(|(at, _)| at).collect();
        let surplus = (left.len() + goal).saturating_sub(weights.len());
        left.sort_by(|&a, &b| weights[a].abs().total_cmp(&weights[b].abs()));
        let mut counts: Vec<usize> =
            self.mask.chunks_exact(fan_in).map(|row| row.iter().filter(|left| **left).count()).collect();
        let mut taken = 0;
        for at in left {
            let count = &mut counts[at / fan_in];
            if taken < surplus && *count > FEWEST {
                self.mask[at] = false;
                *count -= 1;
                taken += 1;
            }
        }
    }

    /// Moves what is left by a share of the way to the mean magnitude of its group; signs stay.
    fn pull(&self, weights: &mut [f32], group: usize, share: f32) {
        for (weights, mask) in weights.chunks_exact_mut(group).zip(self.mask.chunks_exact(group)) {
            let left = weights.iter().zip(mask).filter(|(_, left)| **left).map(|(w, _)| f64::from(w.abs()));
            let (sum, count) = left.fold((0.0, 0u32), |(sum, count), w| (sum + w, count + 1));
            let mean = (sum / f64::from(count.max(1))) as f32;
            for (w, _) in weights.iter_mut().zip(mask).filter(|(_, left)| **left) {
                *w = sign(*w) * (w.abs() + share * (mean - w.abs()));
            }
        }
    }
}

impl Rule for Ternary {
    fn name(&self) -> &'static str {
        "ternary"
    }

    fn integers(&self, matrix: Matrix, latent: Latent<'_>) -> Integers {
        let values = self.codes(latent.weights);
        let length = unit_length(matrix, values.len());
        let scale = |mask: &[bool]| length / (mask.iter().filter(|m| **m).count().max(1) as f32).sqrt();
        Integers { scales: self.mask.chunks_exact(matrix.group(latent.weights)).map(scale).collect(), values }
    }

    /// Unit-length filters while weights are still real.
    fn effective(&self, matrix: Matrix, latent: Latent<'_>) -> Vec<f32> {
        if self.is_ternary {
            return self.integers(matrix, latent).times();
        }
        let length = unit_length(matrix, latent.weights.len());
        let mut result = self.masked(latent.weights);
        for row in result.chunks_exact_mut(matrix.group(latent.weights)) {
            let scale = length / norm(row);
            row.iter_mut().for_each(|w| *w *= scale);
        }
        result
    }

    /// `(g - u (u . g)) L / |w|` on what is left, `u = w / |w|` and L the length of a filter.
    fn backward(&self, matrix: Matrix, latent: Latent<'_>, mut gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let group = matrix.group(latent.weights);
        let length = unit_length(matrix, gradient.len());
        let weights = self.masked(latent.weights);
        let rows = weights.chunks_exact(group).zip(self.mask.chunks_exact(group));
        for ((row, mask), gradient) in rows.zip(gradient.chunks_exact_mut(group)) {
            let norm = norm(row);
            let along: f64 = row.iter().zip(gradient.iter()).map(|(&w, &g)| f64::from(w * g)).sum();
            let along = along as f32 / (norm * norm);
            for ((g, &w), &is_left) in gradient.iter_mut().zip(row).zip(mask) {
                *g = if is_left { (*g - w * along) * length / norm } else { 0.0 };
            }
        }
        (gradient, Vec::new())
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.integers(matrix, latent).exported(WeightQuantizer::Ternary))
    }

    fn follow(&mut self, matrix: Matrix, weights: &mut [f32], _: &mut [f32], moment: Moment) -> bool {
        let (progress, group) = (moment.progress(), matrix.group(weights));
        if !self.is_ternary && progress >= PRUNE && (moment.step.is_multiple_of(EVERY) || progress >= TERNARY) {
            let part = ((progress - PRUNE) / (TERNARY - PRUNE)).min(1.0);
            self.prune(weights, matrix.fan_in, self.zeros * (1.0 - (1.0 - part).powi(3)));
        }
        if !self.is_ternary && progress >= TERNARY {
            self.is_ternary = true;
            if self.restarts {
                self.pull(weights, group, 1.0 - KEPT);
            }
            return true;
        }
        if self.is_ternary {
            let part = (progress - TERNARY) / (1.0 - TERNARY);
            let share = 2.0 * PULL * part / ((1.0 - TERNARY) * moment.steps as f32);
            self.pull(weights, group, share.min(0.5));
        }
        false
    }

    fn is_settled(&self) -> bool {
        self.is_ternary
    }

    /// Mean over the filters of the cosine between the weights that are left and their ternary point.
    fn cosine(&self, matrix: Matrix, weights: &[f32]) -> Option<f64> {
        let rows = weights.chunks_exact(matrix.fan_in).zip(self.mask.chunks_exact(matrix.fan_in));
        let cosines: Vec<f64> = rows.map(|(weights, mask)| cosine(weights, mask)).collect();
        Some(cosines.iter().sum::<f64>() / cosines.len().max(1) as f64)
    }

    fn fits(&self, stored: &Self, count: usize) -> bool {
        stored.mask.len() == count
    }
}

/// `|w|_1 / (sqrt(n) |w|_2)` of the `n` weights that are left.
fn cosine(weights: &[f32], mask: &[bool]) -> f64 {
    let left = weights.iter().zip(mask).filter(|(_, left)| **left).map(|(w, _)| f64::from(w.abs()));
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    left.for_each(|w| (sum, squares, count) = (sum + w, squares + w * w, count + 1.0));
    sum / (squares * count).sqrt().max(f64::MIN_POSITIVE)
}

/// Length of one group: 1 for a filter; a layer with one scale is as long as all its filters.
fn unit_length(matrix: Matrix, count: usize) -> f32 {
    if matrix.is_shared { ((count / matrix.fan_in) as f32).sqrt() } else { 1.0 }
}

fn norm(row: &[f32]) -> f32 {
    let sum: f64 = row.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    (sum.sqrt() as f32).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Quantizer;

    fn quantizer(ternary: &Ternary, fan_in: usize) -> Quantizer {
        Quantizer { rule: Box::new(ternary.clone()), matrix: Matrix { fan_in, is_shared: false } }
    }

    fn latent(weights: &[f32]) -> Latent<'_> {
        Latent { weights, extra: &[] }
    }

    #[test]
    fn real_filters_have_unit_length_and_follow_their_differences() {
        let mut ternary = Ternary::new(6, 0.5, true);
        ternary.mask[1] = false;
        let quantizer = quantizer(&ternary, 3);
        let weights = [0.3f32, 9.0, -0.4, 1.0, 2.0, -2.0];
        let found = quantizer.effective(latent(&weights));
        assert_eq!(found[1], 0.0);
        assert!((norm(&found[..3]) - 1.0).abs() < 1e-6 && (norm(&found[3..]) - 1.0).abs() < 1e-6);
        let pull = [1.0f32, -2.0, 0.5, 3.0, 1.0, -1.0];
        let loss = |weights: &[f32]| -> f32 {
            quantizer.effective(latent(weights)).iter().zip(pull).map(|(w, p)| w * p).sum()
        };
        let gradient = quantizer.backward(latent(&weights), pull.to_vec()).0;
        for index in 0..6 {
            let moved = |by: f32| {
                let mut moved = weights;
                moved[index] += by;
                loss(&moved)
            };
            let slope = (moved(1.0 / 256.0) - moved(-1.0 / 256.0)) * 128.0;
            assert!((gradient[index] - slope).abs() < 1e-2, "{index}: {} for {slope}", gradient[index]);
        }
    }

    #[test]
    fn pruning_reaches_its_share_and_leaves_no_filter_dead() {
        let mut ternary = Ternary::new(40, 0.8, true);
        // The last filter has only tiny weights.
        let mut weights: Vec<f32> =
            (0..40).map(|i| (1 + i * 7 % 40) as f32 * if i < 30 { 1.0 } else { 1e-3 }).collect();
        let mut last = 40;
        for step in 0..=100 {
            let moment = Moment { step, steps: 100, epoch: 10 };
            let is_new = ternary.follow(Matrix { fan_in: 10, is_shared: false }, &mut weights, &mut [], moment);
            assert_eq!(is_new, step == 60);
            let left = ternary.mask.iter().filter(|m| **m).count();
            assert!(left <= last, "masks only shrink");
            last = left;
        }
        assert_eq!(last, 8);
        let counts: Vec<usize> = ternary.mask.chunks(10).map(|row| row.iter().filter(|m| **m).count()).collect();
        assert!(counts.iter().all(|&count| count >= 2), "{counts:?}");
        let integers = quantizer(&ternary, 10).integers(latent(&weights));
        assert_eq!(integers.values.iter().map(|v| v.abs()).sum::<f32>(), 8.0);
        let rows = integers.times();
        assert!(rows.chunks(10).all(|row| (norm(row) - 1.0).abs() < 1e-6));
    }

    #[test]
    fn a_restart_raises_the_cosine_and_keeps_signs() {
        let mut ternary = Ternary::new(4, 0.0, true);
        ternary.mask[3] = false;
        let mut weights = [0.1, -0.9, 0.5, 77.0];
        let before = cosine(&weights, &ternary.mask);
        assert!((before - 1.5 / (1.07f64 * 3.0).sqrt()).abs() < 1e-6);
        ternary.pull(&mut weights, 4, 1.0 - KEPT);
        assert!(cosine(&weights, &ternary.mask) > before);
        assert!(weights[0] > 0.1 && weights[1] > -0.9 && weights[1] < 0.0 && weights[3] == 77.0);
        ternary.pull(&mut weights, 4, 1.0);
        assert!(cosine(&weights, &ternary.mask) > 0.999_999);
    }
}
