//! Sparse binary networks: two learned values a layer, one of them rare (Schiavone, Zuluaga, arXiv 2207.04974, 2022;
//! Schiavone, Galati, Zuluaga, ECML PKDD 2023, arXiv 2306.13515).
//!
//! `W = phi + tau sgn(w)`; the share of `ones`, over all such layers, is held down by the penalty
//! `lambda max(r - goal, 0)`. In runs of some ten epochs the penalty, a share of a loss that goes to nothing, does not
//! reach 5 % alone, so the number of ones is also capped, and the largest latent weights remain: the closed form for
//! their number.

use super::{About, Demo, Knob, Knobs, Method, Row, Site, Start};
use crate::weights::{Exported, Integers, Latent, Matrix, Moment, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct Sbnn;

pub(super) static SBNN: Sbnn = Sbnn;

static ONES: Knob = Knob {
    name: "ones",
    usual: 0.1,
    range: [0.001, 1.0],
    value: "SHARE",
    help: "sbnn: largest share of ones among the weights, over all such layers [default: 0.1]",
};

static PENALTY: Knob = Knob {
    name: "penalty",
    usual: 0.0,
    range: [0.0, 0.95],
    value: "SHARE",
    help: "sbnn: share of the loss that the penalty has while there are more ones [default: what suits the share]",
};

static ABOUT: About = About {
    name: "sbnn",
    paper: "Schiavone et al. 2022, 2023, arXiv 2207.04974, 2306.13515",
    weights: "two values, few \"ones\"",
    learning: "learned values on a grid of 1/64; a penalty, and a falling cap on the number of `ones`",
    knobs: &[&ONES, &PENALTY],
    bench: &[
        Row { settings: &[("ones", 0.10)], ..Row::new("sbnn-10", 20) },
        Row { settings: &[("ones", 0.05)], ..Row::new("sbnn-5", 20) },
    ],
    demo: Some(Demo {
        kind: "sparse-binary",
        help: "Two learned values, at most one weight in ten takes the second",
        what: "of two weight values, one of them rare, and signs",
        bits: 0,
        settings: &[],
    }),
    ..About::PLAIN
};

/// Bits behind the point of the ratio of two values.
const RATIO_BITS: u32 = 6;
/// Where latent weights are held.
const LIMIT: f32 = 1.5;

impl Method for Sbnn {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, _: &Site<'_>) -> Start {
        let rule = SparseBinary { shift: RATIO_BITS };
        Start { extra: SparseBinary::START.to_vec(), limit: Some(LIMIT), ..Start::new(rule) }
    }

    /// Adds the gradient of `lambda max(r - goal, 0)`, `r` the share of ones over all layers of two values and
    /// `lambda = gamma loss / (excess (1 - gamma))`, so that the penalty is the share gamma of the whole.
    ///
    /// The number of ones is `sum (sgn(w) + 1) / 2` with the gradient of the identity in place of the sign's.
    fn before_step(&self, knobs: &Knobs, loss: f64, latent: &[&[f32]], gradients: &mut [&mut [f32]]) {
        let [total, ones] = counts(latent);
        let goal = knobs.get(&ONES);
        let excess = ones as f32 / total.max(1) as f32 - goal * MARGIN;
        if excess <= SLIGHT || goal >= 0.5 {
            return;
        }
        let gamma = penalty(knobs);
        let lambda = gamma * loss as f32 / (excess * (1.0 - gamma));
        let slope = lambda * 0.5 / total as f32;
        gradients.iter_mut().flat_map(|layer| layer.iter_mut()).for_each(|gradient| *gradient += slope);
    }

    /// Flips the smallest weights among the ones while there are more than the cap: it falls from one half to the
    /// constraint, fast at first.
    ///
    /// Which ones remain is the closed form for their number: the largest.
    fn after_step(&self, knobs: &Knobs, moment: Moment, latent: &mut [&mut [f32]]) {
        let (progress, goal) = (moment.progress(), knobs.get(&ONES));
        let is_due = moment.step.is_multiple_of(EVERY) || moment.step == moment.steps;
        if goal >= 0.5 || progress < CAPPED || !is_due {
            return;
        }
        let total: usize = latent.iter().map(|layer| layer.len()).sum();
        let part = ((progress - CAPPED) / (TIGHT - CAPPED)).min(1.0);
        let most = (total as f32 * (goal + (0.5 - goal) * (1.0 - part).powi(3))) as usize;
        let positive = latent.iter().flat_map(|layer| layer.iter()).filter(|w| **w > 0.0);
        let mut ones: Vec<f32> = positive.copied().collect();
        if ones.len() <= most {
            return;
        }
        let surplus = ones.len() - most;
        let (_, limit, _) = ones.select_nth_unstable_by(surplus - 1, f32::total_cmp);
        let limit = *limit;
        let layers = latent.iter_mut().flat_map(|layer| layer.iter_mut());
        layers.filter(|w| **w > 0.0 && **w <= limit).for_each(|w| *w = -*w);
    }

    /// No more ones than the end may have.
    fn is_settled(&self, knobs: &Knobs, latent: &[&[f32]]) -> bool {
        let ([total, ones], goal) = (counts(latent), knobs.get(&ONES));
        goal >= 0.5 || ones <= (total as f32 * goal) as usize
    }
}

/// All weights, and those that take the second value.
fn counts(latent: &[&[f32]]) -> [usize; 2] {
    let ones = |layer: &[f32]| layer.iter().filter(|&&w| w > 0.0).count();
    [latent.iter().map(|layer| layer.len()).sum(), latent.iter().map(|layer| ones(layer)).sum()]
}

/// The penalty aims a little below the constraint, so that the end of a run lies below it.
const MARGIN: f32 = 0.97;
/// A smaller excess counts as none.
const SLIGHT: f32 = 1e-4;
/// The cap on the number of ones starts to fall here.
const CAPPED: f32 = 0.05;
/// From here on the cap is the constraint itself.
const TIGHT: f32 = 0.6;
/// Steps between two checks of the cap.
const EVERY: u64 = 10;

/// The share of the loss for a constraint, for runs of some ten epochs (three to five times the paper's).
fn penalty(knobs: &Knobs) -> f32 {
    match knobs.get(&ONES) {
        _ if knobs.get(&PENALTY) > 0.0 => knobs.get(&PENALTY),
        ones if ones >= 0.2 => 0.1,
        ones if ones > 0.07 => 0.2,
        ones if ones > 0.03 => 0.3,
        _ => 0.4,
    }
}

/// The smallest half distance of the two values.
const SMALLEST: f32 = 0.05;

/// Weights are `phi + tau sgn(w)`, `sgn` of 0 being -1; `extra` holds `tau` and `phi`.
///
/// The smaller value divided by the distance of both lies on a grid of `2^-shift`, in learning as in the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparseBinary {
    /// Bits behind the point of the ratio.
    pub shift: u32,
}

impl SparseBinary {
    /// The first `tau` and `phi`: plain signs.
    pub const START: [f32; 2] = [1.0, 0.0];

    /// The ratio on its grid and the real size of its unit.
    fn ratio(&self, extra: &[f32]) -> (i32, f32) {
        let [tau, phi] = [extra[0], extra[1]];
        let one = (1i32 << self.shift) as f32;
        let ratio = ((phi - tau) / (2.0 * tau) * one).round().clamp(-one, one - 1.0);
        (ratio as i32, 2.0 * tau / one)
    }

    fn exported(&self, latent: Latent<'_>) -> Exported {
        let (ratio, unit) = self.ratio(latent.extra);
        Exported {
            quantizer: WeightQuantizer::SparseBinary { ratio, shift: self.shift },
            values: latent.weights.to_vec(),
            basis: Vec::new(),
            scales: vec![unit],
        }
    }

    /// Keeps both values apart, and of a ratio that the grid can state.
    fn guard(extra: &mut [f32]) {
        if let [tau, phi] = extra {
            *tau = tau.max(SMALLEST);
            *phi = phi.clamp(-*tau, 2.9 * *tau);
        }
    }
}

impl Rule for SparseBinary {
    fn name(&self) -> &'static str {
        "sparse-binary"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        self.exported(latent).integers()
    }

    /// Straight through sign and grid: `dw = tau g`, `dtau = sum g sgn(w)`, `dphi = sum g`.
    fn backward(&self, _: Matrix, latent: Latent<'_>, mut gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let (mut tau, mut phi) = (0.0, 0.0);
        for (gradient, &w) in gradient.iter_mut().zip(latent.weights) {
            phi += f64::from(*gradient);
            tau += f64::from(if w > 0.0 { *gradient } else { -*gradient });
            *gradient *= latent.extra[0];
        }
        (gradient, vec![tau as f32, phi as f32])
    }

    fn export(&self, _: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.exported(latent))
    }

    fn follow(&mut self, _: Matrix, _: &mut [f32], extra: &mut [f32], _: Moment) -> bool {
        Self::guard(extra);
        false
    }

    fn fits(&self, stored: &Self, _: usize) -> bool {
        self == stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATRIX: Matrix = Matrix { fan_in: 4, is_shared: false };

    fn latent<'a>(weights: &'a [f32], extra: &'a [f32]) -> Latent<'a> {
        Latent { weights, extra }
    }

    #[test]
    fn weights_are_two_values_on_the_grid_of_the_ratio() {
        let rule = SparseBinary { shift: 4 };
        let weights = [0.5, -0.5, 0.0, 1e-9];
        assert_eq!(rule.integers(MATRIX, latent(&weights, &SparseBinary::START)).times(), [1.0, -1.0, -1.0, 1.0]);
        // alpha = -0.2, beta = 1.4, distance 1.6; the ratio is -2 / 16.
        let integers = rule.integers(MATRIX, latent(&weights, &[0.8, 0.6]));
        assert_eq!(integers.values, [14.0, -2.0, -2.0, 14.0]);
        assert_eq!(integers.scales, [0.1]);
    }

    #[test]
    fn gradients_of_both_values_follow_their_differences() {
        let (weights, pull) = ([0.5f32, -0.5, -0.1, 0.2, -0.3], [1.0f32, 2.0, -0.5, 0.25, 1.5]);
        // The finest grid is nearly none.
        let rule = SparseBinary { shift: 15 };
        let loss = |extra: &[f32]| -> f32 {
            rule.integers(MATRIX, latent(&weights, extra)).times().iter().zip(pull).map(|(w, p)| w * p).sum()
        };
        let (dw, extra) = rule.backward(MATRIX, latent(&weights, &[0.75, 0.25]), pull.to_vec());
        let slope = |high: [f32; 2], low: [f32; 2]| (loss(&high) - loss(&low)) / 0.25;
        assert!((extra[0] - slope([0.875, 0.25], [0.625, 0.25])).abs() < 1e-2, "{extra:?}");
        assert!((extra[1] - slope([0.75, 0.375], [0.75, 0.125])).abs() < 1e-2, "{extra:?}");
        assert_eq!(dw, pull.map(|p| p * 0.75));
    }

    #[test]
    fn the_guard_keeps_every_ratio_within_the_format() {
        let rule = SparseBinary { shift: 6 };
        for tau in [-3.0, 0.0, 0.01, 2.0] {
            for phi in [-9.0, -1.0, 0.0, 1.0, 9.0] {
                let mut extra = [tau, phi];
                SparseBinary::guard(&mut extra);
                let (ratio, unit) = rule.ratio(&extra);
                assert!((-64..64).contains(&ratio) && unit > 0.0, "{tau} {phi}: {ratio}");
                let exact = (extra[1] - extra[0]) / (2.0 * extra[0]) * 64.0;
                assert!((ratio as f32 - exact).abs() <= 0.51, "{tau} {phi}: {ratio} for {exact}");
            }
        }
    }

    /// Two layers of `[640, 100]` weights with the given share of ones, the smallest first.
    fn layers(share: f32) -> [Vec<f32>; 2] {
        [640, 100].map(|length| {
            let count = (share * length as f32) as usize;
            (0..length).map(|index| if index < count { 1e-3 * (1 + index) as f32 } else { -0.5 }).collect()
        })
    }

    fn knobs(ones: f32, penalty: f32) -> Knobs {
        Knobs::default().with(&[("ones", ones), ("penalty", penalty)])
    }

    /// The gradients that the penalty adds.
    fn penalised(share: f32, knobs: &Knobs) -> Vec<f32> {
        let layers = layers(share);
        let mut gradients = layers.clone().map(|layer| vec![0.0; layer.len()]);
        let mut places: Vec<&mut [f32]> = gradients.iter_mut().map(|one| &mut one[..]).collect();
        SBNN.before_step(knobs, 0.6, &[&layers[0], &layers[1]], &mut places);
        gradients.concat()
    }

    /// `lambda h` is the share gamma of `loss + lambda h`, and its slope along every weight is half of lambda / n.
    #[test]
    fn the_penalty_is_its_share_of_the_loss_while_there_are_too_many_ones() {
        let found = penalised(0.3, &knobs(0.1, 0.25));
        let excess = (192 + 30) as f32 / 740.0 - 0.097;
        let lambda = found[0] * 2.0 * 740.0;
        assert!((lambda * excess / (0.6 + lambda * excess) - 0.25).abs() < 1e-4, "{lambda}");
        assert!(found.iter().all(|&g| g == found[0]));
        assert!(penalised(0.05, &knobs(0.1, 0.25)).iter().all(|&g| g == 0.0));
    }

    #[test]
    fn too_many_ones_are_no_form_to_end_in() {
        let is_settled = |share, ones| {
            let layers = layers(share);
            SBNN.is_settled(&knobs(ones, 0.0), &[&layers[0], &layers[1]])
        };
        assert!(!is_settled(0.11, 0.1));
        assert!(is_settled(0.1, 0.1));
        assert!(is_settled(0.3, 0.5));
    }

    #[test]
    fn the_cap_flips_the_smallest_ones_and_no_more() {
        let before = layers(0.3);
        let capped = |step| {
            let mut after = before.clone();
            let mut places: Vec<&mut [f32]> = after.iter_mut().map(|one| &mut one[..]).collect();
            SBNN.after_step(&knobs(0.1, 0.0), Moment { step, steps: 100, epoch: 10 }, &mut places);
            after
        };
        assert_eq!(capped(4), before, "not yet");
        let (before, after) = (before.concat(), capped(100).concat());
        let [_, ones] = counts(&[&after]);
        assert!((70..=74).contains(&ones), "{ones}");
        let kept = after.iter().copied().filter(|w| *w > 0.0).fold(f32::INFINITY, f32::min);
        for (old, new) in before.into_iter().zip(after) {
            assert!(if old > 0.0 && old < kept { new == -old } else { new == old });
        }
    }
}
