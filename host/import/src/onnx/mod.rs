//! ONNX and QONNX files: protobuf in, a [`Source`] out.

mod order;
mod proto;
mod tensor;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost::bytes::Bytes;

pub use tensor::External;

use crate::source::{Attribute, Input, Source, SourceNode};
use crate::{Array, ImportError};

/// The most nodes that are read.
const MAX_NODES: usize = 20_000;

/// Reads a model; `external` gives the bytes of a file that the model keeps beside it, by its relative path.
///
/// # Errors
/// [`ImportError`] says what is damaged, or names the node or constant that cannot be read.
pub fn read(bytes: impl Into<Vec<u8>>, external: External<'_>) -> Result<Source, ImportError> {
    let wrong = |problem: String| ImportError::File { format: "ONNX", problem };
    let bytes = Bytes::from(bytes.into());
    let length = bytes.len();
    let model = proto::Model::decode(bytes)
        .map_err(|error| wrong(format!("its {length} bytes are damaged or cut: {error}; copy or export it again")))?;
    let graph = model.graph.ok_or_else(|| wrong(format!("{length} bytes without a graph")))?;
    if graph.node.len() > MAX_NODES {
        return Err(wrong(format!("{} nodes, at most {MAX_NODES} are read", graph.node.len())));
    }
    if !model.functions.is_empty() {
        let name = &model.functions[0].name;
        return Err(wrong(format!("it defines functions of its own (`{name}`); export it with functions inlined")));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(wrong("it has sparse constants; store them densely".into()));
    }
    let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let mut source = Source { opset: opset.map_or(1, |set| set.version), ..Source::default() };
    constants(&mut source, &graph, external)?;
    source.inputs = inputs(&graph, &source.constants);
    source.outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    source.annotations = annotations(&graph);
    let types = std::mem::take(&mut source.types);
    source.nodes = nodes(&graph, external)?;
    source.types = types;
    order::sort(&mut source)?;
    order::prune(&mut source);
    for node in &mut source.nodes {
        remember_type(node, &source.types);
    }
    Ok(source)
}

/// The type of a zero point decides where a quantiser saturates.
fn remember_type(node: &mut SourceNode, types: &BTreeMap<String, String>) {
    let at = match node.op.as_str() {
        "QuantizeLinear" => 2,
        "QLinearConv" | "QLinearMatMul" => 7,
        _ => return,
    };
    if let Some(name) = node.inputs.get(at).and_then(|input| types.get(input)) {
        node.attributes.insert("zero_point_type".into(), Attribute::Text(name.clone()));
    }
}

fn constants(source: &mut Source, graph: &proto::Graph, external: External<'_>) -> Result<(), ImportError> {
    for tensor in &graph.initializer {
        let wrong = |problem: String| ImportError::Value { name: tensor.name.clone(), problem };
        let array = tensor::array(tensor, external).map_err(wrong)?;
        if source.constants.insert(tensor.name.clone(), array).is_some() {
            return Err(wrong("is defined twice".into()));
        }
        if let Some((name, _)) = tensor::type_name(tensor.data_type) {
            source.types.insert(tensor.name.clone(), name.into());
        }
    }
    Ok(())
}

/// Inputs of the graph that are not constants.
fn inputs(graph: &proto::Graph, constants: &BTreeMap<String, Array>) -> Vec<Input> {
    let input = |info: &proto::ValueInfo| {
        let shape = info.r#type.as_ref().and_then(|one| one.tensor_type.as_ref()).and_then(|one| one.shape.as_ref());
        let size = |dim: &proto::Dimension| usize::try_from(dim.dim_value).ok().filter(|&size| size > 0);
        Input { name: info.name.clone(), dims: shape.map_or(Vec::new(), |shape| shape.dim.iter().map(size).collect()) }
    };
    graph.input.iter().filter(|info| !constants.contains_key(&info.name)).map(input).collect()
}

fn annotations(graph: &proto::Graph) -> BTreeMap<String, String> {
    let one = |annotation: &proto::Annotation| {
        let entries = annotation.quant_parameter_tensor_names.iter();
        let found = entries.clone().find(|entry| entry.key == "finn_datatype");
        found.map(|entry| (annotation.tensor_name.clone(), entry.value.clone()))
    };
    graph.quantization_annotation.iter().filter_map(one).collect()
}

/// The nodes in the file's order, with names of their own.
fn nodes(graph: &proto::Graph, external: External<'_>) -> Result<Vec<SourceNode>, ImportError> {
    let mut names = BTreeSet::new();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for (index, node) in graph.node.iter().enumerate() {
        let base = if node.name.is_empty() { format!("{}_{index}", node.op_type) } else { node.name.clone() };
        let name = if names.contains(&base) { format!("{base}#{index}") } else { base };
        names.insert(name.clone());
        let domain = if node.domain == "ai.onnx" { String::new() } else { node.domain.clone() };
        let wrong =
            |problem: String| ImportError::Node { index, name: name.clone(), op: node.op_type.clone(), problem };
        let mut attributes = BTreeMap::new();
        for attribute in &node.attribute {
            let value =
                value(attribute, external).map_err(|what| wrong(format!("attribute `{}` {what}", attribute.name)))?;
            attributes.extend(value.map(|value| (attribute.name.clone(), value)));
        }
        let (inputs, outputs) = (node.input.clone(), node.output.clone());
        if outputs.iter().all(String::is_empty) {
            return Err(wrong("yields nothing".into()));
        }
        nodes.push(SourceNode { name, op: node.op_type.clone(), domain, inputs, outputs, attributes });
    }
    Ok(nodes)
}

/// The value of an attribute; `None` for lists of text, which no operator here takes.
fn value(attribute: &proto::Attribute, external: External<'_>) -> Result<Option<Attribute>, String> {
    let is = |kind: i32| attribute.kind == kind || attribute.kind == 0;
    Ok(match attribute {
        proto::Attribute { g: Some(_), .. } => return Err("is a graph; export the model without control flow".into()),
        proto::Attribute { t: Some(tensor), .. } => Some(Attribute::Array(tensor::array(tensor, external)?)),
        proto::Attribute { s: Some(text), .. } if is(3) => {
            Some(Attribute::Text(String::from_utf8_lossy(text).into_owned()))
        }
        proto::Attribute { ints, .. } if attribute.kind == 7 || !ints.is_empty() => Some(Attribute::Ints(ints.clone())),
        proto::Attribute { floats, .. } if attribute.kind == 6 || !floats.is_empty() => {
            Some(Attribute::Floats(floats.iter().map(|&value| f64::from(value)).collect()))
        }
        proto::Attribute { i: Some(value), .. } if is(2) => Some(Attribute::Int(*value)),
        proto::Attribute { f: Some(value), .. } if is(1) => Some(Attribute::Float(f64::from(*value))),
        // Protobuf leaves out zeros.
        _ if attribute.kind == 1 => Some(Attribute::Float(0.0)),
        _ if attribute.kind == 2 => Some(Attribute::Int(0)),
        _ if attribute.kind == 3 => Some(Attribute::Text(String::new())),
        _ => None,
    })
}
