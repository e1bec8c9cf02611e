//! One node of the source: folded, appended to a chain, or a sum.

use crate::execute;
use crate::lower::coded::{Code, Coded, Link};
use crate::lower::lowering::{Fault, Lowering};
use crate::operators::{self, Bends, CAST, IDENTITY, MAX_STEPS, Mode, Operands, Operator, Role};
use crate::{Array, SourceNode};

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
        let Some(operator) = self.operators[index] else {
            return Err(self.fault(index, operators::unsupported(node)));
        };
        let is_ended = variables.iter().any(|&at| self.ended.contains_key(&node.inputs[at]));
        if is_ended && !is_passive(operator) && *operator != CAST {
            return Err(self.fault(index, "computes with the result of a softmax or arg max; end the model there"));
        }
        match (operator.role, operator.operands, variables.as_slice()) {
            (Role::SizesOf, ..) => self.sizes_of(node),
            (Role::Residual, _, [_, _]) | (_, Operands::Both, [_, _]) => self.addition(index, node),
            (Role::Elementwise, _, [variable]) => self.element(index, node, operator, *variable),
            (Role::Sizes | Role::Transpose, _, [0]) => self.sizes(index, node),
            (Role::Ending, ..) => self.ending(index, node),
            (Role::Dense, ..) => self.dense(index, node, &variables),
            (Role::Conv, ..) => self.conv(index, node, &variables),
            (Role::MaxPool(window), _, [0]) => self.max_pool(index, node, window),
            (Role::Mean(window), _, [0]) => self.mean(index, node, window),
            (Role::Joined, ..) | (Role::Elementwise, Operands::Left | Operands::Any, _) => Err(self.fault(
                index,
                "combines two computed tensors; only an addition of two quantised ones has an integer form here",
            )),
            _ => Err(self.fault(index, operators::unsupported(node))),
        }
    }

    /// The sizes of a computed tensor, which are constants.
    fn sizes_of(&mut self, node: &SourceNode) -> Result<(), Fault> {
        let sizes: Vec<f64> = self.values[&node.inputs[0]].layout.dims.iter().map(|&size| size as f64).collect();
        self.constants.insert(node.outputs[0].clone(), Array::new([sizes.len()], sizes));
        Ok(())
    }

    /// A node that reads constants alone, among them the sizes of a computed tensor.
    fn fold(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let inputs: Vec<Option<&Array>> = node.inputs.iter().map(|name| self.constant(name)).collect();
        if let Some(at) = node.inputs.iter().zip(&inputs).position(|(name, found)| !name.is_empty() && found.is_none())
        {
            let problem = format!("reads `{}`, which nothing before it yields", node.inputs[at]);
            return Err(self.fault(index, problem));
        }
        let outputs = operators::apply(node, &inputs, self.source.opset, &Mode::new(MAX_STEPS))
            .map_err(|problem| self.fault(index, problem))?;
        self.constants.extend(node.outputs.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
        Ok(())
    }

    /// A step function of each element.
    fn element(&mut self, index: usize, node: &SourceNode, operator: &Operator, variable: usize) -> Result<(), Fault> {
        if variable > 0 && !matches!(operator.operands, Operands::Any | Operands::Both) {
            return Err(self.fault(index, format!("its input {variable} is computed, it must be a constant")));
        }
        if self.bends(node, operator) {
            return Err(self.fault(index, "its alpha is negative, so that it neither rises nor falls"));
        }
        let coded = match operator.is_tflite() && self.is_rounded(&node.inputs[variable]) {
            // Bytes that are scaled again: one multiplication does not round twice.
            true => &self.plain(&node.inputs[variable])?,
            false => &self.values[&node.inputs[variable]],
        };
        let constants = node.inputs.iter().enumerate().filter(|&(at, _)| at != variable).map(|(_, name)| name);
        let rank = coded.layout.dims.len();
        // Constants of more axes than the tensor give it further axes of one.
        let most = constants.filter_map(|name| self.constant(name)).map(|array| array.dims.len()).max().unwrap_or(0);
        let mut dims = coded.layout.dims.clone();
        if operator.operands != Operands::First && most > rank {
            dims.splice(0..0, std::iter::repeat_n(1, most - rank));
        }
        let layout = coded.layout.reshaped(dims);
        let next = coded.then(Link::Node { index, variable }, layout);
        self.values.insert(node.outputs[0].clone(), next);
        Ok(())
    }

    /// Whether an activation falls on one side of zero and rises on the other.
    fn bends(&self, node: &SourceNode, operator: &Operator) -> bool {
        let is_negative = |name: &&str| node.float(name).is_some_and(|value| value < 0.0);
        match operator.bends {
            Bends::Never => false,
            Bends::Attributes(names) => names.iter().any(is_negative),
            Bends::Input(at) => {
                let slopes = node.inputs.get(at).and_then(|name| self.constant(name));
                slopes.is_none_or(|slopes| slopes.values.iter().any(|&slope| slope < 0.0))
            }
        }
    }

    /// Whether a kernel of TFLite has rounded a tensor already.
    fn is_rounded(&self, name: &str) -> bool {
        self.chain(&self.values[name]).any(|(_, operator)| operator.is_some_and(Operator::is_tflite))
    }

    /// Other sizes or another order for the same values.
    fn sizes(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let coded = &self.values[&node.inputs[0]];
        let layout = self.moved(index, &coded.layout).map_err(|problem| self.fault(index, problem))?;
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

/// Whether values stay as they are and where they are.
pub(crate) fn is_passive(operator: &Operator) -> bool {
    operator.role == Role::Sizes || *operator == IDENTITY
}
