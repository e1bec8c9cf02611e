//! Sizes: of inputs, windows and pools.

use bitfab_graph::{Op, PadValue, WeightQuantizer, Window};

use crate::lower::coded::{Code, Coded, Layout, Link, Pending};
use crate::lower::{Fault, Lowering, shape};
use crate::{Channels, Input, Source, SourceNode};

/// Every operator that is known, for messages.
const KNOWN: &str = "known are Conv, MatMul, Gemm, Add of two quantised tensors, MaxPool, AveragePool and their global forms, \
     quantisers (Quant, BipolarQuant, Trunc, MultiThreshold, Sign, QuantizeLinear), batch norm, activations and \
     arithmetic with constants, and Softmax, ArgMax or TopK at the end";

/// The most values of an input, that of a graph.
const MAX_INPUT: usize = 1 << 24;

pub(crate) fn unsupported(node: &SourceNode) -> String {
    format!("the operator {} has no integer form here; {KNOWN}", node.op)
}

/// Whether a transposition brings the input's channels to where ONNX wants them.
fn has_channels_last(source: &Source, input: &str, rank: usize) -> bool {
    let order: &[i64] = if rank == 4 { &[0, 3, 1, 2] } else { &[0, 2, 1] };
    let mut name = input;
    // Quantisers and arithmetic may stand before it.
    while let Some(node) = reader(source, name) {
        match node.op.as_str() {
            "Transpose" => return node.ints("perm") == Some(order),
            "Quant" | "IntQuant" | "BipolarQuant" | "QuantizeLinear" | "DequantizeLinear" | "Mul" | "Sub" | "Add"
            | "Div" | "Clip" | "Cast" | "Identity" => name = &node.outputs[0],
            _ => return false,
        }
    }
    false
}

/// The first node that reads the values of a tensor, whatever stands beside it; exporters ask for its sizes, too.
fn reader<'s>(source: &'s Source, name: &str) -> Option<&'s SourceNode> {
    source.nodes.iter().find(|node| node.op != "Shape" && node.inputs.iter().any(|input| input == name))
}

/// Whether a node sees height and width.
fn has_windows(node: &SourceNode) -> bool {
    node.op.ends_with("Conv") || node.op.ends_with("Pool") || node.op.starts_with("Reduce")
}

/// The layout of the input: flat, or height, width and channels.
pub(crate) fn input_layout(source: &Source, input: &Input) -> Result<Layout, Fault> {
    let wrong = |problem: String| Fault::Value { name: input.name.clone(), problem };
    let mut dims = Vec::new();
    for (axis, size) in input.dims.iter().enumerate() {
        match size {
            Some(size) if axis > 0 || *size == 1 => dims.push(*size),
            // The first axis is the batch, which is one image on a device.
            _ if axis == 0 => dims.push(1),
            _ => return Err(wrong(format!("axis {axis} has no fixed size; export the model with fixed sizes"))),
        }
    }
    let count = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    if !count.is_some_and(|count| (1..=MAX_INPUT).contains(&count)) {
        return Err(wrong(format!("sizes {dims:?}; an input has 1 to {MAX_INPUT} values")));
    }
    if !source.nodes.iter().any(has_windows) {
        return unwindowed(source, input, dims).map_err(wrong);
    }
    let is_last = has_channels_last(source, &input.name, dims.len());
    match *dims.as_slice() {
        [_, height, width, channels] if is_last => {
            let shape = shape([height, width, channels]).map_err(wrong)?;
            Ok(Layout { shape, ..Layout::flat(dims) })
        }
        [_, length, channels] if is_last => {
            let shape = shape([1, length, channels]).map_err(wrong)?;
            Ok(Layout { shape, ..Layout::flat(dims) })
        }
        [_, channels, height, width] => Ok(Layout::image(shape([height, width, channels]).map_err(wrong)?)),
        [_, channels, length] => {
            let mut layout = Layout::image(shape([1, length, channels]).map_err(wrong)?);
            layout.dims = dims;
            Ok(layout)
        }
        [_, _] | [_] => Ok(Layout::flat(dims)),
        _ => Err(wrong(format!("sizes {:?}; an input has 1 to 4 axes, batch first", input.dims))),
    }
}

/// The layout of an input that no convolution and no pool reads: as an image, so that rows have its axes, where it is
/// known which of them holds the channels.
fn unwindowed(source: &Source, input: &Input, dims: Vec<usize>) -> Result<Layout, String> {
    let as_is = |sizes: [usize; 3], dims: Vec<usize>| Ok(Layout { shape: shape(sizes)?, ..Layout::flat(dims) });
    // Few channels beside many places.
    let is_few = |few: usize, others: [usize; 2]| few <= 4 && others.iter().all(|&other| few < other);
    // Values that become signs are packed side by side, not one pixel a word.
    let is_grey = matches!(
        (source.channels, dims.as_slice()),
        (Channels::First, [_, 1, ..])
            | (Channels::Last, [_, .., 1])
            | (Channels::Unsaid, [_, 1, _, _] | [_, _, _, 1] | [_, _, _])
    );
    if is_grey && is_coded(source, &input.name) {
        return Ok(Layout::flat(dims));
    }
    match (source.channels, dims.as_slice()) {
        (Channels::First, &[_, channels, height, width]) => Ok(Layout::image(shape([height, width, channels])?)),
        (Channels::First, &[_, channels, length]) => {
            Ok(Layout { dims, ..Layout::image(shape([1, length, channels])?) })
        }
        (Channels::Last, &[_, height, width, channels]) => as_is([height, width, channels], dims),
        (Channels::Last, &[_, length, channels]) => as_is([1, length, channels], dims),
        (Channels::Unsaid, &[_, 1, height, width]) => as_is([height, width, 1], dims),
        (Channels::Unsaid, &[_, height, width, 1]) => as_is([height, width, 1], dims),
        (Channels::Unsaid, &[_, channels, height, width]) if is_few(channels, [height, width]) => {
            Ok(Layout::image(shape([height, width, channels])?))
        }
        (Channels::Unsaid, &[_, height, width, channels]) if is_few(channels, [height, width]) => {
            as_is([height, width, channels], dims)
        }
        (Channels::Unsaid, &[_, rows, columns]) => as_is([rows, columns, 1], dims),
        _ => Ok(Layout::flat(dims)),
    }
}

/// Whether the first thing that happens to the input's values is that they become few: signs, or at most 16 values.
fn is_coded(source: &Source, input: &str) -> bool {
    let mut name = input;
    while let Some(node) = reader(source, name) {
        let bits = || node.inputs.get(3).and_then(|bits| source.constants.get(bits));
        match node.op.as_str() {
            "Sign" | "BipolarQuant" | "MultiThreshold" => return true,
            "Quant" | "IntQuant" => return bits().is_some_and(|bits| bits.values.iter().all(|&bits| bits <= 4.0)),
            "Mul" | "Sub" | "Add" | "Div" | "Clip" | "Cast" | "Identity" | "Flatten" | "Reshape" | "Squeeze"
            | "Unsqueeze" | "Greater" | "Where" => name = &node.outputs[0],
            _ => return false,
        }
    }
    false
}

/// A kind of weights, for people.
fn kind(quantizer: WeightQuantizer) -> String {
    match quantizer {
        WeightQuantizer::Sign => "binary".into(),
        WeightQuantizer::AlphaBeta { ratio, shift } => format!("sparse-binary {{{ratio}, {}}}", ratio + (1 << shift)),
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

impl Lowering<'_> {
    /// Kernel, stride and border of a convolution or pool over an image of two axes (one axis counts as width).
    pub fn window(&self, index: usize, kernel: &[usize], input: [usize; 2]) -> Result<Window, Fault> {
        let node = &self.source.nodes[index];
        let axes = kernel.len();
        let wrong = |problem: &str| Err(self.fault(index, problem));
        if node.ints("dilations").is_some_and(|all| all.iter().any(|&d| d != 1)) {
            return wrong("dilated windows have no form here; use dilation 1");
        }
        if node.int("ceil_mode").unwrap_or(0) != 0 {
            return wrong("ceil_mode 1 reads beyond the border; use ceil_mode 0");
        }
        let list = |name: &str, count: usize, default: i64| -> Option<Vec<u32>> {
            let values = node.ints(name).map_or(vec![default; count], <[i64]>::to_vec);
            let values: Option<Vec<u32>> = values.iter().map(|&v| u32::try_from(v).ok()).collect();
            values.filter(|values| values.len() == count)
        };
        let (Some(stride), Some(pads)) = (list("strides", axes, 1), list("pads", 2 * axes, 0)) else {
            return wrong("strides or pads are negative or do not match the kernel");
        };
        let mut window = Window { kernel: [1; 2], stride: [1; 2], padding: [0; 4], pad_value: PadValue::Zero };
        for axis in 0..axes {
            let to = 2 - axes + axis;
            window.kernel[to] = kernel[axis] as u32;
            window.stride[to] = stride[axis];
            (window.padding[to], window.padding[to + 2]) = (pads[axis], pads[axis + axes]);
        }
        match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "VALID" => {}
            upper @ ("SAME_UPPER" | "SAME_LOWER") => {
                for (axis, size) in input.into_iter().enumerate() {
                    let (size, step, side) = (size as u32, window.stride[axis].max(1), window.kernel[axis]);
                    let total = ((size.div_ceil(step) - 1) * step + side).saturating_sub(size);
                    let (less, more) = (total / 2, total - total / 2);
                    let (before, after) = if upper == "SAME_UPPER" { (less, more) } else { (more, less) };
                    (window.padding[axis], window.padding[axis + 2]) = (before, after);
                }
            }
            _ => return wrong("auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
        }
        Ok(window)
    }

    /// An image of one or two axes; its channels, height and width.
    pub fn image(&self, index: usize, coded: &Coded) -> Result<(Layout, Vec<usize>), Fault> {
        let dims = &coded.layout.dims;
        let image = Layout::image(coded.layout.shape);
        let is_standard = matches!(dims.len(), 3 | 4)
            && dims[0] == 1
            && dims[1] == coded.layout.shape.channels as usize
            && dims[2..].iter().product::<usize>() * dims[1] == coded.layout.places.len()
            && coded.layout.places == image.places;
        if is_standard {
            return Ok((image, dims[2..].to_vec()));
        }
        Err(self.fault(
            index,
            format!("reads an image of sizes {dims:?} that is not laid out batch, channels, height, width; transpose it first"),
        ))
    }

    /// The layout of a window's result: as many axes as the image has.
    pub fn slid(
        &self,
        index: usize,
        window: &Window,
        from: &Layout,
        channels: u32,
        axes: usize,
    ) -> Result<Layout, Fault> {
        let Some([height, width]) = window.output(from.shape) else {
            let problem = format!("window {:?} does not fit {}", window.kernel, from.shape);
            return Err(self.fault(index, problem));
        };
        let shape = bitfab_graph::Shape::new(height, width, channels);
        if shape.elements() > MAX_INPUT as u64 {
            return Err(self.fault(index, format!("yields {shape}, at most {MAX_INPUT} values are allowed")));
        }
        let mut layout = Layout::image(shape);
        if axes == 1 {
            layout.dims.remove(2);
        }
        Ok(layout)
    }

    pub fn max_pool(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let mut coded = self.values[&name].clone();
        let is_sum = matches!(coded.code, Code::Sums { .. });
        if !is_sum {
            coded = self.plain(&name)?;
            if coded.each != 1 || matches!(coded.code, Code::Bytes { .. }) {
                return Err(
                    self.fault(index, "a maximum over the input's bytes has no form here; quantise it further first")
                );
            }
            if coded.scale.iter().any(|&scale| scale <= 0.0) {
                let problem = "a channel's scale is not positive; put the scale behind the pool";
                return Err(self.curable(index, problem, self.quantised(&[name])));
            }
        }
        let (image, sizes) = self.image(index, &coded)?;
        let kernel = match node.op.as_str() {
            "GlobalMaxPool" => sizes.clone(),
            _ => node.ints("kernel_shape").unwrap_or(&[]).iter().map(|&size| size.max(0) as usize).collect(),
        };
        if kernel.len() != sizes.len() {
            return Err(self.fault(index, format!("kernel {kernel:?} for an image of {} axes", sizes.len())));
        }
        let mut window = self.window(index, &kernel, [image.shape.height as usize, image.shape.width as usize])?;
        let layout = self.slid(index, &window, &image, image.shape.channels, sizes.len())?;
        let next = if is_sum {
            coded.then(Link::Pool { name: node.name.clone(), window, layout: layout.clone() }, layout)
        } else {
            let is_sign = matches!(coded.code, Code::Signs { .. });
            window.pad_value = if is_sign { PadValue::MinusOne } else { PadValue::Zero };
            let at = self.push(&node.name, vec![coded.code.at().unwrap_or(0)], Op::MaxPool { window });
            let code = match coded.code {
                Code::Levels { bits, .. } => Code::Levels { at, bits },
                _ => Code::Signs { at },
            };
            Coded::plain(code, layout, coded.scale.to_vec(), coded.offset.to_vec())
        };
        self.values.insert(node.outputs[0].clone(), next);
        Ok(())
    }

    /// Averages and sums over windows: integer sums, the area goes into the scale.
    pub fn mean(&mut self, index: usize, node: &SourceNode) -> Result<(), Fault> {
        let name = node.inputs[0].clone();
        let coded = self.plain(&name)?;
        if coded.each != 1 || matches!(coded.code, Code::Bytes { .. }) {
            return Err(
                self.fault(index, "an average over the input's bytes has no form here; quantise it further first")
            );
        }
        let (image, sizes) = self.image(index, &coded)?;
        let kernel: Vec<usize> = match node.op.as_str() {
            "AveragePool" => {
                node.ints("kernel_shape").unwrap_or(&[]).iter().map(|&size| size.max(0) as usize).collect()
            }
            "GlobalAveragePool" => sizes.clone(),
            _ => {
                self.check_axes(index, node, sizes.len() + 2)?;
                sizes.clone()
            }
        };
        if kernel.len() != sizes.len() {
            return Err(self.fault(index, format!("kernel {kernel:?} for an image of {} axes", sizes.len())));
        }
        let window = self.window(index, &kernel, [image.shape.height as usize, image.shape.width as usize])?;
        if window.has_padding() {
            return Err(self.fault(index, "an average over a border has no form here; pad the convolution before it"));
        }
        let mut layout = self.slid(index, &window, &image, image.shape.channels, sizes.len())?;
        if node.int("keepdims") == Some(0) {
            layout.dims.truncate(2);
        }
        self.values.insert(node.outputs[0].clone(), averaged(node, &coded, window, layout));
        Ok(())
    }

    /// A reduction must be over all axes of the image and none other.
    fn check_axes(&self, index: usize, node: &SourceNode, rank: usize) -> Result<(), Fault> {
        let given = node.inputs.get(1).and_then(|name| self.constant(name));
        let axes: Vec<i64> = match (node.ints("axes"), given) {
            (Some(axes), _) => axes.to_vec(),
            (None, Some(axes)) => axes.values.iter().map(|&axis| axis as i64).collect(),
            (None, None) => Vec::new(),
        };
        let mut axes: Vec<i64> = axes.iter().map(|axis| axis.rem_euclid(rank as i64)).collect();
        axes.sort_unstable();
        if axes == (2..rank as i64).collect::<Vec<_>>() {
            return Ok(());
        }
        Err(self.fault(index, format!("reduces axes {axes:?}; only height and width together have a form here")))
    }
}

/// Sums over windows whose area goes into the scale.
fn averaged(node: &SourceNode, coded: &Coded, window: Window, layout: Layout) -> Coded {
    let area = window.kernel.iter().map(|&side| f64::from(side)).product::<f64>();
    let (parts, terms) = (if node.op == "ReduceSum" { 1.0 } else { area }, area as i64);
    let (channels, (low, high)) = (coded.channels(), coded.code.range(0));
    let pending = Pending {
        name: node.name.clone(),
        op: Op::SumPool { window },
        input: coded.code.at().unwrap_or(0),
        residual: None,
    };
    let code = Code::Sums {
        pending: pending.into(),
        low: vec![low * terms; channels].into(),
        high: vec![high * terms; channels].into(),
    };
    let scale = coded.scale.iter().map(|scale| scale / parts).collect();
    let offset = coded.offset.iter().map(|offset| offset * area / parts).collect();
    Coded::plain(code, layout, scale, offset)
}
