//! Powers of two (Hubara et al., JMLR 18, 2018, arXiv 1609.07061: logarithmic quantisation).
//!
//! `LogQuant(w) = clip(AP2(w))`, `AP2(x) = sign(x) 2^round(log2 |x|)`; the largest power follows the largest weight of a
//! filter, the smallest is 2^6 times less, and what is below half of it is zero.

use super::{About, Demo, Method, Row, Site, Start};
use crate::weights::grid::{SPAN, exp2, power_ap2};
use crate::weights::{Exported, Integers, Latent, Matrix, Rule};
use bitfab_graph::WeightQuantizer;
use serde::{Deserialize, Serialize};

/// The method.
#[derive(Debug)]
pub(super) struct QnnLog;

pub(super) static QNN_LOG: QnnLog = QnnLog;

static ABOUT: About = About {
    name: "qnn-log",
    paper: "Hubara et al. 2018, arXiv 1609.07061",
    weights: "powers of two",
    learning: "nearest in the logarithm, span 2^6",
    activation_bits: 4,
    bench: &[Row::new("qnn-log", 15)],
    demo: Some(Demo {
        kind: "power-of-two",
        help: "Powers of two: shifts and additions",
        what: "of powers of two and 4-bit activations",
        bits: 0,
        settings: &[],
    }),
    ..About::PLAIN
};

impl Method for QnnLog {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, _: &Site<'_>) -> Start {
        Start::new(Power)
    }
}

/// Powers of two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power;

impl Rule for Power {
    fn name(&self) -> &'static str {
        "power-of-two"
    }

    fn integers(&self, matrix: Matrix, latent: Latent<'_>) -> Integers {
        let groups = latent.weights.chunks_exact(matrix.group(latent.weights)).map(powers);
        let (values, scales): (Vec<Vec<f32>>, Vec<f32>) = groups.unzip();
        Integers { values: values.concat(), scales }
    }

    fn export(&self, matrix: Matrix, latent: Latent<'_>) -> Option<Exported> {
        Some(self.integers(matrix, latent).exported(WeightQuantizer::PowerOfTwo))
    }

    fn fits(&self, _: &Self, _: usize) -> bool {
        true
    }
}

/// Integers `+-2^0..6` and zero, nearest in the logarithm, and the scale of the smallest.
///
/// What is below half of the smallest power is zero.
fn powers(weights: &[f32]) -> (Vec<f32>, f32) {
    let largest = weights.iter().fold(1e-6f32, |largest, w| largest.max(w.abs()));
    let smallest = power_ap2(largest) / exp2(SPAN);
    let one = |w: &f32| match w.abs() / smallest {
        size if size < 0.5 => 0.0,
        size => power_ap2(size).clamp(1.0, exp2(SPAN)).copysign(*w),
    };
    (weights.iter().map(one).collect(), smallest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_span_at_most_six_and_what_is_smaller_is_zero() {
        let (values, scale) = powers(&[1.0, -0.5, 1.0 / 64.0, 0.009, 0.007, 0.0]);
        assert_eq!((values, scale), (vec![64.0, -32.0, 1.0, 1.0, 0.0, 0.0], 1.0 / 64.0));
    }
}
