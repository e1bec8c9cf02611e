//! Weights as sparse powers of two times a small basis: SmartExchange (Zhao et al., ISCA 2020, arXiv 2005.03403) and
//! SmartDeal (Chen et al., 2020, arXiv 2101.01163).
//!
//! `W = C B` chunk by chunk, see [`decompose()`]. Latent weights are real at first; then each filter's rows of three are
//! decomposed, and from there on the latent numbers are coefficients (their zeros are frozen) and bases.
//! The papers' structural sparsity is not there, and rows run along the inputs of a filter, not along the kernel's width.

mod decompose;
mod layout;

pub use decompose::{Decomposed, decompose};

use super::{About, Demo, Knob, Method, Row, Site, Start};
use crate::weights::grid::{SPAN, exp2};
use crate::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_graph::WeightQuantizer;
use decompose::SIDE;
use layout::{BASIS, code, lowest_power, pad, padded, revive, strip};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The decomposition, by how coefficients learn.
#[derive(Debug)]
pub(super) struct Dealt {
    about: About,
    training: Training,
}

static COEFFICIENTS: Knob = Knob {
    name: "coefficients",
    usual: 0.2,
    range: [0.01, 1.0],
    value: "SHARE",
    help: "smart-deal: share of coefficients that are kept in hidden layers, twice as many in the last [default: 0.2]",
};

pub(super) static SMART_DEAL: Dealt = Dealt {
    about: About {
        name: "smart-deal",
        paper: "Zhao et al. 2020, Chen et al. 2020, arXiv 2005.03403, 2101.01163",
        weights: "sparse powers of two times bases of bytes",
        learning: "real at first, decomposed once (`coefficients` are kept), then both factors learn",
        activation_bits: 8,
        knobs: &[&COEFFICIENTS],
        bench: &[Row::new("smart-deal", 20)],
        demo: Some(Demo {
            kind: "smart-deal",
            help: "Sparse powers of two times a small basis",
            what: "of powers of two times small bases and 8-bit activations",
            bits: 0,
            settings: &[("coefficients", 0.3)],
        }),
        ..About::PLAIN
    },
    training: Training::Straight,
};

pub(super) static SMART_DEAL_SWITCH: Dealt = Dealt {
    about: About {
        name: "smart-deal-switch",
        learning: "powers move by whole exponents when gradients agree",
        bench: &[],
        demo: None,
        ..SMART_DEAL.about
    },
    training: Training::Switch,
};

pub(super) static SMART_DEAL_PROJECT: Dealt = Dealt {
    about: About {
        name: "smart-deal-project",
        learning: "real weights, decomposed after every epoch",
        ..SMART_DEAL_SWITCH.about
    },
    training: Training::Project,
};

impl Method for Dealt {
    fn about(&self) -> &About {
        &self.about
    }

    fn start(&self, site: &Site<'_>) -> Start {
        let share = site.knobs.get(&COEFFICIENTS);
        let share = if site.is_last { (2.0 * share).min(1.0) } else { share };
        let deal = SmartDeal::new(site.fan_in, share, self.training);
        let extra = vec![0.0; deal.bases(site.fan_in) * site.outputs];
        Start { extra, padding: padded(site.fan_in) - site.fan_in, ..Start::new(deal) }
    }
}

/// The decomposition comes at this share of the run.
const SPLIT: f32 = 0.4;
/// Rows of a chunk at most.
const MOST_ROWS: usize = 192;
/// Steps in one direction until a coefficient moves to the next power, at the highest rate.
const BAR: i16 = 40;
/// Momentum of gradients that are counted.
const MOMENTUM: f32 = 0.9;

/// How coefficients learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Training {
    /// Real coefficients, rounded in the forward pass, straight through in the backward pass.
    Straight,
    /// Powers of two that move by one exponent once enough gradients agree.
    Switch,
    /// Real weights, replaced by their decomposition after every epoch.
    Project,
}

/// Sizes, masks and phase of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmartDeal {
    /// Rows of a chunk.
    pub rows: usize,
    /// Share of coefficients that are kept.
    pub share: f32,
    /// How coefficients learn.
    pub training: Training,
    /// Whether latent numbers are coefficients and bases yet.
    pub is_split: bool,
    /// Coefficients that are kept, once split.
    pub mask: Vec<bool>,
    /// Agreeing gradients of each coefficient ([`Training::Switch`]).
    pub counters: Vec<i16>,
    /// Their running gradient.
    pub momentum: Vec<f32>,
}

impl SmartDeal {
    /// For filters of `fan_in` weights: chunks of equal length, as few as may be.
    pub fn new(fan_in: usize, share: f32, training: Training) -> Self {
        let rows = fan_in.div_ceil(SIDE);
        Self {
            rows: rows.div_ceil(rows.div_ceil(MOST_ROWS)),
            share,
            training,
            is_split: false,
            mask: Vec::new(),
            counters: Vec::new(),
            momentum: Vec::new(),
        }
    }

    /// Numbers of the bases of one filter.
    pub fn bases(&self, fan_in: usize) -> usize {
        fan_in.div_ceil(SIDE).div_ceil(self.rows) * BASIS
    }

    /// Coefficients times bases, without the padding.
    fn rebuild(&self, fan_in: usize, coefficients: &[f32], bases: &[f32]) -> Vec<f32> {
        let filters = coefficients.chunks_exact(padded(fan_in)).zip(bases.chunks_exact(self.bases(fan_in)));
        let mut result = Vec::with_capacity(coefficients.len());
        for (coefficients, bases) in filters {
            let start = result.len();
            let chunks = coefficients.chunks(self.rows * SIDE).zip(bases.chunks_exact(BASIS));
            for (coefficients, b) in chunks {
                for c in coefficients.chunks_exact(SIDE) {
                    result.extend((0..SIDE).map(|s| c[0] * b[s] + c[1] * b[SIDE + s] + c[2] * b[2 * SIDE + s]));
                }
            }
            result.truncate(start + fan_in);
        }
        result
    }

    /// For the graph: coefficients as integers, bases as bytes, and the product of their units.
    ///
    /// Real weights are decomposed for the occasion.
    fn exported(&self, matrix: Matrix, latent: Latent<'_>) -> Exported {
        if !self.is_split {
            let (mut deal, mut weights, mut extra) = (self.clone(), latent.weights.to_vec(), latent.extra.to_vec());
            deal.split(&mut weights, &mut extra, matrix.fan_in, 1.0);
            return deal.exported(matrix, Latent { weights: &weights, extra: &extra });
        }
        let Parts { values, basis, powers, units } = self.parts(matrix, latent);
        let scales = powers.iter().zip(units).map(|(power, unit)| power * unit).collect();
        Exported { quantizer: WeightQuantizer::SmartDeal { rows: self.rows as u32 }, values, basis, scales }
    }

    /// Integers and their units; one unit a filter, or one for all if the scale is shared.
    fn parts(&self, matrix: Matrix, latent: Latent<'_>) -> Parts {
        let padded = padded(matrix.fan_in);
        let (group, bases) = match matrix.is_shared {
            true => (latent.weights.len(), latent.extra.len()),
            false => (padded, self.bases(matrix.fan_in)),
        };
        let mut parts = Parts::default();
        let masks = self.mask.chunks_exact(group);
        let groups = latent.weights.chunks_exact(group).zip(masks).zip(latent.extra.chunks_exact(bases));
        for ((weights, mask), extra) in groups {
            let lowest = lowest_power(weights, mask);
            parts.values.extend(weights.iter().zip(mask).map(|(&c, &is_kept)| code(c, is_kept, lowest)));
            parts.powers.push(exp2(lowest));
            let unit = extra.iter().fold(1e-12f32, |largest, b| largest.max(b.abs())) / 127.0;
            parts.basis.extend(extra.iter().map(|b| (b / unit).round()));
            parts.units.push(unit);
        }
        self.empty_dead_chunks(matrix.fan_in, &mut parts.values, &parts.basis);
        parts
    }

    /// A basis that rounds to nothing is used by no coefficient.
    fn empty_dead_chunks(&self, fan_in: usize, values: &mut [f32], basis: &[f32]) {
        let filters = values.chunks_exact_mut(padded(fan_in)).zip(basis.chunks_exact(self.bases(fan_in)));
        for (values, basis) in filters {
            for (values, basis) in values.chunks_mut(self.rows * SIDE).zip(basis.chunks_exact(BASIS)) {
                if basis.iter().all(|&b| b == 0.0) {
                    values.fill(0.0);
                }
            }
        }
    }

    /// Decomposes every chunk, with the threshold that keeps the stated share of coefficients of the layer.
    ///
    /// `progress` below 1 keeps more.
    fn split(&mut self, weights: &mut [f32], extra: &mut [f32], fan_in: usize, progress: f32) {
        let share = 1.0 - (1.0 - self.share) * progress;
        let (mut low, mut high) = (0.0, weights.iter().fold(0.0f32, |largest, w| largest.max(w.abs())));
        let mut found = self.decomposed(weights, fan_in, low);
        for _ in 0..12 {
            let middle = 0.5 * (low + high);
            let tried = self.decomposed(weights, fan_in, middle);
            let kept = tried.iter().flat_map(|one| &one.coefficients).filter(|c| **c != 0.0).count();
            if kept as f32 > share * weights.len() as f32 {
                low = middle;
            } else {
                (high, found) = (middle, tried);
            }
        }
        let coefficients = found.iter().flat_map(|one| &one.coefficients);
        weights.iter_mut().zip(coefficients).for_each(|(w, c)| *w = *c);
        extra.iter_mut().zip(found.iter().flat_map(|one| one.basis)).for_each(|(b, found)| *b = found);
        revive(weights, extra, padded(fan_in), self.bases(fan_in));
        self.mask = weights.iter().map(|&c| c != 0.0).collect();
        self.counters = vec![0; if self.training == Training::Switch { weights.len() } else { 0 }];
        self.momentum = vec![0.0; self.counters.len()];
        self.is_split = true;
    }

    /// Every chunk of every filter.
    fn decomposed(&self, weights: &[f32], fan_in: usize, threshold: f32) -> Vec<Decomposed> {
        let filters: Vec<Vec<Decomposed>> = weights
            .par_chunks_exact(padded(fan_in))
            .map(|filter| filter.chunks(self.rows * SIDE).map(|chunk| decompose(chunk, threshold)).collect())
            .collect();
        filters.concat()
    }
}

impl Rule for SmartDeal {
    fn name(&self) -> &'static str {
        "smart-deal"
    }

    fn integers(&self, matrix: Matrix, latent: Latent<'_>) -> Integers {
        let Exported { values, basis, scales, .. } = self.exported(matrix, latent);
        Integers { values: self.rebuild(matrix.fan_in, &values, &basis), scales }
    }

    /// Real weights without the padding, until they are split.
    fn effective(&self, matrix: Matrix, latent: Latent<'_>) -> Vec<f32> {
        match self.is_split {
            false => strip(latent.weights, matrix.fan_in),
            true => self.integers(matrix, latent).times(),
        }
    }

    /// Straight through both roundings: `dC = G B'` where coefficients are kept, `dB = C' G`.
    fn backward(&self, matrix: Matrix, latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let fan_in = matrix.fan_in;
        let gradient = pad(&gradient, fan_in);
        if !self.is_split {
            return (gradient, vec![0.0; latent.extra.len()]);
        }
        let parts = self.parts(matrix, latent);
        let mut dc = vec![0.0; gradient.len()];
        let mut db = vec![0.0; latent.extra.len()];
        let (padded, bases) = (padded(fan_in), self.bases(fan_in));
        for (filter, gradient) in gradient.chunks_exact(padded).enumerate() {
            let group = if matrix.is_shared { 0 } else { filter };
            let (power, unit) = (parts.powers[group], parts.units[group]);
            for (row, g) in gradient.chunks_exact(SIDE).enumerate() {
                let first = filter * padded + row * SIDE;
                let chunk = filter * bases + row / self.rows * BASIS;
                for j in (0..SIDE).filter(|j| self.mask[first + j]) {
                    let places = chunk + j * SIDE..chunk + (j + 1) * SIDE;
                    let along: f32 = g.iter().zip(&parts.basis[places.clone()]).map(|(g, b)| g * b).sum();
                    dc[first + j] = along * unit;
                    let coefficient = parts.values[first + j] * power;
                    db[places].iter_mut().zip(g).for_each(|(sum, g)| *sum += g * coefficient);
                }
            }
        }
        (dc, db)
    }

    fn follow(&mut self, matrix: Matrix, weights: &mut [f32], extra: &mut [f32], moment: Moment) -> bool {
        let fan_in = matrix.fan_in;
        let is_last = moment.step >= moment.steps;
        match self.training {
            _ if self.is_split => false,
            Training::Project if moment.ends_epoch() || is_last => {
                self.split(weights, extra, fan_in, moment.progress());
                if !is_last {
                    self.is_split = false;
                    let built = self.rebuild(fan_in, weights, extra);
                    weights.copy_from_slice(&pad(&built, fan_in));
                }
                true
            }
            Training::Straight | Training::Switch if moment.progress() >= SPLIT => {
                self.split(weights, extra, fan_in, 1.0);
                true
            }
            _ => false,
        }
    }

    /// Moves coefficients by whole exponents ("bucket switch"): signs of the running gradient are counted, and where
    /// enough of them agree the coefficient doubles or halves in the direction of descent.
    ///
    /// `share` is the rate as a part of the highest: with a lower rate more have to agree.
    /// The gradient of coefficients is then zero for the step rule; other ways of training leave it alone.
    fn observe(&mut self, weights: &mut [f32], gradient: &mut [f32], share: f32) {
        if self.counters.is_empty() {
            return;
        }
        let bar = (f32::from(BAR) / share.max(1e-3)).min(f32::from(i16::MAX)) as i16;
        let largest = weights.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
        let state = self.counters.iter_mut().zip(&mut self.momentum).zip(&self.mask);
        for ((weight, gradient), ((counter, momentum), _)) in
            weights.iter_mut().zip(gradient.iter_mut()).zip(state).filter(|(_, (_, is_kept))| **is_kept)
        {
            *momentum = MOMENTUM * *momentum + *gradient;
            // Descent that goes along the coefficient makes it larger.
            let along = -*momentum * *weight;
            *counter = counter.saturating_add(i16::from(along > 0.0) - i16::from(along < 0.0));
            if counter.saturating_abs() >= bar {
                let factor = if *counter > 0 { 2.0 } else { 0.5 };
                *weight = (weight.abs() * factor).clamp(largest / exp2(SPAN), largest).copysign(*weight);
                *counter = 0;
            }
        }
        gradient.fill(0.0);
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.exported(matrix, latent))
    }

    fn is_settled(&self) -> bool {
        self.is_split
    }

    /// Masks and counters have the length of the latent numbers, where there are any.
    fn fits(&self, stored: &Self, count: usize) -> bool {
        let fits = |length: usize| length == count || length == 0;
        (stored.rows, stored.training) == (self.rows, self.training)
            && (stored.mask.len() == count || !stored.is_split)
            && fits(stored.counters.len())
            && stored.momentum.len() == stored.counters.len()
    }
}

/// Integers of one layer with their units.
#[derive(Default)]
struct Parts {
    values: Vec<f32>,
    basis: Vec<f32>,
    powers: Vec<f32>,
    units: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream, symmetric};
    use crate::weights::Quantizer;
    use crate::weights::grid::nearest_power;

    const MATRIX: Matrix = Matrix { fan_in: 17, is_shared: false };

    fn random(count: usize) -> Vec<f32> {
        let mut rng = stream(4, Purpose::Weights, 0, 0);
        (0..count).map(|_| symmetric(&mut rng)).collect()
    }

    /// Three filters of 17 weights, split with most coefficients kept.
    fn split(training: Training) -> (SmartDeal, Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut deal = SmartDeal::new(17, 0.8, training);
        deal.rows = 4;
        let real = random(51);
        let (mut weights, mut extra) = (pad(&real, 17), vec![0.0; 3 * deal.bases(17)]);
        deal.split(&mut weights, &mut extra, 17, 1.0);
        (deal, weights, extra, real)
    }

    #[test]
    fn a_split_layer_is_near_what_it_was_and_exports_integers() {
        let (deal, weights, extra, real) = split(Training::Straight);
        let quantizer = Quantizer { rule: Box::new(deal), matrix: MATRIX };
        let kept = weights.iter().filter(|c| **c != 0.0).count();
        assert!((36..=43).contains(&kept), "{kept}");
        let latent = Latent { weights: &weights, extra: &extra };
        let effective = quantizer.effective(latent);
        let error: f32 = effective.iter().zip(&real).map(|(a, b)| (a - b).powi(2)).sum();
        let energy: f32 = real.iter().map(|b| b * b).sum();
        assert!(error < 0.1 * energy, "{error} of {energy}");
        let exported = quantizer.export(latent).unwrap();
        let graph = bitfab_graph::Weights {
            values: exported.values,
            shape: [3, 1, 1, 17],
            quantizer: exported.quantizer,
            basis: exported.basis,
        };
        let integers: Vec<f32> = graph.quantized().iter().map(|&w| w as f32).collect();
        assert_eq!(integers, quantizer.integers(latent).values);
    }

    /// Rounding steps aside (coefficients are powers and bases lie on their grid), weights are linear in either.
    #[test]
    fn gradients_follow_their_differences() {
        let (deal, weights, extra, _) = split(Training::Straight);
        let pull = random(51);
        let loss = |weights: &[f32], extra: &[f32]| -> f32 {
            deal.rebuild(17, weights, extra).iter().zip(&pull).map(|(w, p)| w * p).sum()
        };
        let latent = Latent { weights: &weights, extra: &extra };
        let (dc, db) = deal.backward(MATRIX, latent, pull.clone());
        for at in 0..weights.len() {
            let mut moved = weights.clone();
            moved[at] += 0.5;
            let slope = 2.0 * (loss(&moved, &extra) - loss(&weights, &extra));
            let expected = if weights[at] == 0.0 { 0.0 } else { slope };
            assert!((dc[at] - expected).abs() < 0.03, "coefficient {at}: {} for {expected}", dc[at]);
        }
        for at in 0..extra.len() {
            let mut moved = extra.clone();
            moved[at] += 0.5;
            let slope = 2.0 * (loss(&weights, &moved) - loss(&weights, &extra));
            assert!((db[at] - slope).abs() < 1e-4, "basis {at}: {} for {slope}", db[at]);
        }
    }

    #[test]
    fn a_switch_moves_by_one_exponent_once_enough_gradients_agree() {
        let (mut deal, mut weights, _, _) = split(Training::Switch);
        let before = weights.clone();
        let at = weights.iter().position(|c| (0.1..0.3).contains(c)).unwrap();
        for step in 0..BAR {
            assert_eq!(weights, before, "step {step}");
            let mut gradient = vec![0.0; weights.len()];
            gradient[at] = -1e-3;
            deal.observe(&mut weights, &mut gradient, 1.0);
            assert!(gradient.iter().all(|&g| g == 0.0));
        }
        assert_eq!(weights[at], 2.0 * before[at]);
        assert_eq!(weights.iter().zip(&before).filter(|(a, b)| a != b).count(), 1);
    }

    #[test]
    fn projection_keeps_real_weights_until_the_last_step() {
        let mut deal = SmartDeal::new(9, 0.5, Training::Project);
        let (mut weights, mut extra) = (random(18), vec![0.0; 18]);
        let first = weights.clone();
        for step in 1..=6 {
            let moment = Moment { step, steps: 6, epoch: 3 };
            assert_eq!(
                deal.follow(Matrix { fan_in: 9, is_shared: false }, &mut weights, &mut extra, moment),
                step % 3 == 0
            );
            assert_eq!(deal.is_split, step == 6);
            assert_eq!(weights != first, step >= 3);
        }
        assert!(weights.iter().filter(|c| **c != 0.0).count() <= 9);
        assert!(weights.iter().all(|&c| c == 0.0 || c.abs() == exp2(nearest_power(c))));
    }

    #[test]
    fn chunks_are_as_long_as_they_may_be_and_alike() {
        let rows = |fan_in| SmartDeal::new(fan_in, 0.5, Training::Straight).rows;
        assert_eq!([784, 256, 9, 1, 576, 600].map(rows), [131, 86, 3, 1, 192, 100]);
        assert_eq!(SmartDeal::new(784, 0.5, Training::Straight).bases(784), 18);
    }
}
