//! From configuration and data to a fresh network.

mod windows;

use crate::architecture::Block;
use crate::codecs::Lossless;
use crate::config::{InputCoding, TrainConfig};
use crate::error::{TrainError, config_error};
use crate::layers::{Add, Learned, Norm, Normed, Parameter, Quantize, Relu, Sign, Weighted};
use crate::methods::{Site, Start};
use crate::random::{Purpose, stream, symmetric};
use crate::tape::{Net, Stage, Step, Thermometer};
use crate::weights::{Matrix, Quantizer};
use bitfab_data::Dataset;
use bitfab_graph::Shape;

/// Added to variances; small against the variance of any accumulator, even of bytes times 2^-8.
const EPSILON: f32 = 1e-5;
/// Sums of bytes must stay below this to be exact in `f32`.
const EXACT: usize = 1 << 24;
/// Name of the last layer.
const SCORES: &str = "scores";

impl Net {
    /// A network with random weights for the data.
    ///
    /// # Errors
    /// [`TrainError::Config`] if the architecture does not fit the data.
    pub fn new(config: &TrainConfig, data: &Dataset) -> Result<Self, TrainError> {
        config.check()?;
        let thermometer = match config.input {
            InputCoding::Planes => None,
            InputCoding::Thermometer(count) => Some(thermometer(data, count)),
        };
        let mut builder = Builder::new(config, data.shape, thermometer);
        let blocks = &config.arch.blocks;
        for (index, &block) in blocks.iter().enumerate() {
            let pool = match blocks.get(index + 1) {
                Some(&Block::MaxPool { size }) if !matches!(block, Block::MaxPool { .. }) => Some(size),
                _ => None,
            };
            builder.block(block, index, pool)?;
        }
        builder.scores(data.classes)?;
        builder.net.logit_scale = builder.logit_scale();
        builder.check_names()?;
        let mut net = builder.net;
        net.add_variants(config.method.method().precisions());
        Ok(net)
    }
}

/// Evenly spread thresholds over each channel's range in the training part.
fn thermometer(data: &Dataset, count: u32) -> Thermometer {
    let channels = data.shape.channels as usize;
    let mut ranges = vec![(u8::MAX, u8::MIN); channels];
    for pixel in data.train.inputs.chunks_exact(channels) {
        for ((low, high), &value) in ranges.iter_mut().zip(pixel) {
            (*low, *high) = ((*low).min(value), (*high).max(value));
        }
    }
    let threshold = |(low, high): (u8, u8), index: u32| {
        // From low + 1 to high, so that every code separates something where the range allows it.
        i16::from(low) + (1 + index * u32::from(high - low) / count) as i16
    };
    Thermometer {
        thresholds: ranges.into_iter().flat_map(|range| (0..count).map(move |index| threshold(range, index))).collect(),
        per_channel: count,
    }
}

struct Builder<'a> {
    config: &'a TrainConfig,
    net: Net,
    /// Shape of the newest tensor.
    shape: Shape,
    /// Largest value in the newest tensor: 255 for bytes, 1 for signs.
    largest: usize,
    /// What 1 in the newest tensor stands for.
    unit: f32,
    /// Number of weighted layers and pools so far, for names.
    number: usize,
}

impl<'a> Builder<'a> {
    fn new(config: &'a TrainConfig, input: Shape, thermometer: Option<Thermometer>) -> Self {
        let coded = thermometer.as_ref().map(|t| t.thresholds.len() as u32);
        Self {
            config,
            shape: Shape { channels: coded.unwrap_or(input.channels), ..input },
            largest: if coded.is_some() { 1 } else { 255 },
            unit: 1.0,
            number: 0,
            net: Net {
                input,
                thermometer,
                stages: Vec::new(),
                parameters: Vec::new(),
                logit_scale: 1.0,
                variants: Vec::new(),
                selected: 0,
                codec: &Lossless,
            },
        }
    }

    fn newest(&self) -> usize {
        self.net.stages.len()
    }

    fn push(&mut self, name: String, inputs: Vec<usize>, step: Step, shape: Shape) {
        self.net.stages.push(Stage { name, inputs, step, shape });
        self.shape = shape;
    }

    fn chain(&mut self, label: &str, step: Step, shape: Shape) {
        let (name, newest) = (format!("{label}{}", self.number), self.newest());
        self.push(name, vec![newest], step, shape);
    }

    fn parameter(&mut self, parameter: Parameter) -> usize {
        self.net.parameters.push(parameter);
        self.net.parameters.len() - 1
    }

    /// A block with everything that follows it; `pool` is the size of a max pool right behind it.
    fn block(&mut self, block: Block, index: usize, pool: Option<[u32; 2]>) -> Result<(), TrainError> {
        let source = self.newest();
        let source_shape = self.shape;
        match block {
            // Done by the block before it, between batch norm and activation: the order does not change the result
            // (both activations are monotone) but the gradient then follows the largest real value.
            Block::MaxPool { .. } if index > 0 && !self.follows_pool(index) => return Ok(()),
            Block::MaxPool { size: _ } => {
                let problem = "a max pool must stand right behind a convolution, dense layer or sum";
                return Err(config_error("arch", problem));
            }
            Block::SumPool => self.sum_pool()?,
            Block::Dense { outputs } => self.dense(outputs)?,
            Block::Conv { channels, kernel, stride, groups } => self.conv(block, channels, [kernel, stride], groups)?,
            Block::Depthwise { kernel, stride } => {
                self.conv(block, self.shape.channels, [kernel, stride], self.shape.channels)?;
            }
        }
        let is_packed = source > 0 || self.net.thermometer.is_some();
        if self.config.residual && is_packed && source_shape == self.shape && block != Block::SumPool {
            self.residual(source);
        }
        self.norm();
        if let Some(size) = pool {
            self.max_pool(size)?;
        }
        self.activation();
        Ok(())
    }

    /// Whether the block before `index` is a max pool too.
    fn follows_pool(&self, index: usize) -> bool {
        matches!(self.config.arch.blocks[index - 1], Block::MaxPool { .. })
    }

    fn dense(&mut self, outputs: u32) -> Result<(), TrainError> {
        let layer = Weighted::Dense { features: self.shape.elements() as usize, outputs: outputs as usize };
        self.number += 1;
        self.weighted(format!("dense{}", self.number), layer, Shape::flat(outputs))
    }

    fn scores(&mut self, classes: u32) -> Result<(), TrainError> {
        let layer = Weighted::Dense { features: self.shape.elements() as usize, outputs: classes as usize };
        self.weighted(SCORES.into(), layer, Shape::flat(classes))
    }

    fn weighted(&mut self, name: String, layer: Weighted, shape: Shape) -> Result<(), TrainError> {
        let fan_in = layer.fan_in();
        if fan_in.saturating_mul(self.largest) >= EXACT {
            let problem = format!("{name} sums {fan_in} values, more than are exact; pool before it");
            return Err(config_error("arch", problem));
        }
        if layer.weights() as u64 > bitfab_graph::limits::MAX_WEIGHTS {
            return Err(config_error("arch", format!("{name} has {} weights", layer.weights())));
        }
        let method = self.config.method_of(&name);
        let is_last = name == SCORES;
        let (bits, outputs, knobs) = (method.bits(), layer.outputs(), &self.config.knobs);
        let mut start = method.method().start(&Site { knobs, bits, fan_in, outputs, is_last });
        let extra = std::mem::take(&mut start.extra);
        let weights = self.latent_weights(&layer, &start);
        let extra = (!extra.is_empty()).then(|| self.parameter(Parameter::free(extra)));
        let quantizer = Quantizer { rule: start.rule, matrix: Matrix { fan_in, is_shared: is_last } };
        let newest = self.newest();
        self.push(name, vec![newest], Step::Weighted(Learned { layer, quantizer, weights, extra }), shape);
        Ok(())
    }

    /// Small random numbers, padded as the method wants it.
    fn latent_weights(&mut self, layer: &Weighted, start: &Start) -> usize {
        let index = self.net.parameters.len() as u64;
        let mut rng = stream(self.config.seed, Purpose::Weights, index, 0);
        let fan_in = layer.fan_in();
        let scale = 1.0 / (fan_in as f32).sqrt();
        let mut values = Vec::with_capacity(layer.outputs() * (fan_in + start.padding));
        for _ in 0..layer.outputs() {
            values.extend((0..fan_in).map(|_| symmetric(&mut rng) * scale));
            values.extend(std::iter::repeat_n(0.0, start.padding));
        }
        let decay = if self.config.decay == 0.0 { start.decay } else { self.config.decay };
        self.parameter(Parameter { values, limit: start.limit, decay })
    }

    /// Scores of a fresh network times this have a spread of about 1.
    fn logit_scale(&self) -> f32 {
        let Some(learned) = self.net.stages.last().and_then(|stage| stage.step.learned()) else { return 1.0 };
        let effective = learned.effective(&self.net.parameters);
        let squares: f64 = effective.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
        let size = (squares / effective.len() as f64).sqrt() as f32;
        self.unit / (size * (learned.quantizer.matrix.fan_in as f32).sqrt())
    }

    /// Every layer that the configuration names is there.
    fn check_names(&self) -> Result<(), TrainError> {
        let is_there = |name: &str| self.weighted_names().any(|found| found == name);
        match self.config.methods.iter().find(|one| !is_there(&one.layer)) {
            None => Ok(()),
            Some(one) => {
                let names: Vec<&str> = self.weighted_names().collect();
                Err(config_error(
                    "methods",
                    format!("there is no layer '{}'; there are {}", one.layer, names.join(", ")),
                ))
            }
        }
    }

    fn weighted_names(&self) -> impl Iterator<Item = &str> {
        let weighted = self.net.stages.iter().filter(|stage| stage.step.learned().is_some());
        weighted.map(|stage| stage.name.as_str())
    }

    /// Adds the packed tensor `source`, scaled to about the spread of the accumulators.
    fn residual(&mut self, source: usize) {
        let fan_in = self.net.stages[self.newest() - 1].step.learned().map_or(1, |learned| learned.layer.fan_in());
        let shift = fan_in.ilog2() / 2;
        let (name, newest, shape) = (format!("add{}", self.number), self.newest(), self.shape);
        self.push(name, vec![newest, source], Step::Add(Add { shift }), shape);
    }

    fn norm(&mut self) {
        let channels = self.shape.channels as usize;
        let gamma = self.parameter(Parameter::free(vec![1.0; channels]));
        let beta = self.parameter(Parameter::free(vec![0.0; channels]));
        let norm = Norm { is_shift: self.config.shift_norm, ..Norm::new(channels, EPSILON) };
        self.chain("norm", Step::Norm(Normed { norm, gamma, beta }), self.shape);
    }

    fn activation(&mut self) {
        self.unit = 1.0;
        self.largest = 1;
        let estimator = self.config.method.method().estimator();
        match self.config.activation_bits() {
            0 => self.chain("relu", Step::Relu(Relu), self.shape),
            1 => self.chain("sign", Step::Sign(Sign { estimator }), self.shape),
            bits => {
                self.largest = (1 << bits) - 1;
                // Powers of two near the best uniform step for half of a normal distribution.
                let range = if bits > 4 { 4.0 } else { 2.0 };
                let step = range / (1u32 << bits) as f32;
                self.unit = step;
                self.chain("levels", Step::Quantize(Quantize { bits, step, estimator }), self.shape);
            }
        }
    }
}
