//! From a learning network to a graph.

use crate::error::TrainError;
use crate::layers::{Weighted, WeightedKind};
use crate::net::{Net, Parameter, Step};
use bitfab_graph::{ByteKind, Graph, Node, Op, Weights};

/// Bytes enter learning divided by 256.
const BYTE_SCALE: f32 = 1.0 / 256.0;

impl Net {
    /// The graph of the network; weighted layers on bytes are followed by a scale of 2^-8,
    /// the last layer's accumulators are the raw scores.
    ///
    /// A max pool stands behind the activation in a graph and before it while learning, with equal results:
    /// both activations are monotone.
    ///
    /// # Errors
    /// [`TrainError::Graph`] if the graph is not sound, for instance after a learned number became infinite.
    pub fn to_graph(&self) -> Result<Graph, TrainError> {
        let mut export = Export::new(self);
        let mut index = 0;
        while let Some(stage) = self.stages.get(index) {
            let pooled = matches!(stage.step, Step::MaxPool(_));
            match self.stages.get(index + 1).filter(|_| pooled) {
                Some(activation) => {
                    let source = export.tensors[stage.inputs[0]];
                    let signs = export.push(&activation.name, vec![source], export.op(&activation.step));
                    let pool = export.push(&stage.name, vec![signs], export.op(&stage.step));
                    export.tensors.extend([pool, pool]);
                    index += 2;
                }
                None => {
                    let inputs = stage.inputs.iter().map(|&at| export.tensors[at]).collect();
                    let mut result = export.push(&stage.name, inputs, export.op(&stage.step));
                    let is_last = index + 1 == self.stages.len();
                    if stage.inputs[0] == 0 && self.thermometer.is_none() && !is_last {
                        let factors = vec![BYTE_SCALE];
                        let name = format!("{}.scale", stage.name);
                        result = export.push(&name, vec![result], Op::Scale { factors });
                    }
                    export.tensors.push(result);
                    index += 1;
                }
            }
        }
        let graph = Graph { input: self.input, input_kind: ByteKind::U8, nodes: export.nodes, precisions: Vec::new() };
        graph.check()?;
        Ok(graph)
    }
}

struct Export<'a> {
    parameters: &'a [Parameter],
    nodes: Vec<Node>,
    /// Graph tensor of each learning tensor.
    tensors: Vec<usize>,
}

impl<'a> Export<'a> {
    fn new(net: &'a Net) -> Self {
        let coded = net.thermometer.as_ref().map(|thermometer| {
            let op =
                Op::Thermometer { thresholds: thermometer.thresholds.clone(), per_channel: thermometer.per_channel };
            Node::new("thermometer", 0, op)
        });
        Self {
            parameters: &net.parameters,
            tensors: vec![usize::from(coded.is_some())],
            nodes: coded.into_iter().collect(),
        }
    }

    fn push(&mut self, name: &str, inputs: Vec<usize>, op: Op) -> usize {
        self.nodes.push(Node { name: name.into(), inputs, op });
        self.nodes.len()
    }

    fn values(&self, parameter: usize) -> Vec<f32> {
        self.parameters[parameter].values.clone()
    }

    fn op(&self, step: &Step) -> Op {
        match step {
            Step::Weighted { layer, weights } => weighted(layer, self.values(*weights)),
            Step::Norm { norm, gamma, beta } => Op::BatchNorm {
                gamma: self.values(*gamma),
                beta: self.values(*beta),
                mean: norm.mean.clone(),
                variance: norm.variance.clone(),
                epsilon: norm.epsilon,
            },
            Step::Sign => Op::Sign,
            Step::Quantize { bits, step } => Op::Quantize { bits: *bits, step: *step },
            Step::MaxPool(shape) => Op::MaxPool { window: shape.window },
            Step::SumPool(shape) => Op::SumPool { window: shape.window },
            Step::Add { shift } => Op::Add { shift: *shift },
        }
    }
}

fn weighted(layer: &Weighted, values: Vec<f32>) -> Op {
    let weights = |shape| Weights::new(values, shape, layer.quantizer);
    match layer.kind {
        WeightedKind::Dense { features, outputs } => {
            Op::Dense { weights: weights([outputs as u32, 1, 1, features as u32]) }
        }
        WeightedKind::Conv(shape) => {
            let [height, width] = shape.window.kernel;
            let depth = shape.input.channels / shape.groups as u32;
            Op::Conv2d {
                weights: weights([shape.output.channels, height, width, depth]),
                window: shape.window,
                groups: shape.groups as u32,
            }
        }
    }
}
