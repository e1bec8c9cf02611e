//! From a learning network to a graph.

use crate::error::TrainError;
use crate::layers::{Normed, Parameter, Weighted};
use crate::tape::{Net, Stage, Step};
use crate::weights::Exported;
use bitfab_graph::{ByteKind, Graph, Node, Op, Precision, Weights};

/// Bytes enter learning divided by 256.
const BYTE_SCALE: f32 = 1.0 / 256.0;

impl Net {
    /// The graph of the network: integers in every weighted layer, followed by a scale where it has one;
    /// the last layer's accumulators are the raw scores.
    ///
    /// A max pool stands behind the activation in a graph and before it while learning, with equal results:
    /// both activations are monotone.
    ///
    /// # Errors
    /// [`TrainError::NotExported`] if weights are real;
    /// [`TrainError::Graph`] if the graph is not sound, for instance after a learned number became infinite.
    pub fn to_graph(&self) -> Result<Graph, TrainError> {
        let mut graph = self.plain_graph()?;
        for (index, variant) in self.variants.iter().enumerate().skip(1) {
            let mut other = self.clone();
            other.select(index);
            let nodes = other.plain_graph()?.nodes.into_iter().map(|node| node.op).enumerate();
            let is_own = |(at, op): &(usize, Op)| op.weights().is_none() && *op != graph.nodes[*at].op;
            let ops = nodes.filter(is_own).collect();
            graph.precisions.push(Precision { planes: variant.planes, ops });
        }
        graph.check()?;
        Ok(graph)
    }

    /// The graph of the selected variant.
    fn plain_graph(&self) -> Result<Graph, TrainError> {
        let mut export = Export::new(self);
        let mut index = 0;
        while let Some(stage) = self.stages.get(index) {
            let pooled = matches!(stage.step, Step::MaxPool(_));
            match self.stages.get(index + 1).filter(|_| pooled) {
                Some(activation) => {
                    export.pooled(stage, activation)?;
                    index += 2;
                }
                None => {
                    let is_coded = stage.inputs[0] == 0 && self.thermometer.is_none();
                    export.stage(stage, is_coded, index + 1 == self.stages.len())?;
                    index += 1;
                }
            }
        }
        Ok(Graph {
            input: self.input,
            input_kind: ByteKind::U8,
            nodes: export.nodes,
            precisions: Vec::new(),
            interface: Default::default(),
        })
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
            let op = Op::Encode { thresholds: thermometer.thresholds.clone(), per_channel: thermometer.per_channel };
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

    /// A max pool and the activation behind it, the other way round.
    fn pooled(&mut self, pool: &Stage, activation: &Stage) -> Result<(), TrainError> {
        let source = self.tensors[pool.inputs[0]];
        let packed = self.push(&activation.name, vec![source], self.op(&activation.step)?);
        let pooled = self.push(&pool.name, vec![packed], self.op(&pool.step)?);
        self.tensors.extend([pooled, pooled]);
        Ok(())
    }

    /// Any other stage; weights on bytes (`is_coded`) and weights with a scale are followed by one.
    fn stage(&mut self, stage: &Stage, is_coded: bool, is_last: bool) -> Result<(), TrainError> {
        let inputs = stage.inputs.iter().map(|&at| self.tensors[at]).collect();
        let (op, mut factors) = match &stage.step {
            Step::Weighted(learned) => {
                let exported = learned.quantizer.export(learned.latent(self.parameters));
                weighted(&learned.layer, exported.ok_or(TrainError::NotExported)?)
            }
            other => (self.op(other)?, vec![1.0]),
        };
        if is_coded {
            factors.iter_mut().for_each(|factor| *factor *= BYTE_SCALE);
        }
        let mut result = self.push(&stage.name, inputs, op);
        if factors != [1.0] && !is_last {
            result = self.push(&format!("{}.scale", stage.name), vec![result], Op::Scale { factors });
        }
        self.tensors.push(result);
        Ok(())
    }

    fn values(&self, parameter: usize) -> Vec<f32> {
        self.parameters[parameter].values.clone()
    }

    /// Every step but weighted ones.
    fn op(&self, step: &Step) -> Result<Op, TrainError> {
        Ok(match step {
            Step::Norm(Normed { norm, gamma, beta }) => {
                let (gamma, variance, epsilon) = norm.plain(&self.parameters[*gamma].values);
                Op::BatchNorm { gamma, beta: self.values(*beta), mean: norm.mean.clone(), variance, epsilon }
            }
            Step::Sign(_) => Op::Sign,
            Step::Quantize(layer) => Op::Quantize { bits: layer.bits, step: layer.step },
            Step::MaxPool(layer) => Op::MaxPool { window: layer.0.window },
            Step::SumPool(layer) => Op::SumPool { window: layer.0.window },
            Step::Add(layer) => Op::Add { shift: layer.shift },
            Step::Weighted(_) | Step::Relu(_) => return Err(TrainError::NotExported),
        })
    }
}

/// The operation and its scales.
fn weighted(layer: &Weighted, exported: Exported) -> (Op, Vec<f32>) {
    let Exported { quantizer, values, basis, scales } = exported;
    let weights = |shape| Weights { values, shape, quantizer, basis };
    let op = match *layer {
        Weighted::Dense { features, outputs } => {
            Op::Dense { weights: weights([outputs as u32, 1, 1, features as u32]) }
        }
        Weighted::Conv(shape) => {
            let [height, width] = shape.window.kernel;
            let depth = shape.input.channels / shape.groups as u32;
            let shape_of_weights = [shape.output.channels, height, width, depth];
            Op::Conv2d { weights: weights(shape_of_weights), window: shape.window, groups: shape.groups as u32 }
        }
    };
    (op, scales)
}
