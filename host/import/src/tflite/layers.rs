//! Sums of products: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED.

use super::activation::Activation;
use super::quant::Quant;
use super::write::{Op, Requant, Writer, multiplier};
use crate::operators::{CONV, GEMM, RESHAPE};
use crate::{Array, Attribute};

/// Kinds of options in a file.
const CONV_OPTIONS: u8 = 1;
const DEPTHWISE_OPTIONS: u8 = 2;
const DENSE_OPTIONS: u8 = 8;

/// How a window moves over an image.
pub(super) struct Slide {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// Height and width of the result.
    pub output: [usize; 2],
}

impl Slide {
    /// As TFLite pads: SAME (code 0) gives the smaller half to the top and the left, VALID (1) nothing.
    pub fn new(padding: i8, input: [usize; 2], kernel: [usize; 2], stride: [i32; 2]) -> Result<Self, String> {
        let size = |size: i32| usize::try_from(size).ok().filter(|size| (1..1 << 16).contains(size));
        let wrong = || format!("strides {stride:?}; 1 and more are known");
        let stride = [size(stride[0]).ok_or_else(wrong)?, size(stride[1]).ok_or_else(wrong)?];
        let (mut pads, mut output) = ([0; 4], [0; 2]);
        for axis in 0..2 {
            let (input, kernel, stride) = (input[axis], kernel[axis], stride[axis]);
            match padding {
                0 => {
                    output[axis] = input.div_ceil(stride);
                    let total = ((output[axis] - 1) * stride + kernel).saturating_sub(input);
                    (pads[axis], pads[axis + 2]) = (total / 2, total - total / 2);
                }
                1 if kernel <= input && kernel > 0 => output[axis] = (input - kernel) / stride + 1,
                1 => return Err(format!("a window of {kernel} does not fit {input}")),
                other => return Err(format!("its padding has the code {other}; 0 (SAME) and 1 (VALID) are known")),
            }
        }
        Ok(Self { kernel, stride, pads, output })
    }

    /// The attributes of a node, with a border that was there before.
    pub fn attributes(&self, outer: [usize; 4]) -> [(String, Attribute); 3] {
        let list = |values: &[usize]| Attribute::Ints(values.iter().map(|&value| value as i64).collect());
        let pads = [0, 1, 2, 3].map(|side| self.pads[side] + outer[side]);
        [
            ("kernel_shape".into(), list(&self.kernel)),
            ("strides".into(), list(&self.stride)),
            ("pads".into(), list(&pads)),
        ]
    }
}

/// A sum of products that is about to be written.
struct Sums {
    input: Quant,
    output: Quant,
    /// One scale for each output, or one for all.
    scales: Vec<f32>,
    outputs: usize,
    activation: Activation,
    /// Whether the scales of input and weights are multiplied in 32 bits, as some kernels do.
    is_single: bool,
    /// Whether sums are rounded once: dense layers of LiteRT do.
    is_once: bool,
}

impl Sums {
    /// What becomes of the sums.
    fn requant(&self) -> Result<Requant, String> {
        let (input, output) = (self.input.scale, self.output.scale);
        let scale = |&weights: &f32| {
            let product =
                if self.is_single { f64::from(input * weights) } else { f64::from(input) * f64::from(weights) };
            multiplier(product / f64::from(output))
        };
        let range = self.activation.range(output, self.output.zero, self.output.range);
        let multipliers = self.scales.iter().map(scale).collect::<Result<_, _>>()?;
        Ok(Requant { multipliers, left: 0, is_once: self.is_once, zero: self.output.zero, range })
    }
}

impl Writer<'_> {
    /// A convolution, depthwise or not.
    pub fn conv(&mut self, op: &Op<'_>, is_depthwise: bool) -> Result<(), String> {
        let options = op.node.options(if is_depthwise { DEPTHWISE_OPTIONS } else { CONV_OPTIONS })?;
        let after = usize::from(is_depthwise);
        let dilations = [options.i32(5 + after, 1)?, options.i32(4 + after, 1)?];
        if dilations != [1; 2] {
            return Err(format!("is dilated by {dilations:?}; use dilation 1"));
        }
        let ((at, x), (_, w)) = (self.input(op, 0)?, self.input(op, 1)?);
        let (to, input) = (op.node.output()?, x.quant()?);
        let y = self.tensor(to)?;
        let (name, outer) = self.padded(at)?;
        let fits = w.dims.len() == 4 && (!is_depthwise || w.dims[0] == 1);
        let outputs = if is_depthwise { w.dims.last() } else { w.dims.first() }.copied().unwrap_or(0);
        let depth = x.dims[3];
        // Padded tensors have the sizes with their border, so that only the window's own is added to them.
        let groups = if is_depthwise { depth } else { 1 };
        if !fits || !is_depthwise && w.dims[3] != depth || !outputs.is_multiple_of(groups) {
            return Err(format!("weights of sizes {:?} for an input of sizes {:?}", w.dims, x.dims));
        }
        let kernel = [w.dims[1], w.dims[2]];
        let stride = [options.i32(2, 0)?, options.i32(1, 0)?];
        let slide = Slide::new(options.i8(0, 0)?, [x.dims[1], x.dims[2]], kernel, stride)?;
        if y.dims != [1, slide.output[0], slide.output[1], outputs] {
            return Err(format!("yields {:?} by {outputs}, the file says {:?}", slide.output, y.dims));
        }
        self.spend(w)?;
        let (weights, scales) = w.weights(if is_depthwise { 3 } else { 0 }, outputs, input)?;
        let activation = Activation::new(options.i8(3 + after, 0)?)?;
        let is_single = input.range[0] == 0;
        let sums = Sums { input, output: y.quant()?, scales, outputs, activation, is_single, is_once: false };
        let weights = if is_depthwise { channel_filters(&weights) } else { filters(&weights) };
        let inputs = self.operands(op, name, weights, &sums)?;
        let sum = self.name(&format!("{}.sum", y.name));
        let node = self.node("", &CONV, inputs, &sum);
        node.attributes.extend(slide.attributes(outer));
        node.attributes.insert("group".into(), Attribute::Int(groups as i64));
        let value = self.yields(to)?;
        self.requantize("requantize", sum, &value, &sums.requant()?);
        self.hold(to, value, true);
        Ok(())
    }

    /// A dense layer.
    pub fn dense(&mut self, op: &Op<'_>) -> Result<(), String> {
        let options = op.node.options(DENSE_OPTIONS)?;
        if options.i8(1, 0)? != 0 {
            return Err("its weights are shuffled; convert the model with weights in their order".into());
        }
        let ((at, x), (_, w)) = (self.input(op, 0)?, self.input(op, 1)?);
        let (to, input) = (op.node.output()?, x.quant()?);
        let y = self.tensor(to)?;
        let &[outputs, depth] = w.dims.as_slice() else {
            return Err(format!("weights of sizes {:?}, two axes are needed", w.dims));
        };
        if x.count() != depth || y.count() != outputs {
            let (x, y) = (&x.dims, &y.dims);
            return Err(format!("weights of sizes {:?} for one row of {x:?} to {y:?}; batches have one row", w.dims));
        }
        self.spend(w)?;
        let (weights, scales) = w.weights(0, outputs, input)?;
        let is_single = scales.len() == 1;
        let activation = Activation::new(options.i8(0, 0)?)?;
        let sums = Sums { input, output: y.quant()?, scales, outputs, activation, is_single, is_once: true };
        let row = self.last(at)?;
        let row = if x.dims == [1, depth] { row } else { self.reshaped(row, "row", &[1, depth], None) };
        let inputs = self.operands(op, row, weights, &sums)?;
        let sum = self.name(&format!("{}.sum", y.name));
        let node = self.node("", &GEMM, inputs, &sum);
        node.attributes.insert("transB".into(), Attribute::Int(1));
        let (value, requant) = (self.yields(to)?, sums.requant()?);
        if y.dims == [1, outputs] {
            self.requantize("requantize", sum, &value, &requant);
        } else {
            let flat = self.name(&format!("{value}.row"));
            self.requantize("requantize", sum, &flat, &requant);
            self.reshaped(flat, "sizes", &y.dims, Some(value.clone()));
        }
        self.hold(to, value, false);
        Ok(())
    }

    /// Input, weights and bias, all as integers.
    fn operands(&mut self, op: &Op<'_>, x: String, weights: Array, sums: &Sums) -> Result<Vec<String>, String> {
        let x = self.centred(x, sums.input.zero, "zero");
        let mut inputs = vec![x, self.constant("weights", weights)];
        if op.node.optional(2).is_some() {
            let (_, tensor) = self.input(op, 2)?;
            if tensor.kind != "int32" {
                return Err(format!("its bias `{}` is {}, it must be int32", tensor.name, tensor.kind));
            }
            let bias = self.integers(op, 2)?;
            if bias.len() != sums.outputs {
                return Err(format!("its bias `{}` has {} values for {}", tensor.name, bias.len(), sums.outputs));
            }
            inputs.push(self.constant("bias", Array::new([bias.len()], bias.iter().map(|&b| b as f64).collect())));
        }
        Ok(inputs)
    }

    /// The same values under other sizes.
    pub fn reshaped(&mut self, from: String, part: &str, dims: &[usize], to: Option<String>) -> String {
        let sizes = Array::new([dims.len()], dims.iter().map(|&size| size as f64).collect());
        let sizes = self.constant(part, sizes);
        let to = to.unwrap_or_else(|| self.name(&format!("{from}.{part}")));
        self.node(part, &RESHAPE, vec![from, sizes], &to);
        to
    }
}

/// Weights of sizes outputs, height, width, inputs with inputs second.
fn filters(weights: &Array) -> Array {
    let &[outputs, height, width, depth] = weights.dims.as_slice() else { return weights.clone() };
    let taps = height * width;
    let at = |place: usize| {
        let (o, c, tap) = (place / (depth * taps), place / taps % depth, place % taps);
        weights.values[(o * taps + tap) * depth + c]
    };
    Array::new([outputs, depth, height, width], (0..weights.values.len()).map(at).collect())
}

/// Weights of sizes 1, height, width, outputs with outputs first, one input each.
fn channel_filters(weights: &Array) -> Array {
    let &[_, height, width, outputs] = weights.dims.as_slice() else { return weights.clone() };
    let taps = height * width;
    let at = |place: usize| weights.values[place % taps * outputs + place / taps];
    Array::new([outputs, 1, height, width], (0..weights.values.len()).map(at).collect())
}
