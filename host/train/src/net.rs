//! The network while it learns: stages over numbered tensors, forward with a tape, backward from the tape.

use crate::layers::{
    Batch, Norm, PoolShape, Statistics, Weighted, max_pool_backward, max_pool_forward, quantize_backward,
    quantize_forward, relu_backward, relu_forward, sign_backward, sign_forward, sum_pool_backward, sum_pool_forward,
};
use crate::noise::Noise;
use crate::saved::Saved;
use crate::variant::Variant;
use crate::weights::{Latent, Moment, Quantizer};
use bitfab_graph::Shape;

/// A vector that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The numbers.
    pub values: Vec<f32>,
    /// Latent weights are kept within `-limit..=limit`.
    pub limit: Option<f32>,
    /// Share that is taken off at each step, for each unit of the learning rate.
    pub decay: f32,
}

impl Parameter {
    /// Numbers without a limit or decay.
    pub fn free(values: Vec<f32>) -> Self {
        Self { values, limit: None, decay: 0.0 }
    }
}

/// What one stage does; numbers are positions in [`Net::parameters`].
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Dense or convolution.
    Weighted {
        /// The layer.
        layer: Weighted,
        /// How latent numbers become weights.
        quantizer: Quantizer,
        /// Its latent weights.
        weights: usize,
        /// What else its rule learns.
        extra: Option<usize>,
    },
    /// Batch norm.
    Norm {
        /// Statistics.
        norm: Norm,
        /// Scale.
        gamma: usize,
        /// Shift.
        beta: usize,
    },
    /// `x >= 0`.
    Sign,
    /// `max(x, 0)`; only in networks of real numbers.
    Relu,
    /// Unsigned levels.
    Quantize {
        /// 2 to 8.
        bits: u32,
        /// Distance of two levels.
        step: f32,
    },
    /// Largest value.
    MaxPool(PoolShape),
    /// Sum.
    SumPool(PoolShape),
    /// First input plus second input times `2^shift`.
    Add {
        /// The power.
        shift: u32,
    },
}

/// A step with its name and the tensors that it reads; stage `i` yields tensor `i + 1`, tensor 0 is the input.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Name for the graph.
    pub name: String,
    /// One or two earlier tensors.
    pub inputs: Vec<usize>,
    /// What is done.
    pub step: Step,
    /// Shape of the result.
    pub shape: Shape,
}

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
}

/// What the forward pass left for the backward pass, one entry a stage.
#[derive(Clone, Debug)]
pub struct Tape {
    entries: Vec<Entry>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    saved: Saved,
    statistics: Vec<Statistics>,
    weights: Vec<f32>,
}

impl Tape {
    /// Bytes of activations kept for the backward pass (not the weights).
    pub fn bytes(&self) -> usize {
        let entry = |entry: &Entry| entry.saved.bytes() + size_of_val(&entry.statistics[..]);
        self.entries.iter().map(entry).sum()
    }

    /// What each stage saved, in order.
    pub fn saved(&self) -> impl Iterator<Item = &Saved> {
        self.entries.iter().map(|entry| &entry.saved)
    }
}

/// Tensors of a pass; each is dropped after its last reader.
struct Live {
    tensors: Vec<Option<Batch>>,
    readers: Vec<usize>,
}

impl Live {
    fn new(stages: &[Stage], input: Batch) -> Self {
        let mut readers = vec![0; stages.len() + 1];
        for &at in stages.iter().flat_map(|stage| &stage.inputs) {
            readers[at] += 1;
        }
        Self { tensors: vec![Some(input)], readers }
    }

    /// The tensor, moved out if this is its last reader.
    fn take(&mut self, at: usize) -> Batch {
        self.readers[at] -= 1;
        let slot = &mut self.tensors[at];
        let tensor = if self.readers[at] == 0 { slot.take() } else { slot.clone() };
        tensor.expect("stages read earlier tensors, counted at the start")
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
            let x = live.take(stage.inputs[0]);
            let other = stage.inputs.get(1).map(|&at| live.take(at));
            let (y, entry) = forward_step(&mut stage.step, &self.parameters, x, other);
            live.tensors.push(Some(y));
            entries.push(entry);
        }
        let scores = live.tensors.pop().flatten();
        let scores = scores.expect("the last tensor has no reader");
        (scores, Tape { entries, count })
    }

    /// Scores of a batch by the running statistics.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn infer(&self, input: Batch) -> Batch {
        let mut live = Live::new(&self.stages, input);
        for stage in &self.stages {
            let x = live.take(stage.inputs[0]);
            let other = stage.inputs.get(1).map(|&at| live.take(at));
            let y = match &stage.step {
                Step::Weighted { layer, quantizer, weights, extra } => {
                    layer.forward(&x, &quantizer.effective(latent(&self.parameters, *weights, *extra)))
                }
                Step::Norm { norm, gamma, beta } => {
                    let [gamma, beta] = [*gamma, *beta].map(|at| &self.parameters[at].values);
                    norm.apply(&x, gamma, beta)
                }
                Step::Sign => sign_forward(&x).0,
                Step::Relu => relu_forward(&x).0,
                Step::Quantize { bits, step } => quantize_forward(&x, *bits, *step).0,
                Step::MaxPool(shape) => max_pool_forward(&x, shape).0,
                Step::SumPool(shape) => sum_pool_forward(&x, shape),
                Step::Add { shift } => add(x, other.as_ref(), *shift),
            };
            live.tensors.push(Some(y));
        }
        let scores = live.tensors.pop().flatten();
        scores.expect("the last tensor has no reader")
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
            let mut dy = Batch { values, count: tape.count, shape: stage.shape, form: crate::layers::Form::Reals };
            if let (Some(noise), Step::Weighted { .. }) = (noise, &stage.step) {
                noise.round(index, &mut dy.values);
            }
            let want_input = stage.inputs[0] > 0;
            let input = self.backward_step(&stage.step, entry, &dy, want_input, &mut result);
            if let Step::Add { shift } = stage.step {
                let factor = (1u32 << shift) as f32;
                let scaled = dy.values.iter().map(|v| v * factor).collect();
                accumulate(&mut flowing[stage.inputs[1]], scaled);
            }
            if let Some(input) = input {
                accumulate(&mut flowing[stage.inputs[0]], input);
            }
        }
        result
    }

    /// Gradient of the first input; gradients of parameters go into `result`.
    fn backward_step(
        &self,
        step: &Step,
        entry: &Entry,
        dy: &Batch,
        want_input: bool,
        result: &mut [Vec<f32>],
    ) -> Option<Vec<f32>> {
        match step {
            Step::Weighted { layer, quantizer, weights, extra } => {
                let (dw, dx) = layer.backward(dy, &entry.weights, &entry.saved, want_input);
                let (dw, more) = quantizer.backward(latent(&self.parameters, *weights, *extra), dw);
                result[*weights] = dw;
                if let Some(extra) = extra {
                    result[*extra] = more;
                }
                dx
            }
            Step::Norm { gamma, beta, .. } => {
                let scale = &self.parameters[*gamma].values;
                let gradient = match &entry.saved {
                    Saved::Reals(x) => Norm::backward(dy, x, &entry.statistics, scale),
                    other => Norm::backward(dy, &other.to_values(dy.values.len()), &entry.statistics, scale),
                };
                result[*gamma] = gradient.gamma;
                result[*beta] = gradient.beta;
                Some(gradient.input)
            }
            Step::Sign => Some(sign_backward(dy, &entry.saved)),
            Step::Relu => Some(relu_backward(dy, &entry.saved)),
            Step::Quantize { step, .. } => Some(quantize_backward(dy, &entry.saved, *step)),
            Step::MaxPool(shape) => Some(max_pool_backward(dy, &entry.saved, shape)),
            Step::SumPool(shape) => Some(sum_pool_backward(dy, shape)),
            Step::Add { .. } => Some(dy.values.clone()),
        }
    }
}

impl Net {
    /// Number of weights of all layers.
    pub fn weight_count(&self) -> u64 {
        let layers = self.stages.iter().map(|stage| match &stage.step {
            Step::Weighted { weights, .. } => self.parameters[*weights].values.len() as u64,
            _ => 0,
        });
        layers.sum()
    }

    /// How near weights are to what they stand for: the least layer's [`cosine`](crate::weights::Rule::cosine), of the
    /// layers that have one.
    pub fn cosine(&self) -> Option<f64> {
        let layers = self.stages.iter().filter_map(|stage| match &stage.step {
            Step::Weighted { quantizer, weights, .. } => {
                quantizer.rule.cosine(quantizer.matrix, &self.parameters[*weights].values)
            }
            _ => None,
        });
        layers.min_by(f64::total_cmp)
    }

    /// Lets rules see the gradient before the step; some move their weights themselves.
    pub(crate) fn observe(&mut self, gradients: &mut [Vec<f32>], share: f32) {
        for stage in &mut self.stages {
            if let Step::Weighted { quantizer, weights, .. } = &mut stage.step {
                quantizer.rule.observe(&mut self.parameters[*weights].values, &mut gradients[*weights], share);
            }
        }
    }

    /// Lets rules move on after the step; gives the parameters whose numbers got another meaning.
    pub(crate) fn follow(&mut self, moment: Moment) -> Vec<usize> {
        let mut restarted = Vec::new();
        for stage in &mut self.stages {
            let Step::Weighted { quantizer, weights, extra, .. } = &mut stage.step else { continue };
            let mut more = extra.map(|at| std::mem::take(&mut self.parameters[at].values)).unwrap_or_default();
            let is_new = quantizer.follow(&mut self.parameters[*weights].values, &mut more, moment);
            if let Some(at) = *extra {
                self.parameters[at].values = more;
            }
            if is_new {
                restarted.extend(std::iter::once(*weights).chain(*extra));
            }
        }
        restarted
    }
}

/// The latent numbers of a weighted layer.
pub(crate) fn latent(parameters: &[Parameter], weights: usize, extra: Option<usize>) -> Latent<'_> {
    Latent { weights: &parameters[weights].values, extra: extra.map_or(&[], |at| &parameters[at].values) }
}

/// One stage forward, and what it keeps.
fn forward_step(step: &mut Step, parameters: &[Parameter], x: Batch, other: Option<Batch>) -> (Batch, Entry) {
    let mut entry = Entry { saved: Saved::Nothing, statistics: Vec::new(), weights: Vec::new() };
    let y = match step {
        Step::Weighted { layer, quantizer, weights, extra } => {
            entry.weights = quantizer.effective(latent(parameters, *weights, *extra));
            entry.saved = x.save();
            layer.forward(&x, &entry.weights)
        }
        Step::Norm { norm, gamma, beta } => {
            let [gamma, beta] = [*gamma, *beta].map(|at| &parameters[at].values);
            let (y, statistics) = norm.forward(&x, gamma, beta);
            entry.statistics = statistics;
            entry.saved = Saved::Reals(x.values);
            y
        }
        Step::Sign => keep(&mut entry, sign_forward(&x)),
        Step::Relu => keep(&mut entry, relu_forward(&x)),
        Step::Quantize { bits, step } => keep(&mut entry, quantize_forward(&x, *bits, *step)),
        Step::MaxPool(shape) => keep(&mut entry, max_pool_forward(&x, shape)),
        Step::SumPool(shape) => sum_pool_forward(&x, shape),
        Step::Add { shift } => add(x, other.as_ref(), *shift),
    };
    (y, entry)
}

fn keep(entry: &mut Entry, (y, saved): (Batch, Saved)) -> Batch {
    entry.saved = saved;
    y
}

/// `x + (other << shift)`; the builder gives additions two inputs.
fn add(mut x: Batch, other: Option<&Batch>, shift: u32) -> Batch {
    let factor = (1u32 << shift) as f32;
    for (sum, term) in x.values.iter_mut().zip(other.iter().flat_map(|b| &b.values)) {
        *sum += factor * term;
    }
    x
}

/// Adds to a gradient that may be there already.
fn accumulate(slot: &mut Option<Vec<f32>>, values: Vec<f32>) {
    match slot {
        Some(sum) => sum.iter_mut().zip(values).for_each(|(sum, term)| *sum += term),
        None => *slot = Some(values),
    }
}
