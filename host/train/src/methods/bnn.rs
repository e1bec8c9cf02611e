//! Binarized neural networks (Hubara, Courbariaux, Soudry, El-Yaniv, Bengio, NeurIPS 2016, arXiv 1602.02830).
//!
//! `W = sign(w)` with latent weights held within -1 to 1; the gradient passes straight through.

use super::{About, Demo, Method, Row, Site, Start};
use crate::weights::grid::signs;
use crate::weights::{Exported, Integers, Latent, Matrix, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct Bnn;

pub(super) static BNN: Bnn = Bnn;

static ABOUT: About = About {
    name: "bnn",
    paper: "Hubara et al. 2016, arXiv 1602.02830",
    weights: "signs",
    learning: "straight through, latent weights within -1 to 1",
    adds_residuals: true,
    bench: &[Row::new("bnn", 20)],
    demo: Some(Demo {
        kind: "binary",
        help: "+1 or -1",
        what: "whose weights and activations are +1 or -1",
        bits: 0,
        settings: &[],
    }),
    ..About::PLAIN
};

impl Method for Bnn {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, _: &Site<'_>) -> Start {
        Start { limit: Some(1.0), ..Start::new(Sign) }
    }
}

/// Signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign;

impl Rule for Sign {
    fn name(&self) -> &'static str {
        "sign"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        Integers { values: signs(latent.weights), scales: vec![1.0] }
    }

    /// The latent weights themselves: the graph takes their signs, and keeps how far they are from another.
    fn export(&self, _: Matrix, latent: Latent<'_>) -> Option<Exported> {
        let values = latent.weights.to_vec();
        Some(Exported { quantizer: WeightQuantizer::Sign, values, basis: Vec::new(), scales: vec![1.0] })
    }

    fn fits(&self, _: &Self, _: usize) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_positive_and_the_graph_takes_the_same_signs() {
        let latent = Latent { weights: &[0.5, -0.25, 0.0, -0.0, 1e-9], extra: &[] };
        let matrix = Matrix { fan_in: 5, is_shared: false };
        let integers = Sign.integers(matrix, latent);
        assert_eq!(integers.values, [1.0, -1.0, 1.0, 1.0, 1.0]);
        assert_eq!(Sign.export(matrix, latent).unwrap().integers(), integers);
        assert_eq!(Sign.backward(matrix, latent, vec![1.0; 5]), (vec![1.0; 5], Vec::new()));
    }
}
