//! The network and its two passes.

use super::live::Live;
use super::step::{Stage, Step};
use crate::batch::{Batch, Form};
use crate::codecs::{Codec, Saved};
use crate::gradients::Noise;
use crate::layers::{Entry, Learned, Parameter};
use crate::variant::Variant;
use crate::weights::Moment;
use bitfab_graph::Shape;

/// Thresholds that turn input bytes into signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thermometer {
    /// Channel-major, `per_channel` each.
    pub thresholds: Vec<i16>,
    /// Thresholds per channel.
    pub per_channel: u32,
}

/// The network while it learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// Shape of one input sample as bytes.
    pub input: Shape,
    /// Input coding; none for numbers.
    pub thermometer: Option<Thermometer>,
    /// Steps in order.
    pub stages: Vec<Stage>,
    /// Everything that learns.
    pub parameters: Vec<Parameter>,
    /// Logits are the scores times this positive number.
    pub logit_scale: f32,
    /// Precisions that are learned at once, rising; mostly none. See [`select`](Self::select).
    pub variants: Vec<Variant>,
    /// The variant whose numbers are in `stages`.
    pub selected: usize,
    /// How activations are kept for the backward pass.
    pub codec: &'static dyn Codec,
}

/// What the forward pass left for the backward pass, one entry a stage.
#[derive(Clone, Debug)]
pub struct Tape {
    entries: Vec<Entry>,
    count: usize,
}

impl Tape {
    /// Bytes of activations kept for the backward pass (not the weights).
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(Entry::bytes).sum()
    }

    /// What each stage saved, in order.
    pub fn saved(&self) -> impl Iterator<Item = &Saved> {
        self.entries.iter().map(|entry| &entry.saved)
    }
}

impl Net {
    /// Scores of a batch, and the tape; running statistics of batch norms move.
    ///
    /// # Panics
    /// If the stages, which are public, were changed so that they do not fit each other or the input.
    pub fn forward(&mut self, input: Batch) -> (Batch, Tape) {
        let count = input.count;
        let mut live = Live::new(&self.stages, input);
        let mut entries = Vec::with_capacity(self.stages.len());
        for stage in &mut self.stages {
            let inputs = live.inputs(stage);
            let (y, entry) = stage.step.layer_mut().forward(&self.parameters, inputs, self.codec);
            live.push(y);
            entries.push(entry);
        }
        (live.last(), Tape { entries, count })
    }

    /// Scores of a batch by the running statistics.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn infer(&self, input: Batch) -> Batch {
        let mut live = Live::new(&self.stages, input);
        for stage in &self.stages {
            let inputs = live.inputs(stage);
            live.push(stage.step.layer().infer(&self.parameters, inputs));
        }
        live.last()
    }

    /// Gradients of all parameters from the gradient of the scores.
    ///
    /// # Panics
    /// If the tape is not from a forward pass of this network.
    pub fn backward(&self, tape: Tape, gradient: Vec<f32>) -> Vec<Vec<f32>> {
        self.backward_with(tape, gradient, None)
    }

    /// As [`backward`](Self::backward), with the gradient of every weighted layer's result rounded at random.
    pub(crate) fn backward_with(&self, tape: Tape, gradient: Vec<f32>, noise: Option<Noise>) -> Vec<Vec<f32>> {
        let mut result: Vec<Vec<f32>> = vec![Vec::new(); self.parameters.len()];
        let mut flowing: Vec<Option<Vec<f32>>> = vec![None; self.stages.len() + 1];
        flowing[self.stages.len()] = Some(gradient);
        for (index, (stage, entry)) in self.stages.iter().zip(&tape.entries).enumerate().rev() {
            let Some(values) = flowing[index + 1].take() else {
                continue;
            };
            let mut dy = Batch { values, count: tape.count, shape: stage.shape, form: Form::Reals };
            if let (Some(noise), Step::Weighted(_)) = (noise, &stage.step) {
                noise.round(index, &mut dy.values);
            }
            let wanted = stage.inputs[0] > 0;
            let found = stage.step.layer().backward(&self.parameters, entry, &dy, wanted, &mut result);
            // The second first: sums of several gradients keep their order.
            for (&at, values) in stage.inputs.iter().zip(found).rev() {
                if let Some(values) = values {
                    accumulate(&mut flowing[at], values);
                }
            }
        }
        result
    }
}

impl Net {
    /// The layers of weights in order.
    pub(crate) fn learned(&self) -> impl Iterator<Item = &Learned> {
        self.stages.iter().filter_map(|stage| stage.step.learned())
    }

    /// The same, to change them.
    pub(crate) fn learned_mut(&mut self) -> impl Iterator<Item = &mut Learned> {
        self.stages.iter_mut().filter_map(|stage| stage.step.learned_mut())
    }

    /// Number of weights of all layers.
    pub fn weight_count(&self) -> u64 {
        self.learned().map(|layer| self.parameters[layer.weights].values.len() as u64).sum()
    }

    /// How near weights are to what they stand for: the least layer's [`cosine`](crate::weights::Rule::cosine), of the
    /// layers that have one.
    pub fn cosine(&self) -> Option<f64> {
        let cosine = |layer: &Learned| {
            let Learned { quantizer, weights, .. } = layer;
            quantizer.rule.cosine(quantizer.matrix, &self.parameters[*weights].values)
        };
        self.learned().filter_map(cosine).min_by(f64::total_cmp)
    }

    /// Lets rules see the gradient before the step; some move their weights themselves.
    pub(crate) fn observe(&mut self, gradients: &mut [Vec<f32>], share: f32) {
        let Self { stages, parameters, .. } = self;
        for Learned { quantizer, weights, .. } in stages.iter_mut().filter_map(|stage| stage.step.learned_mut()) {
            quantizer.rule.observe(&mut parameters[*weights].values, &mut gradients[*weights], share);
        }
    }

    /// Lets rules move on after the step; gives the parameters whose numbers got another meaning.
    pub(crate) fn follow(&mut self, moment: Moment) -> Vec<usize> {
        let mut restarted = Vec::new();
        let Self { stages, parameters, .. } = self;
        for layer in stages.iter_mut().filter_map(|stage| stage.step.learned_mut()) {
            let Learned { quantizer, weights, extra, .. } = layer;
            let mut more = extra.map(|at| std::mem::take(&mut parameters[at].values)).unwrap_or_default();
            let is_new = quantizer.follow(&mut parameters[*weights].values, &mut more, moment);
            if let Some(at) = *extra {
                parameters[at].values = more;
            }
            if is_new {
                restarted.extend(std::iter::once(*weights).chain(*extra));
            }
        }
        restarted
    }
}

/// Adds to a gradient that may be there already.
fn accumulate(slot: &mut Option<Vec<f32>>, values: Vec<f32>) {
    match slot {
        Some(sum) => sum.iter_mut().zip(values).for_each(|(sum, term)| *sum += term),
        None => *slot = Some(values),
    }
}
