//! Two learned values a layer, one of them rare (Schiavone and Zuluaga 2022, Schiavone et al. 2023).

use super::{Exported, Integers, Latent};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The smallest half distance of the two values.
const SMALLEST: f32 = 0.05;

/// Weights are `phi + tau sgn(w)`, `sgn` of 0 being -1; `extra` holds `tau` and `phi`.
///
/// The smaller value divided by the distance of both lies on a grid of `2^-shift`, in learning as in the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlphaBeta {
    /// Bits behind the point of the ratio.
    pub shift: u32,
}

impl AlphaBeta {
    /// The first `tau` and `phi`: plain signs.
    pub const START: [f32; 2] = [1.0, 0.0];

    /// The ratio on its grid and the real size of its unit.
    fn ratio(&self, extra: &[f32]) -> (i32, f32) {
        let [tau, phi] = [extra[0], extra[1]];
        let one = (1i32 << self.shift) as f32;
        let ratio = ((phi - tau) / (2.0 * tau) * one).round().clamp(-one, one - 1.0);
        (ratio as i32, 2.0 * tau / one)
    }

    pub(super) fn integers(&self, latent: Latent<'_>) -> Integers {
        let Exported { values, scales, quantizer, .. } = self.export(latent);
        Integers { values: values.iter().map(|&v| quantizer.quantize(v) as f32).collect(), scales }
    }

    pub(super) fn export(&self, latent: Latent<'_>) -> Exported {
        let (ratio, unit) = self.ratio(latent.extra);
        Exported {
            quantizer: WeightQuantizer::AlphaBeta { ratio, shift: self.shift },
            values: latent.weights.to_vec(),
            basis: Vec::new(),
            scales: vec![unit],
        }
    }

    /// Straight through sign and grid: `dw = tau g`, `dtau = sum g sgn(w)`, `dphi = sum g`.
    pub(super) fn backward(&self, latent: Latent<'_>, mut gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let (mut tau, mut phi) = (0.0, 0.0);
        for (gradient, &w) in gradient.iter_mut().zip(latent.weights) {
            phi += f64::from(*gradient);
            tau += f64::from(if w > 0.0 { *gradient } else { -*gradient });
            *gradient *= latent.extra[0];
        }
        (gradient, vec![tau as f32, phi as f32])
    }

    /// Keeps both values apart, and of a ratio that the grid can state.
    pub(super) fn guard(extra: &mut [f32]) {
        if let [tau, phi] = extra {
            *tau = tau.max(SMALLEST);
            *phi = phi.clamp(-*tau, 2.9 * *tau);
        }
    }

    /// Weights that take the second value.
    pub fn ones(weights: &[f32]) -> usize {
        weights.iter().filter(|&&w| w > 0.0).count()
    }
}

/// The two values that are nearest to `values` (least squares) if `ones` of them take the second:
/// the mean of the rest and the mean of the `ones` largest.
pub fn split_by_count(values: &[f32], ones: usize) -> (f32, f32) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mean = |part: &[f32]| (part.iter().map(|&v| f64::from(v)).sum::<f64>() / part.len().max(1) as f64) as f32;
    let (rest, largest) = sorted.split_at(sorted.len().saturating_sub(ones));
    (mean(rest), mean(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latent<'a>(weights: &'a [f32], extra: &'a [f32]) -> Latent<'a> {
        Latent { weights, extra }
    }

    #[test]
    fn weights_are_two_values_on_the_grid_of_the_ratio() {
        let rule = AlphaBeta { shift: 4 };
        let weights = [0.5, -0.5, 0.0, 1e-9];
        assert_eq!(rule.integers(latent(&weights, &AlphaBeta::START)).times(), [1.0, -1.0, -1.0, 1.0]);
        // alpha = -0.2, beta = 1.4, distance 1.6; the ratio is -2 / 16.
        let integers = rule.integers(latent(&weights, &[0.8, 0.6]));
        assert_eq!(integers.values, [14.0, -2.0, -2.0, 14.0]);
        assert_eq!(integers.scales, [0.1]);
    }

    #[test]
    fn gradients_of_both_values_follow_their_differences() {
        let (weights, pull) = ([0.5f32, -0.5, -0.1, 0.2, -0.3], [1.0f32, 2.0, -0.5, 0.25, 1.5]);
        // The finest grid is nearly none.
        let rule = AlphaBeta { shift: 15 };
        let loss = |extra: &[f32]| -> f32 {
            rule.integers(latent(&weights, extra)).times().iter().zip(pull).map(|(w, p)| w * p).sum()
        };
        let (dw, extra) = rule.backward(latent(&weights, &[0.75, 0.25]), pull.to_vec());
        let slope = |high: [f32; 2], low: [f32; 2]| (loss(&high) - loss(&low)) / 0.25;
        assert!((extra[0] - slope([0.875, 0.25], [0.625, 0.25])).abs() < 1e-2, "{extra:?}");
        assert!((extra[1] - slope([0.75, 0.375], [0.75, 0.125])).abs() < 1e-2, "{extra:?}");
        assert_eq!(dw, pull.map(|p| p * 0.75));
    }

    #[test]
    fn the_guard_keeps_every_ratio_within_the_format() {
        let rule = AlphaBeta { shift: 6 };
        for tau in [-3.0, 0.0, 0.01, 2.0] {
            for phi in [-9.0, -1.0, 0.0, 1.0, 9.0] {
                let mut extra = [tau, phi];
                AlphaBeta::guard(&mut extra);
                let (ratio, unit) = rule.ratio(&extra);
                assert!((-64..64).contains(&ratio) && unit > 0.0, "{tau} {phi}: {ratio}");
                let exact = (extra[1] - extra[0]) / (2.0 * extra[0]) * 64.0;
                assert!((ratio as f32 - exact).abs() <= 0.51, "{tau} {phi}: {ratio} for {exact}");
            }
        }
    }

    #[test]
    fn the_closed_form_is_the_best_split_of_its_count() {
        let values = [0.9f32, -0.2, 0.1, 0.4, -0.5, 0.0];
        let (alpha, beta) = split_by_count(&values, 2);
        assert!((alpha + 0.15).abs() < 1e-6 && (beta - 0.65).abs() < 1e-6);
        let error = |ones: [usize; 2], alpha: f32, beta: f32| -> f32 {
            let one = |(at, v): (usize, &f32)| (v - if ones.contains(&at) { beta } else { alpha }).powi(2);
            values.iter().enumerate().map(one).sum()
        };
        let best = error([0, 3], alpha, beta);
        for a in 0..6 {
            for b in 0..a {
                for (alpha, beta) in [(alpha, beta), (alpha + 0.01, beta), (alpha, beta - 0.01)] {
                    assert!(error([a, b], alpha, beta) >= best - 1e-6);
                }
            }
        }
    }
}
