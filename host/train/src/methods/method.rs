//! What a method of learning says of itself and what it does.

use super::knobs::{Knob, Knobs};
use crate::estimators::{Estimator, StraightThrough};
use crate::weights::{Moment, Rule};
use std::fmt::Debug;

/// The sheet of one method: everything that is told of it, on the command line, in tables and in checks.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in configurations.
    pub name: &'static str,
    /// The number behind the name, where it takes one: `name:4`.
    pub bits: Option<Bits>,
    /// Where it is from: authors, title, year.
    pub paper: &'static str,
    /// What weights are, in a few words.
    pub weights: &'static str,
    /// How they are learned, in a few words.
    pub learning: &'static str,
    /// Activation bits unless the configuration states others; 0 for real numbers.
    pub activation_bits: u32,
    /// Settings that it reads; others may read them too.
    pub knobs: &'static [&'static Knob],
    /// Whether one layer can learn so, or only the whole network.
    pub is_for_layers: bool,
    /// Whether sums are whole numbers in one unit, so that a residual can be added to them.
    pub adds_residuals: bool,
    /// Whether weights and activations are real, so that there is no graph.
    pub is_real: bool,
    /// Its rows of `bitfab bench methods`.
    pub bench: &'static [Row],
    /// Its network of `bitfab demo`.
    pub demo: Option<Demo>,
}

impl About {
    /// A method for single layers with one-bit activations, no settings, rows or demo.
    pub const PLAIN: Self = Self {
        name: "",
        bits: None,
        paper: "",
        weights: "",
        learning: "",
        activation_bits: 1,
        knobs: &[],
        is_for_layers: true,
        adds_residuals: false,
        is_real: false,
        bench: &[],
        demo: None,
    };
}

/// The number behind the name of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Lowest.
    pub from: u32,
    /// Highest.
    pub to: u32,
    /// Where none is stated.
    pub usual: u32,
}

/// A row of the bench.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The number behind the name of the method; 0 for what is usual.
    pub bits: u32,
    /// Settings that are not what is usual.
    pub settings: &'static [(&'static str, f32)],
    /// Passes over the training part.
    pub epochs: u32,
    /// Whether all planes but one are also cut off, as a comparison.
    pub is_truncated: bool,
}

impl Row {
    /// A row of usual settings.
    pub const fn new(name: &'static str, epochs: u32) -> Self {
        Self { name, bits: 0, settings: &[], epochs, is_truncated: false }
    }
}

/// A network of the demo, 64-128-64-10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demo {
    /// Its name on the command line.
    pub kind: &'static str,
    /// Its weights, in a sentence.
    pub help: &'static str,
    /// What follows "a 64-128-64-10 network".
    pub what: &'static str,
    /// The number behind the name of the method; 0 for what is usual.
    pub bits: u32,
    /// Settings that are not what is usual.
    pub settings: &'static [(&'static str, f32)],
}

/// The layer that a method is asked to learn.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Settings.
    pub knobs: &'a Knobs,
    /// The number behind the name; 0 for methods without.
    pub bits: u32,
    /// Weights of one output.
    pub fan_in: usize,
    /// Outputs.
    pub outputs: usize,
    /// Whether it yields the scores.
    pub is_last: bool,
}

/// How a layer begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its rule.
    pub rule: Box<dyn Rule>,
    /// First values of what else learns; mostly none.
    pub extra: Vec<f32>,
    /// Latent weights are held within minus and plus this.
    pub limit: Option<f32>,
    /// Zeros behind the latent weights of each output.
    pub padding: usize,
    /// Weight decay where the configuration states none.
    pub decay: f32,
}

impl Start {
    /// A rule on latent weights that nothing limits.
    pub fn new(rule: impl Rule + 'static) -> Self {
        Self { rule: Box::new(rule), extra: Vec::new(), limit: None, padding: 0, decay: 0.0 }
    }
}

/// One way to learn: usually a paper.
///
/// A method is chosen for the network or for a layer; each of its layers gets a [`Rule`] of its own by
/// [`start`](Self::start). What concerns all its layers together is done before and after each step.
pub trait Method: Debug + Send + Sync {
    /// What is told of it.
    fn about(&self) -> &About;

    /// How a layer begins.
    fn start(&self, site: &Site<'_>) -> Start;

    /// How gradients pass the activations of its network.
    fn estimator(&self) -> &'static dyn Estimator {
        &StraightThrough
    }

    /// Numbers of planes that learn at once, rising; mostly none.
    fn precisions(&self) -> &'static [u32] {
        &[]
    }

    /// What is wrong if single layers of a network of this method learn by `other`; nothing if they may.
    fn objection(&self, _other: &dyn Method) -> Option<&'static str> {
        None
    }

    /// Adds to the gradients of all its layers, of which `latent` are the weights, before a step; `loss` is the mean.
    fn before_step(&self, _knobs: &Knobs, _loss: f64, _latent: &[&[f32]], _gradients: &mut [&mut [f32]]) {}

    /// Moves the latent weights of all its layers after a step.
    fn after_step(&self, _knobs: &Knobs, _moment: Moment, _latent: &mut [&mut [f32]]) {}

    /// Whether all its layers together have the form that the run is to end in.
    fn is_settled(&self, _knobs: &Knobs, _latent: &[&[f32]]) -> bool {
        true
    }
}
