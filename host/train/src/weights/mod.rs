//! How latent numbers become weights, how gradients come back, and what is exported.
//!
//! One rule a layer: `effective` gives the weights of the forward pass, `backward` turns their gradient into those of
//! the latent numbers, `follow` moves masks and phases after each step, and `export` gives integers and exact scales.
//! The forward pass uses those same integers times those same scales, so only rounding separates it from a model.

mod alpha_beta;
mod binary;
mod decompose;
mod grid;
mod smart_deal;
mod ternary;

pub use alpha_beta::{AlphaBeta, split_by_count};
pub use decompose::{Decomposed, decompose};
pub use grid::{nearest_power, power_ap2};
pub use smart_deal::{SmartDeal, Training};
pub use ternary::Ternary;

use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The rule of one layer with what it keeps besides parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// Real weights.
    Float,
    /// Signs.
    Sign,
    /// Signs times the mean magnitude of their filter.
    Scaled,
    /// Integers of this many bits.
    Integer(u32),
    /// Odd integers of this many bits.
    Planes(u32),
    /// Powers of two.
    Power,
    /// Two learned values.
    AlphaBeta(AlphaBeta),
    /// -1, 0, +1.
    Ternary(Ternary),
    /// Powers of two times a basis.
    SmartDeal(SmartDeal),
}

impl Rule {
    /// Whether weights are learned in the form in which they are exported.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Ternary(ternary) => ternary.is_ternary,
            Self::SmartDeal(deal) => deal.is_split,
            _ => true,
        }
    }
}

/// Where a run is: finished steps and all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Finished steps.
    pub step: u64,
    /// All steps.
    pub steps: u64,
    /// Steps of an epoch.
    pub epoch: u64,
}

impl Moment {
    /// From 0 to 1.
    pub fn progress(self) -> f32 {
        (self.step as f64 / self.steps.max(1) as f64) as f32
    }

    /// Whether an epoch has just ended.
    pub fn ends_epoch(self) -> bool {
        self.step.is_multiple_of(self.epoch.max(1))
    }
}

/// A rule on a matrix of known size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantizer {
    /// The rule.
    pub rule: Rule,
    /// Weights of one output.
    pub fan_in: usize,
    /// Whether all outputs have one scale, because no batch norm follows.
    pub is_shared: bool,
}

/// The latent numbers of one layer.
#[derive(Clone, Copy, Debug)]
pub struct Latent<'a> {
    /// One a weight (SmartDeal: one a coefficient).
    pub weights: &'a [f32],
    /// What else learns: the two values of [`AlphaBeta`], the bases of [`SmartDeal`], else nothing.
    pub extra: &'a [f32],
}

/// Integers and real scales: a weight is an integer times the scale of its output.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// Whole numbers, outputs x fan_in.
    pub values: Vec<f32>,
    /// One an output, or one for all.
    pub scales: Vec<f32>,
}

/// What the graph gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The graph's quantiser.
    pub quantizer: WeightQuantizer,
    /// Its values.
    pub values: Vec<f32>,
    /// Its basis; mostly none.
    pub basis: Vec<f32>,
    /// One an output, or one for all.
    pub scales: Vec<f32>,
}

impl Quantizer {
    /// The weights of the forward pass.
    pub fn effective(&self, latent: Latent<'_>) -> Vec<f32> {
        let real = match &self.rule {
            Rule::Float => Some(latent.weights.to_vec()),
            Rule::Ternary(ternary) => ternary.before(self, latent),
            Rule::SmartDeal(deal) => deal.before(self, latent),
            _ => None,
        };
        real.unwrap_or_else(|| self.integers(latent).times())
    }

    /// The weights as integers and scales.
    pub fn integers(&self, latent: Latent<'_>) -> Integers {
        let weights = latent.weights;
        match &self.rule {
            Rule::Float => Integers { values: weights.to_vec(), scales: vec![1.0] },
            Rule::Sign => Integers { values: binary::signs(weights), scales: vec![1.0] },
            Rule::Scaled => {
                Integers { values: binary::signs(weights), scales: self.groups(weights, binary::mean_size) }
            }
            Rule::Integer(bits) => grid::integers(weights, *bits),
            Rule::Planes(bits) => grid::planes(weights, *bits),
            Rule::Power => self.powers(weights),
            Rule::AlphaBeta(rule) => rule.integers(latent),
            Rule::Ternary(ternary) => ternary.integers(self, latent),
            Rule::SmartDeal(deal) => deal.integers(self, latent),
        }
    }

    /// Gradients of the latent weights and of what else learns, from that of the effective weights.
    pub fn backward(&self, latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let plain = match &self.rule {
            Rule::Float | Rule::Sign | Rule::Power => gradient,
            Rule::Scaled => self.scaled_backward(latent.weights, gradient),
            Rule::Integer(_) | Rule::Planes(_) => grid::within(latent.weights, gradient),
            Rule::AlphaBeta(rule) => return rule.backward(latent, gradient),
            Rule::Ternary(ternary) => ternary.backward(self, latent, gradient),
            Rule::SmartDeal(deal) => return deal.backward(self, latent, gradient),
        };
        (plain, Vec::new())
    }

    /// Before a step: some rules move their weights by themselves; `share` is the rate as a part of the highest.
    pub fn observe(&mut self, weights: &mut [f32], gradient: &mut [f32], share: f32) {
        if let Rule::SmartDeal(deal) = &mut self.rule {
            deal.observe(weights, gradient, share);
        }
    }

    /// After a step: moves masks and phases; true if the numbers got another meaning and momentum is void.
    pub fn follow(&mut self, weights: &mut [f32], extra: &mut [f32], moment: Moment) -> bool {
        let (fan_in, is_shared) = (self.fan_in, self.is_shared);
        match &mut self.rule {
            Rule::Scaled => {
                weights.chunks_exact_mut(fan_in).for_each(binary::center);
                false
            }
            Rule::AlphaBeta(_) => {
                AlphaBeta::guard(extra);
                false
            }
            Rule::Ternary(ternary) => ternary.follow(weights, fan_in, is_shared, moment),
            Rule::SmartDeal(deal) => deal.follow(weights, extra, fan_in, moment),
            _ => false,
        }
    }

    /// Integers for the graph; none for real weights.
    pub fn export(&self, latent: Latent<'_>) -> Option<Exported> {
        let quantizer = match &self.rule {
            Rule::Float => return None,
            Rule::SmartDeal(deal) => return Some(deal.export(self, latent)),
            Rule::Planes(bits) => return Some(grid::export_planes(latent.weights, *bits)),
            Rule::AlphaBeta(rule) => return Some(rule.export(latent)),
            Rule::Sign | Rule::Scaled => WeightQuantizer::Sign,
            Rule::Integer(bits) => WeightQuantizer::Integer { bits: *bits },
            Rule::Power => WeightQuantizer::PowerOfTwo,
            Rule::Ternary(_) => WeightQuantizer::Ternary,
        };
        let Integers { values, scales } = self.integers(latent);
        let values = if matches!(self.rule, Rule::Sign) { latent.weights.to_vec() } else { values };
        Some(Exported { quantizer, values, basis: Vec::new(), scales })
    }

    /// Whether a stored rule of `count` latent numbers fits in place of this one.
    pub(crate) fn is_like(&self, other: &Self, count: usize) -> bool {
        let is_same = std::mem::discriminant(&self.rule) == std::mem::discriminant(&other.rule);
        let fits = match (&self.rule, &other.rule) {
            (Rule::Ternary(a), Rule::Ternary(b)) => a.mask.len() == b.mask.len(),
            (Rule::SmartDeal(a), Rule::SmartDeal(b)) => {
                a.rows == b.rows && a.training == b.training && a.is_sound(count)
            }
            (Rule::AlphaBeta(a), Rule::AlphaBeta(b)) => a == b,
            _ => true,
        };
        is_same && fits && self.fan_in == other.fan_in && self.is_shared == other.is_shared
    }

    /// `f` of each output's weights, or of all if the scale is shared.
    fn groups(&self, weights: &[f32], f: impl Fn(&[f32]) -> f32) -> Vec<f32> {
        if self.is_shared { vec![f(weights)] } else { weights.chunks_exact(self.fan_in).map(f).collect() }
    }

    /// Length of a group with one scale.
    fn group(&self, weights: &[f32]) -> usize {
        if self.is_shared { weights.len() } else { self.fan_in }
    }

    fn powers(&self, weights: &[f32]) -> Integers {
        let groups = weights.chunks_exact(self.group(weights)).map(grid::powers);
        let (values, scales): (Vec<Vec<f32>>, Vec<f32>) = groups.unzip();
        Integers { values: values.concat(), scales }
    }

    fn scaled_backward(&self, weights: &[f32], mut gradient: Vec<f32>) -> Vec<f32> {
        let group = self.group(weights);
        for (weights, gradient) in weights.chunks_exact(group).zip(gradient.chunks_exact_mut(group)) {
            binary::scaled_backward(weights, gradient);
        }
        gradient
    }
}

impl Integers {
    /// The products.
    pub fn times(self) -> Vec<f32> {
        let Self { mut values, scales } = self;
        if scales == [1.0] {
            return values;
        }
        let group = values.len() / scales.len().max(1);
        for (values, scale) in values.chunks_exact_mut(group).zip(scales) {
            values.iter_mut().for_each(|value| *value *= scale);
        }
        values
    }
}
