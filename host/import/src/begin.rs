//! Where the device's bytes enter the model: at its input, or behind the quantiser with which it begins.

use std::collections::BTreeSet;

use bitfab_graph::ByteKind;

use crate::input::InputMap;
use crate::{ImportError, Input, Source, SourceNode, execute};

/// Nodes between input and first quantiser that work element by element or change sizes.
const BEFORE: &[&str] = &[
    "Add",
    "Cast",
    "Clip",
    "Div",
    "Flatten",
    "Identity",
    "Mul",
    "Reshape",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
];

/// A source that begins with integers, how bytes stand for them, and what the caller has to do before.
pub(crate) struct Begun {
    pub source: Source,
    pub input: InputMap,
    pub note: Option<String>,
}

/// Takes the bytes as `input` says, or as the integers of the quantiser with which the source begins.
///
/// # Errors
/// If the source does not have one input, or begins without a quantiser and `input` is left out.
pub(crate) fn begin(mut source: Source, input: Option<InputMap>) -> Result<Begun, ImportError> {
    let [only] = source.inputs.as_slice() else {
        let names: Vec<&str> = source.inputs.iter().map(|input| input.name.as_str()).collect();
        let problem = format!("the model has {} inputs ({}), it needs exactly one", names.len(), names.join(", "));
        return Err(ImportError::Value { name: names.first().copied().unwrap_or("input").into(), problem });
    };
    if let Some(input) = input {
        return Ok(Begun { source, input, note: None });
    }
    let name = only.name.clone();
    let Some((path, input)) = quantiser(&source, &name) else {
        // An input of integers is its bytes, as TFLite has it.
        let kind = match source.type_of(&name) {
            Some("uint8") => Some(ByteKind::U8),
            Some("int8") => Some(ByteKind::I8),
            _ => None,
        };
        if let Some(kind) = kind {
            return Ok(Begun { source, input: InputMap::new(kind), note: None });
        }
        let problem = "the model does not begin with a quantiser of at most 8 bits, so say how bytes become its input: \
                       --input u8/255 for pictures from 0 to 1, --input u8 or i8 for integers, --input i8*0.25 for a scale";
        return Err(ImportError::Value { name, problem: problem.into() });
    };
    let arithmetic: Vec<&SourceNode> = path.iter().map(|&index| &source.nodes[index]).collect();
    let is_plain = |node: &&SourceNode| {
        matches!(node.op.as_str(), "Flatten" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Transpose")
    };
    let Some(last) = path.len().checked_sub(1) else { return Ok(Begun { source, input, note: None }) };
    if arithmetic[..last].iter().all(is_plain) {
        let note = (input.zero != 0 || input.kind == ByteKind::I8).then(|| own_bytes(arithmetic[last], &input));
        return Ok(Begun { source, input, note });
    }
    let names: Vec<&str> = arithmetic.iter().map(|node| node.name.as_str()).collect();
    let note = format!(
        "the bytes are the integers of `{}`: compute {} before the device, or say by --input how raw bytes enter",
        names[last],
        names.join(", ")
    );
    cut(&mut source, &path)?;
    Ok(Begun { source, input, note: Some(note) })
}

/// Which bytes rows are made of.
fn own_bytes(node: &SourceNode, input: &InputMap) -> String {
    let kind = if input.kind == ByteKind::I8 { "int8" } else { "uint8" };
    format!("rows are the {kind} that `{}` gives, as they are: {} stands for zero", node.name, input.zero)
}

/// The nodes from the input to its first quantiser, the quantiser last, and the bytes that it yields.
fn quantiser(source: &Source, input: &str) -> Option<(Vec<usize>, InputMap)> {
    let (mut name, mut path) = (input.to_string(), Vec::new());
    loop {
        let reads = |node: &SourceNode| node.inputs.contains(&name);
        let mut readers = (0..source.nodes.len()).filter(|&index| reads(&source.nodes[index]));
        let index = readers.next()?;
        let node = &source.nodes[index];
        // Sizes of the input may be asked for, too.
        if node.op == "Shape" {
            let others: Vec<usize> = readers.collect();
            let [next] = others.as_slice() else { return None };
            path.push(*next);
        } else if readers.next().is_some() {
            return None;
        } else {
            path.push(index);
        }
        let node = &source.nodes[*path.last()?];
        match node.op.as_str() {
            "Quant" | "IntQuant" => return Some((path, quant(source, node)?)),
            "QuantizeLinear" => return Some((path, linear(source, node)?)),
            op if BEFORE.contains(&op) => name.clone_from(&node.outputs[0]),
            _ => return None,
        }
    }
}

/// Lets the source begin behind the last node of `path`, whose value has the sizes that zeros have there.
fn cut(source: &mut Source, path: &[usize]) -> Result<(), ImportError> {
    let last = source.nodes[path[path.len() - 1]].clone();
    let input = source.inputs[0].clone();
    let dims: Vec<usize> =
        input.dims.iter().enumerate().map(|(axis, size)| size.unwrap_or(usize::from(axis == 0))).collect();
    let count = crate::Array::count(&dims).unwrap_or(0);
    let zeros = crate::Array::new(if count == 0 { vec![0] } else { dims }, vec![0.0; count]);
    let until = path[path.len() - 1];
    let part = Source {
        nodes: source.nodes[..=until].to_vec(),
        outputs: last.outputs.clone(),
        constants: source.constants.clone(),
        ..source.clone()
    };
    let tensors = execute::run(&part, &[(input.name.clone(), zeros)].into())?;
    let name = last.outputs[0].clone();
    let sizes = tensors.get(&name).map_or(Vec::new(), |array| array.dims.iter().map(|&size| Some(size)).collect());
    source.inputs = vec![Input { name: name.clone(), dims: sizes }];
    // What only led to the quantiser goes; results must not depend on it in another way.
    let mut needed: BTreeSet<String> = source.outputs.iter().cloned().collect();
    let mut kept = Vec::new();
    while let Some(node) = source.nodes.pop() {
        let makes = |output: &String| needed.contains(output) && *output != name;
        if node.outputs.iter().any(makes) {
            needed.extend(node.inputs.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    source.nodes = kept;
    Ok(())
}

/// The one number of a constant.
fn number(source: &Source, node: &SourceNode, at: usize) -> Option<f64> {
    match source.constants.get(node.inputs.get(at)?)?.values.as_slice() {
        [value] => Some(*value),
        _ => None,
    }
}

fn quant(source: &Source, node: &SourceNode) -> Option<InputMap> {
    let [scale, zero, bits] = [1, 2, 3].map(|at| number(source, node, at));
    let (scale, zero, bits) = (scale?, zero?, bits?);
    let (is_signed, is_narrow) = (node.int("signed").unwrap_or(1) != 0, node.int("narrow").unwrap_or(0) != 0);
    if !(2.0..=8.0).contains(&bits) || bits.fract() != 0.0 || zero.fract() != 0.0 {
        return None;
    }
    let (size, narrow) = (1i64 << bits as u32, i64::from(is_narrow));
    let range = if is_signed { (narrow - size / 2, size / 2 - 1) } else { (0, size - 1 - narrow) };
    let kind = if is_signed { ByteKind::I8 } else { ByteKind::U8 };
    Some(InputMap { zero: zero as i64, multiplier: scale, range, ..InputMap::new(kind) })
}

fn linear(source: &Source, node: &SourceNode) -> Option<InputMap> {
    let (scale, zero) = (number(source, node, 1)?, number(source, node, 2).unwrap_or(0.0) as i64);
    // A row is what the file's own quantiser gives, byte by byte.
    let kind = match node.text("zero_point_type").unwrap_or("uint8") {
        "uint8" => ByteKind::U8,
        "int8" => ByteKind::I8,
        _ => return None,
    };
    Some(InputMap { zero, multiplier: scale, ..InputMap::new(kind) })
}
