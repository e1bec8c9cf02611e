//! Writes a starting corpus of small valid ONNX files, field by field.

use std::path::Path;

/// Name, sizes and values of a constant.
type Constant<'a> = (&'a str, &'a [u64], &'a [f32]);
/// Name and integers of an attribute; one integer is no list.
type Attribute<'a> = (&'a str, &'a [u64]);
/// Operator, inputs, outputs and attributes.
type Node<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [Attribute<'a>]);

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A field of bytes, text or a message.
fn part(tag: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(tag << 3 | 2, &mut bytes);
    varint(body.len() as u64, &mut bytes);
    bytes.extend(body);
    bytes
}

/// A field of one number.
fn number(tag: u64, value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(tag << 3, &mut bytes);
    varint(value, &mut bytes);
    bytes
}

fn attribute((name, values): &Attribute<'_>) -> Vec<u8> {
    let body = match values {
        [value] => [number(3, *value), number(20, 2)].concat(),
        values => [values.iter().flat_map(|&value| number(8, value)).collect(), number(20, 7)].concat(),
    };
    part(5, &[part(1, name.as_bytes()), body].concat())
}

fn node((op, inputs, outputs, attributes): &Node<'_>) -> Vec<u8> {
    let names = |tag: u64, names: &[&str]| names.iter().flat_map(|name| part(tag, name.as_bytes())).collect();
    let fields: [Vec<u8>; 4] =
        [names(1, inputs), names(2, outputs), part(4, op.as_bytes()), attributes.iter().flat_map(attribute).collect()];
    part(1, &fields.concat())
}

fn constant((name, dims, values): &Constant<'_>) -> Vec<u8> {
    // The names of zero points begin with z, those of sizes with s.
    let kind = match name.as_bytes()[0] {
        b'z' => 3,
        b's' => 7,
        _ => 1,
    };
    let raw: Vec<u8> = match kind {
        3 => values.iter().map(|&value| value as i8 as u8).collect(),
        7 => values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let dims: Vec<u8> = dims.iter().flat_map(|&size| number(1, size)).collect();
    part(5, &[dims, number(2, kind), part(8, name.as_bytes()), part(9, &raw)].concat())
}

/// Input `x` of the given sizes, output `y`.
fn model(dims: &[u64], constants: &[Constant<'_>], nodes: &[Node<'_>]) -> Vec<u8> {
    let sizes: Vec<u8> = dims.iter().flat_map(|&size| part(1, &number(1, size))).collect();
    let tensor = part(1, &[number(1, 1), part(2, &sizes)].concat());
    let info = |tag: u64, name: &str| part(tag, &[part(1, name.as_bytes()), part(2, &tensor)].concat());
    let nodes: Vec<u8> = nodes.iter().flat_map(node).collect();
    let constants: Vec<u8> = constants.iter().flat_map(constant).collect();
    let graph = [nodes, constants, info(11, "x"), info(12, "y")].concat();
    [number(1, 8), part(7, &graph), part(8, &number(2, 13))].concat()
}

/// One model for each family of operators.
fn models() -> Vec<Vec<u8>> {
    vec![quantised(), filtered(), integer(), resized(), normed()]
}

/// Weights behind a quantiser.
fn quantised() -> Vec<u8> {
    let constants: &[Constant<'_>] =
        &[("w", &[2, 2], &[1.0, -1.0, 0.5, 2.0]), ("a", &[], &[0.5]), ("b", &[], &[0.0]), ("c", &[], &[4.0])];
    model(
        &[1, 2],
        constants,
        &[
            ("Quant", &["w", "a", "b", "c"], &["q"], &[("signed", &[1]), ("narrow", &[1])]),
            ("MatMul", &["x", "q"], &["m"], &[]),
            ("Relu", &["m"], &["y"], &[]),
        ],
    )
}

/// A convolution and pools.
fn filtered() -> Vec<u8> {
    let constants: &[Constant<'_>] = &[("w", &[2, 1, 2, 2], &[1.0; 8]), ("b", &[2], &[1.0, 2.0])];
    model(
        &[1, 1, 4, 4],
        constants,
        &[
            ("Conv", &["x", "w", "b"], &["m"], &[("pads", &[1, 1, 0, 0]), ("strides", &[2, 2]), ("group", &[1])]),
            ("MaxPool", &["m"], &["p"], &[("kernel_shape", &[2, 2]), ("ceil_mode", &[1])]),
            ("GlobalAveragePool", &["p"], &["y"], &[]),
        ],
    )
}

/// ONNX's own quantisers.
fn integer() -> Vec<u8> {
    let constants: &[Constant<'_>] = &[("w", &[1, 1, 2, 2], &[1.0; 4]), ("a", &[], &[0.5]), ("z", &[], &[1.0])];
    model(
        &[1, 1, 3, 3],
        constants,
        &[
            ("QuantizeLinear", &["x", "a", "z"], &["q"], &[("axis", &[1])]),
            ("QuantizeLinear", &["w", "a", "z"], &["v"], &[]),
            ("QLinearConv", &["q", "a", "z", "v", "a", "z", "a", "z"], &["m"], &[("dilations", &[2, 2])]),
            ("DequantizeLinear", &["m", "a", "z"], &["y"], &[]),
        ],
    )
}

/// Sizes and order.
fn resized() -> Vec<u8> {
    let constants: &[Constant<'_>] = &[("s", &[2], &[-1.0, 2.0]), ("s0", &[1], &[0.0]), ("s1", &[1], &[2.0])];
    model(
        &[2, 2, 1],
        constants,
        &[
            ("Reshape", &["x", "s"], &["r"], &[]),
            ("Slice", &["r", "s0", "s1", "s0"], &["c"], &[]),
            ("Pad", &["c"], &["p"], &[("pads", &[0, 1, 0, 0])]),
            ("Gather", &["r", "s0"], &["g"], &[("axis", &[1])]),
            ("Concat", &["g", "r", "p"], &["k"], &[("axis", &[1])]),
            ("Split", &["k"], &["d", "e"], &[("axis", &[1])]),
            ("Transpose", &["e"], &["t"], &[("perm", &[1, 0])]),
            ("ReduceMean", &["t"], &["y"], &[("axes", &[0, 1]), ("keepdims", &[0])]),
        ],
    )
}

/// Norms, thresholds and endings.
fn normed() -> Vec<u8> {
    let constants: &[Constant<'_>] =
        &[("a", &[2], &[1.0, 2.0]), ("t", &[2, 2], &[0.0, 1.0, 2.0, 3.0]), ("u", &[], &[1.0])];
    model(
        &[1, 2],
        constants,
        &[
            ("BatchNormalization", &["x", "a", "a", "a", "a"], &["n"], &[]),
            ("MultiThreshold", &["n", "t"], &["h"], &[]),
            ("Clip", &["h", "", "u"], &["l"], &[]),
            ("Softmax", &["l"], &["o"], &[("axis", &[1])]),
            ("TopK", &["o"], &["v", "y"], &[("k", &[1])]),
        ],
    )
}

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "corpus-onnx".into());
    std::fs::create_dir_all(&directory)?;
    for (at, model) in models().iter().enumerate() {
        std::fs::write(Path::new(&directory).join(format!("seed{at}")), model)?;
    }
    Ok(())
}
