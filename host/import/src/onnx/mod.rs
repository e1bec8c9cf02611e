//! ONNX and QONNX files: protobuf in, a [`Source`] out.

mod order;
pub(crate) mod proto;
pub(crate) mod tensor;
mod types;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost::bytes::Bytes;

pub use tensor::External;

use crate::operators::CONSTANT;
use crate::source::{Attribute, Input, Source, SourceNode};
use crate::{Array, ImportError};
use tensor::Store;

/// The most nodes that are read.
const MAX_NODES: usize = 20_000;

/// Reads a model; `external` gives the bytes of a file that the model keeps beside it, by its relative path.
///
/// Constant nodes become constants; nodes, constants and inputs that no result needs are left out.
///
/// # Errors
/// [`ImportError`] says what is damaged, or names the node or constant that cannot be read.
pub fn read(bytes: impl Into<Vec<u8>>, external: External<'_>) -> Result<Source, ImportError> {
    let bytes = Bytes::from(bytes.into());
    let length = bytes.len();
    let damaged =
        |what: String| wrong(format!("its {length} bytes are damaged or cut: {what}; copy or export it again"));
    weigh::weigh(&bytes).map_err(damaged)?;
    let model = proto::Model::decode(bytes).map_err(|error| damaged(error.to_string()))?;
    let opset = opset(&model)?;
    let graph = model.graph.ok_or_else(|| wrong(format!("{length} bytes without a graph")))?;
    if graph.node.len() > MAX_NODES {
        return Err(wrong(format!("{} nodes, at most {MAX_NODES} are read", graph.node.len())));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(wrong("it has sparse constants; store them densely".into()));
    }
    let mut store = Store::new(external);
    let mut source = Source { opset, annotations: annotations(&graph), ..Source::default() };
    constants(&mut source, &graph, &mut store)?;
    inputs(&mut source, &graph)?;
    source.outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    source.nodes = nodes(&graph, &mut source, &mut store)?;
    order::sort(&mut source)?;
    order::prune(&mut source);
    types::remember(&mut source)?;
    Ok(source)
}

fn wrong(problem: String) -> ImportError {
    ImportError::File { format: "ONNX", problem }
}

/// The version of ONNX's operators, where the file can be read at all.
fn opset(model: &proto::Model) -> Result<i64, ImportError> {
    if model.ir_version < 3 {
        return Err(wrong(format!("version {} of the format; 3 and later are read", model.ir_version)));
    }
    if let Some(function) = model.functions.first() {
        let name = &function.name;
        return Err(wrong(format!("it defines functions of its own (`{name}`); export it with functions inlined")));
    }
    let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    Ok(opset.map_or(1, |set| set.version))
}

/// Takes up one constant.
fn constant(source: &mut Source, name: &str, tensor: &proto::Tensor, store: &mut Store<'_>) -> Result<(), String> {
    let array = tensor::array(tensor, store)?;
    if name.is_empty() || source.constants.insert(name.into(), array).is_some() {
        return Err("has no name, or a name that is defined already".into());
    }
    if let Some((kind, _)) = tensor::type_name(tensor.data_type) {
        source.types.insert(name.into(), kind.into());
    }
    Ok(())
}

fn constants(source: &mut Source, graph: &proto::Graph, store: &mut Store<'_>) -> Result<(), ImportError> {
    graph.initializer.iter().try_for_each(|tensor| {
        constant(source, &tensor.name, tensor, store)
            .map_err(|problem| ImportError::Value { name: tensor.name.clone(), problem })
    })
}

/// Inputs of the graph that are not constants.
fn inputs(source: &mut Source, graph: &proto::Graph) -> Result<(), ImportError> {
    let mut names = BTreeSet::new();
    for info in graph.input.iter().filter(|info| !source.constants.contains_key(&info.name)) {
        let fault = |problem: &str| ImportError::Value { name: info.name.clone(), problem: problem.into() };
        if !names.insert(&info.name) {
            return Err(fault("is an input twice"));
        }
        let tensor = info.r#type.as_ref().and_then(|one| one.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| fault("is no dense tensor"))?;
        let shape = tensor.shape.as_ref().ok_or_else(|| fault("has no sizes; infer the shapes before exporting"))?;
        let size = |dim: &proto::Dimension| usize::try_from(dim.dim_value).ok().filter(|&size| size > 0);
        source.inputs.push(Input { name: info.name.clone(), dims: shape.dim.iter().map(size).collect() });
        if let Some((kind, _)) = tensor::type_name(tensor.elem_type) {
            source.types.insert(info.name.clone(), kind.into());
        }
    }
    Ok(())
}

fn annotations(graph: &proto::Graph) -> BTreeMap<String, String> {
    let one = |annotation: &proto::Annotation| {
        let entries = annotation.quant_parameter_tensor_names.iter();
        let found = entries.clone().find(|entry| entry.key == "finn_datatype");
        found.map(|entry| (annotation.tensor_name.clone(), entry.value.clone()))
    };
    graph.quantization_annotation.iter().filter_map(one).collect()
}

/// The nodes in the file's order, with names of their own, but for those that are constants.
fn nodes(graph: &proto::Graph, source: &mut Source, store: &mut Store<'_>) -> Result<Vec<SourceNode>, ImportError> {
    let mut names = BTreeSet::new();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for (index, node) in graph.node.iter().enumerate() {
        let mut name = if node.name.is_empty() { format!("{}_{index}", node.op_type) } else { node.name.clone() };
        while !names.insert(name.clone()) {
            name = format!("{name}#{index}");
        }
        let fault =
            |problem: String| ImportError::Node { index, name: name.clone(), op: node.op_type.clone(), problem };
        if node.outputs_nothing() {
            return Err(fault("yields nothing".into()));
        }
        let domain = if node.domain == "ai.onnx" { String::new() } else { node.domain.clone() };
        if node.op_type == CONSTANT.name && domain.is_empty() {
            fold(node, source, store).map_err(fault)?;
            continue;
        }
        let mut attributes = BTreeMap::new();
        for attribute in &node.attribute {
            let value =
                value(attribute, store).map_err(|what| fault(format!("attribute `{}` {what}", attribute.name)))?;
            attributes.extend(value.map(|value| (attribute.name.clone(), value)));
        }
        let (inputs, outputs) = (node.input.clone(), node.output.clone());
        nodes.push(SourceNode { name, op: node.op_type.clone(), domain, inputs, outputs, attributes });
    }
    Ok(nodes)
}

/// A node without inputs becomes a constant.
fn fold(node: &proto::Node, source: &mut Source, store: &mut Store<'_>) -> Result<(), String> {
    let ([attribute], [output]) = (node.attribute.as_slice(), node.output.as_slice()) else {
        return Err("needs one value and one output".into());
    };
    if let Some(tensor) = &attribute.t {
        return constant(source, output, tensor, store);
    }
    let (kind, array) = match value(attribute, store)? {
        Some(Attribute::Float(value)) => ("float", Array::scalar(value)),
        Some(Attribute::Floats(values)) => ("float", Array::new([values.len()], values)),
        Some(Attribute::Int(value)) => ("int64", Array::scalar(value as f64)),
        Some(Attribute::Ints(values)) => {
            ("int64", Array::new([values.len()], values.iter().map(|&value| value as f64).collect()))
        }
        _ => return Err(format!("its `{}` is no dense array of numbers", attribute.name)),
    };
    source.types.insert(output.clone(), kind.into());
    match source.constants.insert(output.clone(), array) {
        Some(_) => Err(format!("yields `{output}`, which is defined already")),
        None => Ok(()),
    }
}

impl proto::Node {
    fn outputs_nothing(&self) -> bool {
        self.output.iter().all(String::is_empty)
    }
}

/// The value of an attribute; `None` for lists of text, which no operator here takes.
///
/// Files without a kind have the one field that counts; protobuf may leave out a zero.
fn value(attribute: &proto::Attribute, store: &mut Store<'_>) -> Result<Option<Attribute>, String> {
    let kind = match attribute {
        proto::Attribute { kind: 1.., .. } => attribute.kind,
        proto::Attribute { g: Some(_), .. } => 5,
        proto::Attribute { t: Some(_), .. } => 4,
        proto::Attribute { s: Some(_), .. } => 3,
        proto::Attribute { i: Some(_), .. } => 2,
        proto::Attribute { f: Some(_), .. } => 1,
        proto::Attribute { floats, .. } if !floats.is_empty() => 6,
        proto::Attribute { ints, .. } if !ints.is_empty() => 7,
        _ => 0,
    };
    Ok(Some(match kind {
        1 => Attribute::Float(number(attribute.f.unwrap_or(0.0))?),
        2 => Attribute::Int(attribute.i.unwrap_or(0)),
        3 => {
            let text = attribute.s.clone().unwrap_or_default();
            Attribute::Text(String::from_utf8(text.into()).map_err(|_| "is not UTF-8".to_string())?)
        }
        4 => {
            let tensor = attribute.t.as_ref().ok_or("has no value")?;
            Attribute::Array(tensor::array(tensor, store)?)
        }
        5 | 10 => return Err("is a graph; export the model without control flow".into()),
        6 => Attribute::Floats(attribute.floats.iter().map(|&value| number(value)).collect::<Result<_, _>>()?),
        7 => Attribute::Ints(attribute.ints.clone()),
        0 | 8 => return Ok(None),
        other => return Err(format!("is of kind {other}; numbers, text and dense arrays are read")),
    }))
}

fn number(value: f32) -> Result<f64, String> {
    if value.is_nan() { Err("is not a number".into()) } else { Ok(value.into()) }
}

#[cfg(test)]
mod tests;
