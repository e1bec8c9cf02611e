//! Operators that stand for several others, written out: integer operators of ONNX, and FINN's layers.

use std::collections::BTreeMap;

use crate::{Array, Attribute, ImportError, Source, SourceNode};

/// Replaces every compound node of `source` by plain ones of the same arithmetic.
///
/// # Errors
/// Names a compound node whose scales are not constants.
pub(crate) fn expand(mut source: Source) -> Result<Source, ImportError> {
    let nodes = std::mem::take(&mut source.nodes);
    let mut writer = Writer { source: &mut source, nodes: Vec::with_capacity(nodes.len()) };
    for (index, node) in nodes.into_iter().enumerate() {
        writer.node(&node).map_err(|problem| {
            let op = if node.domain.is_empty() { node.op.clone() } else { format!("{}.{}", node.domain, node.op) };
            ImportError::Node { index, name: node.name.clone(), op, problem }
        })?;
    }
    source.nodes = writer.nodes;
    Ok(source)
}

/// The plain nodes that were written so far.
struct Writer<'s> {
    source: &'s mut Source,
    nodes: Vec<SourceNode>,
}

/// A value with its scale and zero point, three inputs of a node from `at` on.
struct Quantised {
    at: usize,
    /// The axis along which there may be several scales.
    axis: i64,
}

impl Writer<'_> {
    fn node(&mut self, node: &SourceNode) -> Result<(), String> {
        if node.domain.ends_with("channels_last") {
            return self.channels_last(node);
        }
        match node.op.as_str() {
            "QLinearConv" => self.product(node, "Conv", 0, Some(8), 6),
            "QLinearMatMul" => self.product(node, "MatMul", 1, None, 6),
            "QGemm" => {
                let axis = if node.int("transB") == Some(1) { 0 } else { 1 };
                self.product(node, "Gemm", axis, Some(6), 7)
            }
            "Pad" if self.pads_nothing(node) => {
                let inputs = vec![Self::input(node, 0)?];
                self.push(node, "nothing", "Identity", inputs, node.outputs[0].clone());
                Ok(())
            }
            "QLinearAdd" => self.sum(node),
            "QLinearGlobalAveragePool" => self.mean(node, "GlobalAveragePool"),
            "QLinearAveragePool" => self.mean(node, "AveragePool"),
            "MVAU" | "MVAU_hls" | "MVAU_rtl" | "MatrixVectorActivation" | "StreamingFCLayer_Batch" => self.layer(node),
            _ => {
                self.nodes.push(node.clone());
                Ok(())
            }
        }
    }

    /// PyTorch before 2 writes such a node before each average pool.
    fn pads_nothing(&self, node: &SourceNode) -> bool {
        let is_zero = |array: &Array| array.values.iter().all(|&pad| pad == 0.0);
        let given = node.inputs.get(1).and_then(|name| self.source.constants.get(name));
        given.map_or_else(|| node.ints("pads").is_some_and(|pads| pads.iter().all(|&pad| pad == 0)), is_zero)
    }

    /// A plain node with a name made of the compound one's.
    fn push(&mut self, of: &SourceNode, part: &str, op: &str, inputs: Vec<String>, output: String) -> &mut SourceNode {
        self.nodes.push(SourceNode {
            name: format!("{}.{part}", of.name),
            op: op.into(),
            inputs,
            outputs: vec![output],
            ..SourceNode::default()
        });
        self.nodes.last_mut().expect("just pushed")
    }

    fn input(node: &SourceNode, at: usize) -> Result<String, String> {
        node.inputs.get(at).filter(|name| !name.is_empty()).cloned().ok_or_else(|| format!("input {at} is missing"))
    }

    fn constant(&self, name: &str) -> Result<&Array, String> {
        self.source.constants.get(name).ok_or_else(|| format!("`{name}` is computed, it must be a constant"))
    }

    /// The real value of a quantised input.
    fn real(&mut self, node: &SourceNode, value: &Quantised) -> Result<String, String> {
        let inputs = (0..3).map(|more| Self::input(node, value.at + more)).collect::<Result<Vec<_>, _>>()?;
        let output = format!("{}.real{}", node.outputs[0], value.at);
        let part = format!("input{}", value.at);
        let made = self.push(node, &part, "DequantizeLinear", inputs, output.clone());
        made.attributes.insert("axis".into(), Attribute::Int(value.axis));
        Ok(output)
    }

    /// Quantises `value` to the node's output; scale and zero point are inputs `at` and `at + 1`.
    fn quantised(&mut self, node: &SourceNode, value: String, at: usize) -> Result<(), String> {
        let (scale, zero) = (Self::input(node, at)?, Self::input(node, at + 1)?);
        // The reader knows the type of a zero point that is computed, too.
        let kind = node.text("zero_point_type").or_else(|| self.source.type_of(&zero)).unwrap_or("uint8").to_string();
        let made = self.push(node, "output", "QuantizeLinear", vec![value, scale, zero], node.outputs[0].clone());
        made.attributes.insert("zero_point_type".into(), Attribute::Text(kind));
        Ok(())
    }

    /// A product of a value and weights, with an integer bias.
    fn product(
        &mut self,
        node: &SourceNode,
        op: &str,
        axis: i64,
        bias: Option<usize>,
        out: usize,
    ) -> Result<(), String> {
        let mut inputs =
            vec![self.real(node, &Quantised { at: 0, axis: 0 })?, self.real(node, &Quantised { at: 3, axis })?];
        if let Some(name) = bias.and_then(|at| node.inputs.get(at)).filter(|name| !name.is_empty()) {
            let (x, w) = (self.constant(&node.inputs[1])?, self.constant(&node.inputs[4])?);
            let bias = self.constant(name)?;
            let scale = |at: usize| x.values[0] * w.values[at % w.values.len().max(1)];
            if x.values.len() != 1 || w.values.is_empty() {
                return Err("its input has several scales; one is needed".into());
            }
            let values = bias.values.iter().enumerate().map(|(at, bias)| bias * scale(at)).collect();
            let bias = Array::new(bias.dims.clone(), values);
            let name = format!("{}.bias", node.name);
            self.source.constants.insert(name.clone(), bias);
            inputs.push(name);
        }
        let is_last = node.inputs.get(out).is_none_or(String::is_empty);
        let output = if is_last { node.outputs[0].clone() } else { format!("{}.sum", node.outputs[0]) };
        let made = self.push(node, "sum", op, inputs, output.clone());
        made.attributes = node.attributes.clone();
        if is_last { Ok(()) } else { self.quantised(node, output, out) }
    }

    fn sum(&mut self, node: &SourceNode) -> Result<(), String> {
        let inputs =
            vec![self.real(node, &Quantised { at: 0, axis: 0 })?, self.real(node, &Quantised { at: 3, axis: 0 })?];
        let output = format!("{}.sum", node.outputs[0]);
        self.push(node, "sum", "Add", inputs, output.clone());
        self.quantised(node, output, 6)
    }

    fn mean(&mut self, node: &SourceNode, op: &str) -> Result<(), String> {
        if node.int("channels_last") == Some(1) {
            return Err("has channels last; export it with channels first".into());
        }
        let input = self.real(node, &Quantised { at: 0, axis: 0 })?;
        let output = format!("{}.mean", node.outputs[0]);
        let made = self.push(node, "mean", op, vec![input], output.clone());
        made.attributes = node.attributes.clone();
        self.quantised(node, output, 3)
    }

    /// QONNX's operators on images with channels last: turned, computed and turned back.
    fn channels_last(&mut self, node: &SourceNode) -> Result<(), String> {
        let rank = node.ints("kernel_shape").map_or(4, |kernel| kernel.len() + 2) as i64;
        let first: Vec<i64> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        let last: Vec<i64> = [0].into_iter().chain(2..rank).chain([1]).collect();
        let mut inputs = node.inputs.clone();
        let turned = if node.op == "Conv" { 2 } else { 1 };
        for (at, input) in inputs.iter_mut().enumerate().take(turned) {
            let output = format!("{}.first{at}", node.outputs[0]);
            let made = self.push(node, &format!("first{at}"), "Transpose", vec![input.clone()], output.clone());
            made.attributes.insert("perm".into(), Attribute::Ints(first.clone()));
            *input = output;
        }
        let output = format!("{}.first", node.outputs[0]);
        let made = self.push(node, "plain", &node.op.clone(), inputs, output.clone());
        made.attributes = node.attributes.clone();
        let made = self.push(node, "last", "Transpose", vec![output], node.outputs[0].clone());
        made.attributes.insert("perm".into(), Attribute::Ints(last));
        Ok(())
    }

    /// FINN's matrix-vector unit: a product, then thresholds that count up from `ActVal`.
    fn layer(&mut self, node: &SourceNode) -> Result<(), String> {
        if node.int("binaryXnorMode") == Some(1) {
            return Err(
                "counts equal bits instead of adding signs; import the graph from before that conversion".into()
            );
        }
        let inputs = vec![Self::input(node, 0)?, Self::input(node, 1)?];
        if node.int("noActivation") == Some(1) {
            self.push(node, "sum", "MatMul", inputs, node.outputs[0].clone());
            return Ok(());
        }
        let sum = format!("{}.sum", node.outputs[0]);
        self.push(node, "sum", "MatMul", inputs, sum.clone());
        let is_sign = node.text("outputDataType") == Some("BIPOLAR");
        let (scale, bias) = if is_sign { (2.0, -1.0) } else { (1.0, node.int("ActVal").unwrap_or(0) as f64) };
        let thresholds = Self::input(node, 2)?;
        let made = self.push(node, "steps", "MultiThreshold", vec![sum, thresholds], node.outputs[0].clone());
        made.attributes = BTreeMap::from([
            ("out_scale".into(), Attribute::Float(scale)),
            ("out_bias".into(), Attribute::Float(bias)),
        ]);
        Ok(())
    }
}
