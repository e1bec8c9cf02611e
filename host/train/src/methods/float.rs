//! Real weights and activations: the yardstick, which has no graph.

use super::{About, Method, Row, Site, Start};
use crate::weights::{Exported, Integers, Latent, Matrix, Rule};
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct Float;

pub(super) static FLOAT: Float = Float;

static ABOUT: About = About {
    name: "float",
    paper: "-",
    weights: "real",
    learning: "the yardstick; has no graph",
    activation_bits: 0,
    is_for_layers: false,
    is_real: true,
    bench: &[Row::new("float", 15)],
    ..About::PLAIN
};

impl Method for Float {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, _: &Site<'_>) -> Start {
        Start::new(Real)
    }
}

/// Weights as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Real;

impl Rule for Real {
    fn name(&self) -> &'static str {
        "real"
    }

    fn integers(&self, _: Matrix, latent: Latent<'_>) -> Integers {
        Integers { values: latent.weights.to_vec(), scales: vec![1.0] }
    }

    fn export(&self, _: Matrix, _: Latent<'_>) -> Option<Exported> {
        None
    }

    fn fits(&self, _: &Self, _: usize) -> bool {
        true
    }
}
