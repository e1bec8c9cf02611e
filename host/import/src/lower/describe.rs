//! What a layer is, for people.

use bitfab_graph::{Op, WeightQuantizer};

/// A kind of weights, for people.
fn kind(quantizer: WeightQuantizer) -> String {
    match quantizer {
        WeightQuantizer::Sign => "binary".into(),
        WeightQuantizer::SparseBinary { ratio, shift } => {
            format!("sparse-binary {{{ratio}, {}}}", ratio + (1 << shift))
        }
        WeightQuantizer::Ternary => "ternary".into(),
        WeightQuantizer::PowerOfTwo => "power-of-two".into(),
        WeightQuantizer::Planes { bits } => format!("{bits} planes"),
        WeightQuantizer::Integer { bits } => format!("{bits}-bit integers"),
        other => format!("{other:?}"),
    }
}

/// What an operation is, for people.
pub(crate) fn describe(op: &Op) -> String {
    match op {
        Op::Dense { weights } => {
            format!("dense {} x {}, {}", weights.shape[0], weights.fan_in(), kind(weights.quantizer))
        }
        Op::Conv2d { weights, groups, .. } => {
            let [outputs, height, width, inputs] = weights.shape;
            let groups = if *groups == 1 { String::new() } else { format!(", {groups} groups") };
            format!("conv2d {height}x{width}, {inputs} to {outputs}{groups}, {}", kind(weights.quantizer))
        }
        other => other.label().into(),
    }
}
