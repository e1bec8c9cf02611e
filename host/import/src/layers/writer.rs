//! The source while it is written, layer by layer.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::Archive;
use super::describe::{BatchNorm, Description, Framework, Kind, Layer};
use crate::operators::{AVERAGE_POOL, BATCH_NORM, GLOBAL_AVERAGE_POOL, GLOBAL_MAX_POOL, MAX_POOL, Operator, QUANT};
use crate::source::{Attribute, Channels, Input};
use crate::{Array, ImportError, InputMap, Source};

/// What a layer yields.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Name of the tensor.
    pub tensor: String,
    /// Height, width and channels; length and channels; or the number of values.
    pub dims: Vec<usize>,
}

impl Value {
    pub fn channels(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// The sizes in the source: batch, channels, then height and width.
    pub fn source_dims(&self) -> Vec<usize> {
        let spatial = self.dims.len().saturating_sub(1);
        [1, self.channels()].into_iter().chain(self.dims[..spatial].iter().copied()).collect()
    }

    /// Height and width, or the length; none of a flat value.
    pub fn spatial(&self) -> &[usize] {
        &self.dims[..self.dims.len().saturating_sub(1)]
    }
}

/// The source so far.
pub(super) struct Writer<'a> {
    pub archive: Archive<'a>,
    pub framework: Option<Framework>,
    source: Source,
    /// The result of each layer by its name.
    results: BTreeMap<String, Value>,
    /// Layers whose result is read.
    used: BTreeSet<String>,
    /// The last layer's name.
    last: String,
}

impl<'a> Writer<'a> {
    /// A source that has its input.
    ///
    /// # Errors
    /// If the archive or the input's table is wrong.
    pub fn new(description: &Description, npz: &'a [u8]) -> Result<Self, ImportError> {
        let wrong = |problem: String| ImportError::Value { name: "input".into(), problem };
        let mut writer = Self {
            archive: Archive::new(npz)?,
            framework: description.framework,
            source: Source { opset: 13, channels: Channels::First, ..Source::default() },
            results: BTreeMap::new(),
            used: BTreeSet::new(),
            last: "input".into(),
        };
        let shape = &description.input.shape;
        if !(1..=3).contains(&shape.len()) || shape.contains(&0) || Array::count(shape).is_none() {
            return Err(wrong(format!(
                "shape {shape:?}; it is [values], [length, channels] or [height, width, channels], each at least 1"
            )));
        }
        let mut value = Value { tensor: "input".into(), dims: shape.clone() };
        let dims = value.source_dims().into_iter().enumerate().map(|(axis, size)| (axis > 0).then_some(size));
        writer.source.inputs.push(Input { name: "input".into(), dims: dims.collect() });
        writer.source.types.insert("input".into(), "float".into());
        if let Some(text) = &description.input.bytes {
            let map: InputMap = text.parse().map_err(|problem| wrong(format!("bytes: {problem}")))?;
            value.tensor = writer.bytes(&map);
        }
        writer.results.insert("input".into(), value);
        Ok(writer)
    }

    /// The quantiser whose integers are the device's bytes.
    fn bytes(&mut self, map: &InputMap) -> String {
        let is_signed = map.kind == bitfab_graph::ByteKind::I8;
        let constants = [map.multiplier / map.divisor, map.zero as f64, 8.0];
        let names = ["scale", "zero", "bits"].iter().zip(constants);
        let names = names.map(|(part, value)| self.constant(format!("input:{part}"), Array::scalar(value)));
        let inputs = std::iter::once("input".to_string()).chain(names).collect();
        self.node("input:bytes".into(), &QUANT, inputs, vec![("signed", Attribute::Int(is_signed.into()))])
    }

    /// Appends a node; gives its result, which has its name.
    pub fn node(
        &mut self,
        name: String,
        operator: &Operator,
        inputs: Vec<String>,
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        let mut node = operator.node(name.clone(), inputs, name.clone());
        node.attributes = attributes.into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.source.nodes.push(node);
        name
    }

    /// Adds a constant; gives its name.
    pub fn constant(&mut self, name: String, array: Array) -> String {
        self.source.types.insert(name.clone(), "float".into());
        self.source.constants.insert(name.clone(), array);
        name
    }

    /// The array of a key, with one number for each output or channel.
    pub fn vector(&mut self, key: &str, name: &str, count: usize) -> Result<Array, String> {
        let array = self.archive.array(name).map_err(|problem| format!("{key}: {problem}"))?;
        if array.values.len() != count {
            let found = array.values.len();
            return Err(format!("{key}: array `{name}` has sizes {:?}, {found} values for {count}", array.dims));
        }
        Ok(Array::new([count], array.values))
    }

    /// The result of a layer that stands before.
    pub fn result(&mut self, key: &str, name: &str) -> Result<Value, String> {
        let Some(value) = self.results.get(name) else {
            return Err(format!("{key}: no layer before it is called `{name}`"));
        };
        self.used.insert(name.into());
        Ok(value.clone())
    }

    /// Writes one layer.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub fn layer(&mut self, layer: &Layer) -> Result<(), String> {
        if self.results.contains_key(&layer.name) {
            return Err("two layers have this name".into());
        }
        let from = layer.input.clone().unwrap_or_else(|| self.last.clone());
        let from = self.result("input", &from)?;
        let name = layer.name.as_str();
        let mut value = match &layer.kind {
            Kind::Dense(dense) => self.dense(name, dense, &from)?,
            Kind::Conv(conv) => self.conv(name, conv, &from)?,
            Kind::MaxPool(pool) => self.pool(name, pool, [&MAX_POOL, &GLOBAL_MAX_POOL], &from)?,
            Kind::AveragePool(pool) => self.pool(name, pool, [&AVERAGE_POOL, &GLOBAL_AVERAGE_POOL], &from)?,
            Kind::Flatten(flatten) => self.flatten(name, flatten, &from)?,
            Kind::Add(add) => self.add(name, add, &from)?,
            Kind::Activation if layer.norm.is_none() && layer.activation.is_none() => {
                return Err("has no activation and no batch-norm".into());
            }
            Kind::Activation => from,
        };
        if Array::count(&value.dims).is_none() {
            return Err(format!("its result has sizes {:?}, which are too many values", value.dims));
        }
        if let Some(norm) = &layer.norm {
            value.tensor = self.norm(name, norm, &value).map_err(|problem| format!("batch-norm: {problem}"))?;
        }
        if let Some(activation) = &layer.activation {
            value.tensor =
                self.activate(name, activation, &value).map_err(|problem| format!("activation: {problem}"))?;
        }
        self.last = name.into();
        self.results.insert(name.into(), value);
        Ok(())
    }

    fn norm(&mut self, layer: &str, norm: &BatchNorm, value: &Value) -> Result<String, String> {
        let epsilon = match (norm.epsilon, self.framework) {
            (Some(epsilon), _) => epsilon,
            (None, Some(Framework::Keras)) => 1e-3,
            (None, Some(Framework::Pytorch)) => 1e-5,
            (None, None) => return Err("epsilon: is missing; Keras has 1e-3, PyTorch 1e-5, if it was not set".into()),
        };
        let channels = value.channels();
        let mut inputs = vec![value.tensor.clone()];
        let parts = [
            ("gamma", norm.gamma.as_deref(), 1.0),
            ("beta", norm.beta.as_deref(), 0.0),
            ("mean", Some(norm.mean.as_str()), 0.0),
            ("variance", Some(norm.variance.as_str()), 1.0),
        ];
        for (key, array, default) in parts {
            let array = match array {
                Some(array) => self.vector(key, array, channels)?,
                None => Array::new([channels], vec![default; channels]),
            };
            let least = array.values.iter().copied().fold(f64::INFINITY, f64::min);
            if key == "variance" && !(least + epsilon > 0.0 && epsilon.is_finite()) {
                return Err(format!("variance: {least} with an epsilon of {epsilon} is not positive"));
            }
            inputs.push(self.constant(format!("{layer}:{key}"), array));
        }
        let attributes = vec![("epsilon", Attribute::Float(epsilon))];
        Ok(self.node(format!("{layer}:batch-norm"), &BATCH_NORM, inputs, attributes))
    }

    /// The source, whose result is that of the last layer.
    ///
    /// # Errors
    /// Names a layer before it that nothing reads.
    pub fn finish(mut self) -> Result<Source, ImportError> {
        let unread = self.results.keys().find(|name| **name != self.last && !self.used.contains(*name));
        if let Some(name) = unread {
            let problem = "nothing reads its result; only that of the last layer leaves the model".into();
            return Err(ImportError::Value { name: name.clone(), problem });
        }
        self.source.outputs = self.results.get(&self.last).map(|value| value.tensor.clone()).into_iter().collect();
        Ok(self.source)
    }
}
