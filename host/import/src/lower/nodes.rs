//! One node of the source: folded, appended to a chain, or a sum.

use crate::execute;
use crate::lower::coded::{Code, Coded, Link};
use crate::lower::{Fault, Lowering, windows};
use crate::{Array, SourceNode};

/// Nodes that work element by element and never fall and rise both.
const ELEMENTWISE: &[&str] = &[
    "Add",
    "BatchNormalization",
    "BipolarQuant",
    "Cast",
    "Ceil",
    "Clip",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Elu",
    "Floor",
    "HardSigmoid",
    "HardTanh",
    "Identity",
    "IntQuant",
    "LeakyRelu",
    "Max",
    "Min",
    "Mul",
    "MultiThreshold",
    "Neg",
    "PRelu",
    "Quant",
    "QuantizeLinear",
    "Relu",
    "Requantize",
    "Round",
    "RoundMean",
    "Selu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Softsign",
    "Sub",
    "Tanh",
    "ThresholdedRelu",
    "Trunc",
];
/// Nodes that only change sizes.
const LAYOUT: &[&str] = &["Flatten", "Reshape", "Squeeze", "Unsqueeze"];
/// Nodes behind the scores that do not change which one is the largest.
const ENDINGS: &[&str] = &["ArgMax", "LogSoftmax", "Logistic", "Softmax", "TopK"];

impl Lowering<'_> {
    /// Lowers one node.
    pub fn node(&mut self, index: usize) -> Result<(), Fault> {
        let source = self.source;
        let node = &source.nodes[index];
        let variables: Vec<usize> =
            (0..node.inputs.len()).filter(|&at| self.values.contains_key(&node.inputs[at])).collect();
        if variables.is_empty() {
            return if execute::is_known(node, source) { Ok(()) } else { self.fold(index, node) };
        }
        execute::check_domain(node).map_err(|problem| self.fault(index, problem))?;
        let is_ended = variables.iter().any(|&at| self.ended.contains_key(&node.inputs[at]));
        if is_ended && !LAYOUT.contains(&node.op.as_str()) && !["Cast", "Identity"].contains(&node.op.as_str()) {
            return Err(self.fault(index, "computes with the result of a softmax or arg max; end the model there"));
        }
        match (node.op.as_str(), variables.as_slice()) {
            ("Shape", _) => {
                let dims = self.values[&node.inputs[0]].layout.dims.clone();
                let sizes: Vec<f64> = dims.iter().map(|&size| size as f64).collect();
                self.constants.insert(node.outputs[0].clone(), Array::new([sizes.len()], sizes));
                Ok(())
            }
            ("Add" | "Sum", [_, _]) => self.addition(index, node),
            (op, [variable]) if ELEMENTWISE.contains(&op) => self.element(index, node, *variable),
            (op, [0]) if LAYOUT.contains(&op) => self.sizes(index, node),
            ("Transpose", [0]) => self.transpose(index, node),
            (op, _) if ENDINGS.contains(&op) => self.ending(index, node),
            ("MatMul" | "Gemm", _) => self.dense(index, node, &variables),
            ("Conv", _) => self.conv(index, node, &variables),
            ("MaxPool" | "GlobalMaxPool", [0]) => self.max_pool(index, node),
            ("AveragePool" | "GlobalAveragePool" | "ReduceMean" | "ReduceSum", [0]) => self.mean(index, node),
            ("Concat" | "Sub" | "Mul" | "Div" | "Max" | "Min", _) => Err(self.fault(
                index,
                "combines two computed tensors; only an addition of two quantised ones has an integer form here",
            )),
            _ => Err(self.fault(index, windows::unsupported(node))),
        }
    }

    /// A node that reads constants alone, among them the sizes of a computed tensor.
    fn fold(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let inputs: Vec<Option<&Array>> = node.inputs.iter().map(|name| self.constant(name)).collect();
        if let Some(at) = node.inputs.iter().zip(&inputs).position(|(name, found)| !name.is_empty() && found.is_none())
        {
            let problem = format!("reads `{}`, which nothing before it yields", node.inputs[at]);
            return Err(self.fault(index, problem));
        }
        let outputs = execute::apply(node, &inputs, self.source.opset).map_err(|problem| self.fault(index, problem))?;
        self.constants.extend(node.outputs.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
        Ok(())
    }

    /// A step function of each element.
    fn element(&mut self, index: usize, node: &SourceNode, variable: usize) -> Result<(), Fault> {
        if variable > 0 && !matches!(node.op.as_str(), "Add" | "Sub" | "Mul" | "Max" | "Min") {
            return Err(self.fault(index, format!("its input {variable} is computed, it must be a constant")));
        }
        if self.turns(node) {
            return Err(self.fault(index, "its alpha is negative, so that it neither rises nor falls"));
        }
        let coded = match self.is_rounded(node, variable) {
            // Bytes that are scaled again: one multiplication does not round twice.
            true => &self.plain(&node.inputs[variable])?,
            false => &self.values[&node.inputs[variable]],
        };
        let constants = node.inputs.iter().enumerate().filter(|&(at, _)| at != variable).map(|(_, name)| name);
        let rank = coded.layout.dims.len();
        // Constants of more axes than the tensor give it further axes of one.
        let most = constants.filter_map(|name| self.constant(name)).map(|array| array.dims.len()).max().unwrap_or(0);
        let mut dims = coded.layout.dims.clone();
        if matches!(node.op.as_str(), "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min") && most > rank {
            dims.splice(0..0, std::iter::repeat_n(1, most - rank));
        }
        let layout = coded.layout.reshaped(dims);
        let next = coded.then(Link::Node { index, variable }, layout);
        self.values.insert(node.outputs[0].clone(), next);
        Ok(())
    }

    /// Whether an activation falls on one side of zero and rises on the other.
    fn turns(&self, node: &SourceNode) -> bool {
        let is_negative = |name: &str| node.float(name).is_some_and(|value| value < 0.0);
        match node.op.as_str() {
            "LeakyRelu" | "ThresholdedRelu" | "Elu" => is_negative("alpha"),
            "Selu" => is_negative("alpha") || is_negative("gamma"),
            "PRelu" => node
                .inputs
                .get(1)
                .and_then(|name| self.constant(name))
                .is_none_or(|slope| slope.values.iter().any(|&s| s < 0.0)),
            _ => false,
        }
    }

    /// Whether a node of TFLite scales what another one has rounded already.
    fn is_rounded(&self, node: &SourceNode, variable: usize) -> bool {
        let is_own = |node: &SourceNode| node.domain == execute::TFLITE;
        let rounds = |link: &Link| matches!(link, Link::Node { index, .. } if is_own(&self.source.nodes[*index]));
        is_own(node) && self.values[&node.inputs[variable]].chain.iter().any(rounds)
    }

    /// The sizes that a layout node gives, by running it on zeros.
    fn sizes(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let coded = &self.values[&node.inputs[0]];
        let dims = &coded.layout.dims;
        let zeros = Array::new(dims.clone(), vec![0.0; coded.layout.places.len()]);
        let inputs: Vec<Option<&Array>> = node
            .inputs
            .iter()
            .enumerate()
            .map(|(at, name)| if at == 0 { Some(&zeros) } else { self.constant(name) })
            .collect();
        let outputs = execute::apply(node, &inputs, self.source.opset).map_err(|problem| self.fault(index, problem))?;
        let layout = coded.layout.reshaped(outputs[0].dims.clone());
        let next = coded.then(Link::Node { index, variable: 0 }, layout);
        self.pass(node, next);
        Ok(())
    }

    fn transpose(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let coded = &self.values[&node.inputs[0]];
        let rank = coded.layout.dims.len();
        let reversed: Vec<i64> = (0..rank as i64).rev().collect();
        let order: Vec<usize> = node.ints("perm").unwrap_or(&reversed).iter().map(|&axis| axis as usize).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return Err(self.fault(index, format!("order {order:?} of {rank} axes is not a permutation")));
        }
        let places = execute::transposed(&coded.layout.dims, &order).into_iter().map(|at| coded.layout.places[at]);
        let mut layout = coded.layout.reshaped(order.iter().map(|&axis| coded.layout.dims[axis]).collect());
        layout.places = places.collect::<Vec<_>>().into();
        let next = coded.then(Link::Node { index, variable: 0 }, layout);
        self.pass(node, next);
        Ok(())
    }

    /// A value that keeps whether it is an ending.
    fn pass(&mut self, node: &SourceNode, next: Coded) {
        if let Some(scores) = self.ended.get(&node.inputs[0]) {
            self.ended.insert(node.outputs[0].clone(), scores.clone());
        }
        self.values.insert(node.outputs[0].clone(), next);
    }

    /// Softmax, arg max and the like: the device gives the scores before it.
    fn ending(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let coded = self.values[&node.inputs[0]].clone();
        let many = coded.layout.dims.iter().filter(|&&size| size > 1).count();
        if many > 1 || node.int("largest") == Some(0) {
            return Err(
                self.fault(index, "is taken over more than one axis or for the smallest; end the model before it")
            );
        }
        if self.ended.is_empty() {
            self.leave(node);
        }
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            self.ended.insert(output.clone(), node.inputs[0].clone());
            self.values.insert(output.clone(), coded.clone());
        }
        Ok(())
    }

    /// Says that a node at the end is not computed.
    pub fn leave(&mut self, node: &SourceNode) {
        let is_one = self.values.get(&node.inputs[0]).is_some_and(|coded| coded.channels() == 1);
        let what = match is_one {
            true => {
                "the device gives the one score before it, in the unit and with the constant that are stated: \
                     compute it from that"
            }
            false => "the device gives the scores before it, whose largest is the same class",
        };
        self.notes.push(format!("`{}` ({}) is left to the caller: {what}", node.name, node.op));
    }

    /// The value of one input that is computed, as plain integers.
    pub fn plain(&mut self, name: &str) -> Result<Coded, Fault> {
        let coded = self.values[name].clone();
        let plain = self.finite(name, &coded)?;
        if !matches!(plain.code, Code::Bytes { .. }) && self.ties.iter().all(|tie| tie.tensor != name) {
            self.tie(name, &plain);
        }
        Ok(plain)
    }
}
