//! A model as its file has it: named operators over named arrays.

use std::collections::BTreeMap;

use crate::{Array, ImportError};

/// A constant of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// Text.
    Text(String),
    /// Integers.
    Ints(Vec<i64>),
    /// Real numbers.
    Floats(Vec<f64>),
    /// An array.
    Array(Array),
}

/// One operator.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SourceNode {
    /// Its name in the file, or one made of its operator and position; unique.
    pub name: String,
    /// Operator, such as `MatMul` or `Quant`.
    pub op: String,
    /// Domain of the operator; empty for ONNX itself.
    pub domain: String,
    /// Names of what it reads; empty for an optional input that is left out.
    pub inputs: Vec<String>,
    /// Names of what it yields; empty for an output that nobody wants.
    pub outputs: Vec<String>,
    /// Constants by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A value that the caller gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Sizes; `None` where the file leaves one open.
    pub dims: Vec<Option<usize>>,
}

/// Which axis of an input's images holds the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Channels {
    /// The file does not say: its convolutions and pools do, and else its sizes.
    #[default]
    Unsaid,
    /// The one behind the batch.
    First,
    /// The last one.
    Last,
}

/// A whole model.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Source {
    /// Values that the caller gives; constants are not among them.
    pub inputs: Vec<Input>,
    /// Names of the results.
    pub outputs: Vec<String>,
    /// Operators in an order in which they can be run.
    pub nodes: Vec<SourceNode>,
    /// Constants by name.
    pub constants: BTreeMap<String, Array>,
    /// Where the input has its channels.
    pub channels: Channels,
    /// Version of the ONNX operators.
    pub opset: i64,
    /// The type of numbers of each constant and input, such as `float` or `int8`.
    pub types: BTreeMap<String, String>,
    /// What the integers of an input are worth, where the file says so: `real = (integer - zero) * scale`.
    pub worth: BTreeMap<String, (f64, i64)>,
    /// Data types that FINN wrote beside tensors, such as `BIPOLAR` or `INT4`.
    pub annotations: BTreeMap<String, String>,
}

impl Source {
    /// The type of numbers of a constant or an input.
    pub fn type_of(&self, name: &str) -> Option<&str> {
        self.types.get(name).map(String::as_str)
    }
}

impl SourceNode {
    /// An error at this node, the one at `index`.
    pub(crate) fn fault(&self, index: usize, problem: String) -> ImportError {
        let op = if self.domain.is_empty() { self.op.clone() } else { format!("{}.{}", self.domain, self.op) };
        ImportError::Node { index, name: self.name.clone(), op, problem }
    }

    /// An integer attribute.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A real attribute; an integer counts as one.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => Some(*value),
            Some(Attribute::Int(value)) => Some(*value as f64),
            _ => None,
        }
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }
}
