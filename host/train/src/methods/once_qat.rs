//! Several precisions of one network that learn at once (Wu, He, Tan, Qi, Huang, "Vertical Layering of Quantized Neural
//! Networks for Heterogeneous Inference", IEEE TPAMI 45(12), 2023, arXiv 2212.05326).
//!
//! Latent weights are shared, batch norms are each precision's own; the loss is the plain mean over the precisions, where
//! the paper weighs by multi-objective optimisation. The grid is that of `planes`, dropped bits are exactly planes.

use super::planes::Planes;
use super::{About, Method, Row, Site, Start};
use crate::layers::{Norm, Normed, Parameter};
use crate::tape::{Net, Step};
use crate::variant::{OwnNorm, Variant};

/// Planes that learn at once.
const PRECISIONS: [u32; 4] = [1, 2, 4, 8];

/// The method.
#[derive(Debug)]
pub(super) struct OnceQat;

pub(super) static ONCE_QAT: OnceQat = OnceQat;

static ABOUT: About = About {
    name: "once-qat",
    paper: "Wu et al. 2023, arXiv 2212.05326",
    weights: "1, 2, 4 and 8 planes of one matrix",
    learning: "all at once, batch norms of their own; exported as one graph with `precisions`",
    activation_bits: 4,
    is_for_layers: false,
    bench: &[Row::new("once-qat", 15)],
    ..About::PLAIN
};

impl Method for OnceQat {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn start(&self, _: &Site<'_>) -> Start {
        Start::new(Planes { bits: PRECISIONS[0] })
    }

    fn precisions(&self) -> &'static [u32] {
        &PRECISIONS
    }

    fn objection(&self, other: &dyn Method) -> Option<&'static str> {
        (other.about().name == "planes").then_some("once-qat has the planes already")
    }
}

impl Net {
    /// Gives every precision batch norms of its own; the first one takes those that are there.
    pub(crate) fn add_variants(&mut self, planes: &[u32]) {
        let Some(&first) = planes.first() else { return };
        let own = self.stages.iter().filter_map(|stage| match &stage.step {
            Step::Norm(Normed { norm, gamma, beta }) => {
                Some(OwnNorm { norm: norm.clone(), gamma: *gamma, beta: *beta })
            }
            _ => None,
        });
        let own: Vec<OwnNorm> = own.collect();
        for (index, &planes) in planes.iter().enumerate() {
            let mut norms = own.clone();
            for one in norms.iter_mut().filter(|_| index > 0) {
                one.gamma = self.copy_parameter(one.gamma);
                one.beta = self.copy_parameter(one.beta);
            }
            self.variants.push(Variant { planes, norms });
        }
        self.set_planes(first);
    }

    fn copy_parameter(&mut self, at: usize) -> usize {
        let copy: Parameter = self.parameters[at].clone();
        self.parameters.push(copy);
        self.parameters.len() - 1
    }

    /// Makes a variant the one that computes, learns and is exported.
    ///
    /// # Panics
    /// If there is no such variant and it is not 0.
    pub fn select(&mut self, variant: usize) {
        if variant == self.selected {
            return;
        }
        for at in [self.selected, variant] {
            let mut own = self.variants[at].norms.iter_mut();
            for stage in &mut self.stages {
                if let Step::Norm(Normed { norm, gamma, beta }) = &mut stage.step {
                    own.next().expect("one for each norm").swap(norm, gamma, beta);
                }
            }
        }
        self.selected = variant;
        self.set_planes(self.variants[variant].planes);
    }

    /// Sets the bits of every layer of planes.
    pub fn set_planes(&mut self, planes: u32) {
        self.learned_mut().for_each(|layer| layer.quantizer.rule.set_planes(planes));
    }

    /// Every batch norm, of all variants.
    pub(crate) fn norms(&mut self) -> impl Iterator<Item = &mut Norm> {
        let selected = self.selected;
        let others = self.variants.iter_mut().enumerate().filter(move |(index, _)| *index != selected);
        let others = others.flat_map(|(_, variant)| variant.norms.iter_mut().map(|one| &mut one.norm));
        let stages = self.stages.iter_mut().filter_map(|stage| match &mut stage.step {
            Step::Norm(layer) => Some(&mut layer.norm),
            _ => None,
        });
        stages.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;
    use crate::weights::Kept;
    use bitfab_data::digits;

    #[test]
    fn variants_have_norms_of_their_own_and_share_the_rest() {
        let config = TrainConfig {
            method: "once-qat".parse().unwrap(),
            arch: "mlp:8,8".parse().unwrap(),
            ..TrainConfig::default()
        };
        let mut net = Net::new(&config, &digits(0).unwrap()).unwrap();
        assert_eq!(net.norms().count(), 8);
        let first = |net: &mut Net| match &mut net.stages[1].step {
            Step::Norm(Normed { norm, gamma, .. }) => {
                norm.mean[0] += 1.0;
                (norm.mean[0], *gamma)
            }
            other => panic!("{other:?}"),
        };
        let mut gammas = Vec::new();
        for variant in [0, 3, 1, 2, 0, 1, 3] {
            net.select(variant);
            let (mean, gamma) = first(&mut net);
            let visits = gammas.iter().filter(|found| **found == gamma).count();
            assert_eq!(mean, 1.0 + visits as f32, "variant {variant} counts its own visits");
            gammas.push(gamma);
            let planes = [1, 2, 4, 8][variant];
            assert!(net.learned().all(|layer| layer.quantizer.rule == Planes { bits: planes }.boxed()));
            assert_eq!(net.learned().map(|layer| layer.weights).collect::<Vec<_>>(), [0, 3, 6]);
        }
    }
}
