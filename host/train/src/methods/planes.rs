//! Odd integers whose bits nest: dropping the lowest plane leaves the same weights with a bit less.
//!
//! The form that `once-qat` learns at several precisions at once (Wu, He, Tan, Qi, Huang, IEEE TPAMI 45(12), 2023, arXiv
//! 2212.05326), here at one; the grid is an own one: `q = floor(w / c 2^(B - 1))`, a weight is `(2 q + 1) c / 2^B` with
//! `c` three root mean squares, so one plane is exactly a sign.

use super::{About, Bits, Demo, Method, Row, Site, Start};
use crate::weights::grid::{reach, within};
use crate::weights::{Exported, Integers, Latent, Matrix, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct OfPlanes;

pub(super) static PLANES: OfPlanes = OfPlanes;

/// A row of so many planes.
const fn row(name: &'static str, bits: u32) -> Row {
    Row { bits, is_truncated: bits == 8, ..Row::new(name, 15) }
}

static ABOUT: About = About {
    name: "planes",
    bits: Some(Bits { from: 1, to: 8, usual: 4 }),
    paper: "grid of our own for Wu et al. 2023, arXiv 2212.05326",
    weights: "odd integers of B bits that nest",
    learning: "even grid to three root mean squares",
    activation_bits: 4,
    bench: &[row("planes-8", 8), row("planes-4", 4), row("planes-2", 2), row("planes-1", 1)],
    demo: Some(Demo {
        kind: "planes",
        help: "Four planes of signs",
        what: "of 4 planes of signs and 4-bit activations",
        bits: 4,
        settings: &[],
    }),
    ..About::PLAIN
};

impl Method for OfPlanes {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, site: &Site<'_>) -> Start {
        Start::new(Planes { bits: site.bits })
    }
}

/// Odd integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planes {
    /// 1 to 8.
    pub bits: u32,
}

impl Rule for Planes {
    fn name(&self) -> &'static str {
        "planes"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        self.exported(latent.weights).integers()
    }

    fn backward(&self, _: Matrix, latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        (within(latent.weights, gradient), Vec::new())
    }

    fn export(&self, _: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.exported(latent.weights))
    }

    fn set_planes(&mut self, planes: u32) {
        self.bits = planes;
    }

    fn fits(&self, stored: &Self, _: usize) -> bool {
        self == stored
    }
}

impl Planes {
    /// Values are `w / reach`, the same for every number of bits.
    fn exported(&self, weights: &[f32]) -> Exported {
        let reach = reach(weights);
        Exported {
            quantizer: WeightQuantizer::Planes { bits: self.bits },
            values: weights.iter().map(|w| w / reach).collect(),
            basis: Vec::new(),
            scales: vec![reach / (1u32 << self.bits) as f32],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(weights: &[f32], bits: u32) -> Integers {
        Planes { bits }.exported(weights).integers()
    }

    #[test]
    fn planes_approach_the_weights_by_half_with_each_bit() {
        let weights: Vec<f32> = (-50..50).map(|i| i as f32 / 50.0).collect();
        let error = |bits| -> f32 {
            let found = planes(&weights, bits).times();
            found.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        for bits in 1..8 {
            assert!(error(bits) <= reach(&weights) / (1 << bits) as f32 * 1.0001, "{bits}");
        }
        let two = planes(&weights, 2);
        let one: Vec<f32> = two.values.iter().map(|v| 2.0 * ((v - 1.0) / 4.0).floor() + 1.0).collect();
        assert_eq!(planes(&weights, 1).values, one);
    }
}
