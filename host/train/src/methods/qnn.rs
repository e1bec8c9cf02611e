//! Quantized neural networks (Hubara, Courbariaux, Soudry, El-Yaniv, Bengio, JMLR 18, 2018, arXiv 1609.07061).
//!
//! `LinearQuant(w) = clip(round(w / step)) step`; the step is not the paper's fixed one but the one that makes three
//! root mean squares the largest value.

use super::bnn::BNN;
use super::{About, Bits, Method, Site, Start};
use crate::weights::grid::{reach, within};
use crate::weights::{Exported, Integers, Latent, Matrix, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct Qnn;

pub(super) static QNN: Qnn = Qnn;

static ABOUT: About = About {
    name: "qnn",
    bits: Some(Bits { from: 1, to: 8, usual: 4 }),
    paper: "Hubara et al. 2018, arXiv 1609.07061",
    weights: "integers of B bits (`qnn:1`: signs)",
    learning: "even grid to three root mean squares (two bits: half of that)",
    activation_bits: 4,
    ..About::PLAIN
};

impl Method for Qnn {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, site: &Site<'_>) -> Start {
        if site.bits == 1 { BNN.start(site) } else { Start::new(Even { bits: site.bits }) }
    }
}

/// Integers on an even grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Even {
    /// 2 to 8.
    pub bits: u32,
}

impl Rule for Even {
    fn name(&self) -> &'static str {
        "integer"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        integers(latent.weights, self.bits)
    }

    fn backward(&self, _: Matrix, latent: Latent<'_>, gradient: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        (within(latent.weights, gradient), Vec::new())
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.integers(matrix, latent).exported(WeightQuantizer::Integer { bits: self.bits }))
    }

    fn fits(&self, stored: &Self, _: usize) -> bool {
        self == stored
    }
}

/// `clamp(round(w / step), -2^(bits - 1), 2^(bits - 1) - 1)` with the step that makes [`reach`] the largest.
fn integers(weights: &[f32], bits: u32) -> Integers {
    let top = (1i32 << (bits - 1)) as f32;
    // With few bits the whole reach would leave nearly all weights at zero.
    let reach = if bits <= 2 { reach(weights) / 2.0 } else { reach(weights) };
    let step = reach / top;
    let values = weights.iter().map(|w| (w / step).round().clamp(-top, top - 1.0)).collect();
    Integers { values, scales: vec![step] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_lie_on_an_even_grid_that_ends_at_the_reach() {
        let weights = [0.5f32, -0.5, 0.5, -0.5];
        assert!((reach(&weights) - 1.5).abs() < 1e-6);
        assert_eq!(integers(&weights, 4).scales, [1.5 / 8.0]);
        assert_eq!(integers(&weights, 4).values, [3.0, -3.0, 3.0, -3.0]);
        assert_eq!(integers(&[0.0, 0.0, 0.0, 9.0], 3).values, [0.0, 0.0, 0.0, 3.0]);
    }
}
