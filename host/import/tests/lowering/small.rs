//! Small models written by hand.

use bitfab_import::{Array, Attribute, Input, Source, SourceNode};

/// A constant: name, sizes, values.
pub type Constant<'a> = (&'a str, &'a [usize], &'a [f64]);
/// A node: operator with its domain before the last dot, inputs, output, attributes.
pub type Line<'a> = (&'a str, &'a [&'a str], &'a str, &'a [(&'a str, Attribute)]);

/// A model of `x`, sized `dims` (batch first), whose result is `y`.
pub fn model(dims: &[usize], constants: &[Constant<'_>], lines: &[Line<'_>]) -> Source {
    let node = |(index, (op, inputs, output, attributes)): (usize, &Line<'_>)| {
        let (domain, op) = op.rsplit_once('.').unwrap_or(("", op));
        SourceNode {
            name: format!("{op}{index}"),
            op: op.into(),
            domain: domain.into(),
            inputs: inputs.iter().map(|&input| input.into()).collect(),
            outputs: vec![(*output).into()],
            attributes: attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        }
    };
    let array = |&(name, dims, values): &Constant<'_>| (name.into(), Array::new(dims, values.to_vec()));
    Source {
        inputs: vec![Input { name: "x".into(), dims: dims.iter().map(|&size| Some(size)).collect() }],
        outputs: vec!["y".into()],
        nodes: lines.iter().enumerate().map(node).collect(),
        constants: constants.iter().map(array).collect(),
        opset: 13,
        ..Source::default()
    }
}

/// A list of whole numbers.
pub fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}
