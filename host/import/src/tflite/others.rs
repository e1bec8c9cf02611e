//! Pools, means, additions, sizes, borders, requantisation, and what ends a model.

use super::activation::Activation;
use super::kernels::{self, Place};
use super::layers::Slide;
use super::quant::QUANTISE;
use super::schema::{self, Tensor};
use super::write::{Op, Requant, Writer, multiplier, same};
use crate::operators::{
    ADD, ARG_MAX, AVERAGE_POOL, CLIP, DEQUANTIZE_LINEAR, MAX_POOL, MUL, Operator, REDUCE_SUM, ROUND_MEAN,
    TFLITE_SOFTMAX,
};
use crate::{Array, Attribute};

/// Kinds of options in a file.
const POOL_OPTIONS: u8 = 5;
const SOFTMAX_OPTIONS: u8 = 9;
const ADD_OPTIONS: u8 = 11;
const REDUCER_OPTIONS: u8 = 27;

impl Writer<'_> {
    /// A maximum or a mean over windows; the bytes keep their scale.
    pub fn pool(&mut self, op: &Op<'_>, is_max: bool) -> Result<(), String> {
        let options = op.node.options(POOL_OPTIONS)?;
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let (input, y) = (x.quant()?, self.tensor(to)?);
        same(input, y.quant()?)?;
        let (name, outer) = self.padded(at)?;
        let size = |field: usize| {
            let size = options.i32(field, 0)?;
            usize::try_from(size).ok().filter(|size| (1..1 << 16).contains(size)).ok_or(format!("a window of {size}"))
        };
        let kernel = [size(4)?, size(3)?];
        let stride = [options.i32(2, 0)?, options.i32(1, 0)?];
        let slide = Slide::new(options.i8(0, 0)?, [x.dims[1], x.dims[2]], kernel, stride)?;
        if y.dims != [1, slide.output[0], slide.output[1], x.dims[3]] {
            return Err(format!("yields {:?} by {}, the file says {:?}", slide.output, x.dims[3], y.dims));
        }
        if outer != [0; 4] && !(is_max && input.zero == input.range[0]) {
            return Err("reads what a PAD yields; put the border into the convolution before it".into());
        }
        let range = Activation::new(options.i8(5, 0)?)?.range(input.scale, input.zero, input.range);
        let value = self.yields(to)?;
        let pooled = if is_max && range == input.range { value.clone() } else { self.name(&format!("{value}.pool")) };
        let node = self.node("", if is_max { &MAX_POOL } else { &AVERAGE_POOL }, vec![name], &pooled);
        node.attributes.extend(slide.attributes(outer));
        if !is_max {
            let node = self.node("round", &ROUND_MEAN, vec![pooled], &value);
            node.attributes.insert("count".into(), Attribute::Int((kernel[0] * kernel[1]) as i64));
            node.attributes.extend(bounds(range));
        } else if pooled != value {
            let node = self.node("clip", &CLIP, vec![pooled], &value);
            node.attributes.extend(bounds(range));
        }
        self.hold(to, value, true);
        Ok(())
    }

    /// The mean over height and width.
    pub fn mean(&mut self, op: &Op<'_>) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let keeps = op.node.options(REDUCER_OPTIONS)?.u8(0)? != 0;
        let (input, y) = (x.quant()?, self.tensor(to)?);
        let output = y.quant()?;
        let mut axes: Vec<i64> = self.integers(op, 1)?.iter().map(|axis| axis.rem_euclid(4)).collect();
        axes.sort_unstable();
        if x.dims.len() != 4 || axes != [1, 2] {
            return Err(format!(
                "is over axes {axes:?} of sizes {:?}; only height and width together are known",
                x.dims
            ));
        }
        let wanted: &[usize] = if keeps { &[1, 1, 1, x.dims[3]] } else { &[1, x.dims[3]] };
        if y.dims != wanted {
            return Err(format!("yields {wanted:?}, the file says {:?}", y.dims));
        }
        let (name, outer) = self.padded(at)?;
        if outer != [0; 4] {
            return Err("reads what a PAD yields; put the border into the convolution before it".into());
        }
        let (value, sum) = (self.yields(to)?, self.name(&format!("{}.sum", y.name)));
        let from = self.centred(name, input.zero, "zero");
        let over = self.constant("axes", Array::new([2], vec![2.0, 3.0]));
        let node = self.node("", &REDUCE_SUM, vec![from, over], &sum);
        node.attributes.insert("axes".into(), Attribute::Ints(vec![2, 3]));
        node.attributes.insert("keepdims".into(), Attribute::Int(keeps.into()));
        let scale = multiplier(f64::from(input.scale) / f64::from(output.scale))?.over(x.dims[1] * x.dims[2]);
        let requant =
            Requant { multipliers: vec![scale], left: 0, is_once: false, zero: output.zero, range: output.range };
        self.requantize("requantize", sum, &value, &requant);
        self.hold(to, value, keeps);
        Ok(())
    }

    /// QUANTIZE: of reals at the beginning, which is the caller's part, or from bytes to other bytes.
    pub fn quantize(&mut self, op: &Op<'_>) -> Result<(), String> {
        let (at, x) = self.input(op, 0)?;
        if x.kind == "float32" && self.model.inputs.contains(&at) {
            self.tensor(op.node.output()?)?.quant()?;
            return self.hold_same(op.node.output()?, at);
        }
        self.rescale(op, Activation::None)
    }

    /// RELU and its kin, and QUANTIZE of bytes: other scales, and a cut.
    pub fn rescale(&mut self, op: &Op<'_>, activation: Activation) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let (input, y) = (x.quant()?, self.tensor(to)?);
        let output = y.quant()?;
        same_sizes(x, y)?;
        let (name, is_first) = self.any(at)?;
        let (from, value) = (self.centred(name, input.zero, "zero"), self.yields(to)?);
        let scale = multiplier(f64::from(input.scale) / f64::from(output.scale))?;
        let range = activation.range(output.scale, output.zero, output.range);
        let requant = Requant { multipliers: vec![scale], left: 0, is_once: false, zero: output.zero, range };
        self.requantize("", from, &value, &requant);
        self.hold(to, value, is_first);
        Ok(())
    }

    /// DEQUANTIZE: the real numbers that the last bytes stand for, and so the result; those behind an ending are left to
    /// the caller with it.
    pub fn dequantize(&mut self, op: &Op<'_>) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let reads = |node: &schema::Operator<'_>| node.inputs.iter().any(|&input| input as usize == to);
        if !self.model.outputs.contains(&to) || self.model.operators.iter().any(reads) {
            let name = &self.tensor(to)?.name;
            return Err(format!("its result `{name}` is computed with as float32; {QUANTISE}"));
        }
        let makes = |node: &&schema::Operator<'_>| node.outputs.iter().any(|&output| output as usize == at);
        let maker = self.model.operators.iter().find(makes).and_then(kernels::find);
        let quant = x.quant()?;
        if maker.is_some_and(|kernel| kernel.place == Place::Ending) {
            return self.hold_same(to, at);
        }
        let (name, is_first) = self.any(at)?;
        let value = self.yields(to)?;
        let scale = self.constant("scale", Array::scalar(quant.scale.into()));
        let zero = self.constant("zero", Array::scalar(quant.zero as f64));
        self.node("", &DEQUANTIZE_LINEAR, vec![name, scale, zero], &value);
        self.hold(to, value, is_first);
        Ok(())
    }

    /// Other sizes for the same values.
    pub fn sizes(&mut self, op: &Op<'_>) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let y = self.tensor(to)?;
        same(x.quant()?, y.quant()?)?;
        if x.count() != y.count() {
            return Err(format!("makes sizes {:?} of {:?}", y.dims, x.dims));
        }
        if self.is_taken_as(at, &y.dims) {
            return self.hold_same(to, at);
        }
        let (from, value) = (self.last(at)?, self.yields(to)?);
        self.reshaped(from, "", &y.dims, Some(value.clone()));
        self.hold(to, value, false);
        Ok(())
    }

    /// A border of zero points, left to the convolution that reads it.
    pub fn pad(&mut self, op: &Op<'_>) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let (input, y) = (x.quant()?, self.tensor(to)?);
        same(input, y.quant()?)?;
        if op.node.optional(2).is_some() && self.integers(op, 2)? != [input.zero] {
            return Err(format!("its border is not of zeros (byte {}); a border of zeros is known", input.zero));
        }
        let given = self.integers(op, 1)?;
        let sizes: Option<Vec<usize>> =
            given.iter().map(|&size| usize::try_from(size).ok().filter(|&size| size < 1 << 16)).collect();
        let pads = match sizes.as_deref() {
            Some(&[0, 0, top, bottom, left, right, 0, 0]) if x.dims.len() == 4 => [top, left, bottom, right],
            _ => return Err(format!("its borders are {given:?}; height and width of one image may have some")),
        };
        let wanted = [1, x.dims[1] + pads[0] + pads[2], x.dims[2] + pads[1] + pads[3], x.dims[3]];
        if y.dims != wanted {
            return Err(format!("yields {wanted:?}, the file says {:?}", y.dims));
        }
        self.hold_padded(to, at, pads)
    }

    /// The sum of two tensors whose scales are the same or powers of two apart: then no rounding is before the last.
    pub fn add(&mut self, op: &Op<'_>) -> Result<(), String> {
        let activation = Activation::new(op.node.options(ADD_OPTIONS)?.i8(0, 0)?)?;
        let ((a, first), (b, second)) = (self.input(op, 0)?, self.input(op, 1)?);
        let to = op.node.output()?;
        let y = self.tensor(to)?;
        let (inputs, output) = ([first.quant()?, second.quant()?], y.quant()?);
        same_sizes(first, y)?;
        same_sizes(second, y)?;
        let bits = ratio(inputs[0].scale, inputs[1].scale)?;
        let mut terms = Vec::new();
        for (part, at) in [a, b].into_iter().enumerate() {
            let (name, is_first) = self.any(at)?;
            let from = self.centred(name, inputs[part].zero, &format!("zero{part}"));
            terms.push((self.shifted(from, bits[part], part), is_first));
        }
        let (value, sum) = (self.yields(to)?, self.name(&format!("{}.sum", y.name)));
        self.node("", &ADD, terms.iter().map(|(name, _)| name.clone()).collect(), &sum);
        // The kernel shifts by 20 bits, and halves the larger scale so that no sum overflows.
        let most = f64::from(inputs[0].scale.max(inputs[1].scale));
        let scale = multiplier(2.0 * most / (f64::from(1 << 20) * f64::from(output.scale)))?;
        let range = activation.range(output.scale, output.zero, output.range);
        let left = 19 - bits[0].max(bits[1]);
        let requant = Requant { multipliers: vec![scale], left, is_once: false, zero: output.zero, range };
        self.requantize("requantize", sum, &value, &requant);
        self.hold(to, value, terms[0].1);
        Ok(())
    }

    /// Times a power of two.
    fn shifted(&mut self, from: String, bits: u32, part: usize) -> String {
        if bits == 0 {
            return from;
        }
        let part = format!("shift{part}");
        let factor = self.constant(&part, Array::scalar(f64::from(1u32 << bits)));
        let to = self.name(&format!("{from}.{part}"));
        self.node(&part, &MUL, vec![from, factor], &to);
        to
    }

    /// What ends a model: probabilities, which are left to the caller.
    pub fn ending(&mut self, op: &Op<'_>, operator: &Operator) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        let input = x.quant()?;
        let beta = if operator == &TFLITE_SOFTMAX { op.node.options(SOFTMAX_OPTIONS)?.f32(0)? } else { 1.0 };
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(format!("its beta is {beta}, which must be positive"));
        }
        let (from, value) = (self.last(at)?, self.yields(to)?);
        let node = self.node("", operator, vec![from], &value);
        node.attributes.insert("scale".into(), Attribute::Float(f64::from(beta) * f64::from(input.scale)));
        node.attributes.insert("zero".into(), Attribute::Float(input.zero as f64));
        self.hold(to, value, false);
        Ok(())
    }

    /// The place of the largest.
    pub fn arg_max(&mut self, op: &Op<'_>) -> Result<(), String> {
        let ((at, x), to) = (self.input(op, 0)?, op.node.output()?);
        x.quant()?;
        let axis = self.integers(op, 1)?;
        let &[axis] = axis.as_slice() else { return Err(format!("is over axes {axis:?}, one is known")) };
        let (from, value) = (self.last(at)?, self.yields(to)?);
        let node = self.node("", &ARG_MAX, vec![from], &value);
        node.attributes.insert("axis".into(), Attribute::Int(axis));
        node.attributes.insert("keepdims".into(), Attribute::Int(0));
        self.hold(to, value, false);
        Ok(())
    }
}

/// Least and greatest value as attributes.
fn bounds([low, high]: [i64; 2]) -> [(String, Attribute); 2] {
    [("min".into(), Attribute::Int(low)), ("max".into(), Attribute::Int(high))]
}

fn same_sizes(a: &Tensor<'_>, b: &Tensor<'_>) -> Result<(), String> {
    if a.dims == b.dims {
        return Ok(());
    }
    Err(format!("`{}` has sizes {:?} and `{}` {:?}; they must be the same", a.name, a.dims, b.name, b.dims))
}

/// By how many bits the integers of two scales are shifted to have one.
fn ratio(a: f32, b: f32) -> Result<[u32; 2], String> {
    let apart = |large: f32, small: f32| {
        (0..16u32).find(|&bits| f64::from(small) * f64::from(1u32 << bits) == f64::from(large))
    };
    match (apart(a, b), apart(b, a)) {
        (Some(bits), _) => Ok([bits, 0]),
        (None, Some(bits)) => Ok([0, bits]),
        (None, None) => Err(format!(
            "adds tensors whose steps are {a} and {b}, which the kernel rounds one by one before it adds them; it is \
             exact where the steps are the same or a power of two apart: give both branches one quantiser"
        )),
    }
}
