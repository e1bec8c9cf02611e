//! FINN's layers: a product, then thresholds.

use std::collections::BTreeMap;

use super::compound::{Writer, input};
use super::linear::MAT_MUL;
use super::operator::{FINN, Operator};
use super::quant::MULTI_THRESHOLD;
use crate::{Attribute, SourceNode};

/// The matrix-vector unit under its names of several years.
pub(super) static ROWS: &[&Operator] = &[
    &Operator::compound("MVAU", unit).domain(FINN),
    &Operator::compound("MVAU_hls", unit).domain(FINN),
    &Operator::compound("MVAU_rtl", unit).domain(FINN),
    &Operator::compound("MatrixVectorActivation", unit).domain(FINN),
    &Operator::compound("StreamingFCLayer_Batch", unit).domain(FINN),
];

/// A product, then thresholds that count up from `ActVal`.
fn unit(writer: &mut Writer<'_>, node: &SourceNode) -> Result<(), String> {
    if node.int("binaryXnorMode") == Some(1) {
        return Err("counts equal bits instead of adding signs; import the graph from before that conversion".into());
    }
    let inputs = vec![input(node, 0)?, input(node, 1)?];
    if node.int("noActivation") == Some(1) {
        MAT_MUL.write(writer, node, "sum", inputs, node.outputs[0].clone());
        return Ok(());
    }
    let sum = format!("{}.sum", node.outputs[0]);
    MAT_MUL.write(writer, node, "sum", inputs, sum.clone());
    let is_sign = node.text("outputDataType") == Some("BIPOLAR");
    let (scale, bias) = if is_sign { (2.0, -1.0) } else { (1.0, node.int("ActVal").unwrap_or(0) as f64) };
    let thresholds = input(node, 2)?;
    let made = MULTI_THRESHOLD.write(writer, node, "steps", vec![sum, thresholds], node.outputs[0].clone());
    made.attributes =
        BTreeMap::from([("out_scale".into(), Attribute::Float(scale)), ("out_bias".into(), Attribute::Float(bias))]);
    Ok(())
}
