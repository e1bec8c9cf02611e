//! Layers with weights, pools and what only changes sizes.

use super::array::permuted;
use super::describe::{
    Add, Conv, ConvOrder, Dense, DenseOrder, Flatten, FlattenOrder, Framework, Padding, Pool, Quantizer, Sizes,
};
use super::writer::{Value, Writer};
use crate::Array;
use crate::operators::{ADD, CONV, FLATTEN, GEMM, Operator, TRANSPOSE};
use crate::source::Attribute;

/// Kernel, stride and border over one or two axes, and the sizes that come out.
struct Window {
    attributes: Vec<(&'static str, Attribute)>,
    output: Vec<usize>,
}

impl Writer<'_> {
    pub fn dense(&mut self, layer: &str, dense: &Dense, from: &Value) -> Result<Value, String> {
        let [inputs] = from.dims[..] else {
            return Err(format!("reads sizes {:?}; put a layer of kind flatten before it", from.dims));
        };
        let order = match (dense.order, self.framework) {
            (Some(order), _) => order,
            (None, Some(Framework::Keras)) => DenseOrder::Io,
            (None, Some(Framework::Pytorch)) => DenseOrder::Oi,
            (None, None) => {
                return Err("order: is missing; \"io\" for [inputs, outputs] as Keras has them, \"oi\" for [outputs, \
                            inputs] as PyTorch, or framework = \"keras\" or \"pytorch\" at the top"
                    .into());
            }
        };
        let array = self.archive.array(&dense.weights).map_err(|problem| format!("weights: {problem}"))?;
        let is_rows = order == DenseOrder::Oi;
        let outputs = match (array.dims.as_slice(), is_rows) {
            (&[outputs, found], true) | (&[found, outputs], false) if found == inputs && outputs > 0 => outputs,
            (dims, _) => {
                let need = if is_rows { format!("[outputs, {inputs}]") } else { format!("[{inputs}, outputs]") };
                let order = if is_rows { "oi" } else { "io" };
                let name = &dense.weights;
                return Err(format!("weights: array `{name}` has sizes {dims:?}, order \"{order}\" needs {need}"));
            }
        };
        let along = if is_rows { vec![outputs, 1] } else { vec![1, outputs] };
        let weights = self.weights(layer, array, &along, dense.quantizer.as_ref())?;
        let mut names = vec![from.tensor.clone(), weights];
        names.extend(self.bias(layer, dense.bias.as_deref(), dense.bias_quantizer.as_ref(), outputs)?);
        let attributes = vec![("transB", Attribute::Int(is_rows.into()))];
        let tensor = self.node(layer.into(), &GEMM, names, attributes);
        Ok(Value { tensor, dims: vec![outputs] })
    }

    pub fn conv(&mut self, layer: &str, conv: &Conv, from: &Value) -> Result<Value, String> {
        let axes = from.spatial().len();
        if axes == 0 {
            return Err(format!(
                "reads sizes {:?}; it needs [height, width, channels] or [length, channels]",
                from.dims
            ));
        }
        let order = self.conv_order(conv, axes)?;
        let array = self.archive.array(&conv.weights).map_err(|problem| format!("weights: {problem}"))?;
        let (filters, groups) = filters(conv, order, array, from.channels())?;
        let outputs = filters.dims[0];
        let window = window(from.spatial(), &filters.dims[2..], conv.stride.as_ref(), conv.padding.as_ref())?;
        let mut along = vec![1; axes + 2];
        along[0] = outputs;
        let weights = self.weights(layer, filters, &along, conv.quantizer.as_ref())?;
        let mut names = vec![from.tensor.clone(), weights];
        names.extend(self.bias(layer, conv.bias.as_deref(), conv.bias_quantizer.as_ref(), outputs)?);
        let mut attributes = window.attributes;
        attributes.push(("group", Attribute::Int(groups as i64)));
        let tensor = self.node(layer.into(), &CONV, names, attributes);
        Ok(Value { tensor, dims: [window.output, vec![outputs]].concat() })
    }

    fn conv_order(&self, conv: &Conv, axes: usize) -> Result<ConvOrder, String> {
        let order = match (conv.order, self.framework, axes) {
            (Some(order), ..) => order,
            (None, Some(Framework::Keras), 1) => ConvOrder::Wio,
            (None, Some(Framework::Keras), _) => ConvOrder::Hwio,
            (None, Some(Framework::Pytorch), 1) => ConvOrder::Oiw,
            (None, Some(Framework::Pytorch), _) => ConvOrder::Oihw,
            (None, None, _) => {
                return Err(
                    "order: is missing; \"hwio\" (Keras) or \"oihw\" (PyTorch), \"hwcm\" for Keras' depthwise \
                            ones, \"wio\" or \"oiw\" over one axis, or framework = \"keras\" or \"pytorch\" at the top"
                        .into(),
                );
            }
        };
        let is_line = matches!(order, ConvOrder::Wio | ConvOrder::Oiw);
        if is_line != (axes == 1) {
            let need = if axes == 1 { "\"wio\" or \"oiw\"" } else { "\"hwio\", \"oihw\" or \"hwcm\"" };
            return Err(format!("order: its input has {axes} axes besides channels, which needs {need}"));
        }
        Ok(order)
    }

    /// A bias for each output, if there is one.
    fn bias(
        &mut self,
        layer: &str,
        bias: Option<&str>,
        quantizer: Option<&Quantizer>,
        outputs: usize,
    ) -> Result<Option<String>, String> {
        match (bias, quantizer) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err("bias-quantizer: there is no bias".into()),
            (Some(bias), quantizer) => {
                let array = self.vector("bias", bias, outputs)?;
                self.biases(layer, array, quantizer).map(Some)
            }
        }
    }

    pub fn pool(
        &mut self,
        layer: &str,
        pool: &Pool,
        [windowed, global]: [&Operator; 2],
        from: &Value,
    ) -> Result<Value, String> {
        let spatial = from.spatial().to_vec();
        if spatial.is_empty() {
            return Err(format!(
                "reads sizes {:?}; it needs [height, width, channels] or [length, channels]",
                from.dims
            ));
        }
        let names = vec![from.tensor.clone()];
        let Some(size) = &pool.size else {
            if pool.stride.is_some() || pool.padding.is_some() {
                return Err("size: is missing; without size, stride and padding it takes the whole image".into());
            }
            let tensor = self.node(layer.into(), global, names, Vec::new());
            let ones = vec![1; spatial.len()];
            return Ok(Value { tensor, dims: [ones, vec![from.channels()]].concat() });
        };
        let kernel = each("size", size, spatial.len())?;
        let stride = pool.stride.clone().unwrap_or(Sizes::Each(kernel.clone()));
        let mut window = window(&spatial, &kernel, Some(&stride), pool.padding.as_ref())?;
        window.attributes.push(("kernel_shape", ints(&kernel)));
        let tensor = self.node(layer.into(), windowed, names, window.attributes);
        Ok(Value { tensor, dims: [window.output, vec![from.channels()]].concat() })
    }

    pub fn flatten(&mut self, layer: &str, flatten: &Flatten, from: &Value) -> Result<Value, String> {
        let pixels: usize = from.spatial().iter().product();
        let order = match (flatten.order, self.framework) {
            (Some(order), _) => order,
            (None, Some(Framework::Keras)) => FlattenOrder::Hwc,
            (None, Some(Framework::Pytorch)) => FlattenOrder::Chw,
            // The order of a line is the same either way.
            (None, None) if pixels == 1 || from.channels() == 1 => FlattenOrder::Chw,
            (None, None) => {
                return Err("order: is missing; \"hwc\" for channels last (Keras), \"chw\" for channels first \
                            (PyTorch), or framework = \"keras\" or \"pytorch\" at the top"
                    .into());
            }
        };
        let mut tensor = from.tensor.clone();
        if order == FlattenOrder::Hwc && pixels > 1 && from.channels() > 1 {
            let last: Vec<usize> = [0].into_iter().chain(2..from.dims.len() + 1).chain([1]).collect();
            tensor = self.node(format!("{layer}:hwc"), &TRANSPOSE, vec![tensor], vec![("perm", ints(&last))]);
        }
        let tensor = self.node(layer.into(), &FLATTEN, vec![tensor], Vec::new());
        Ok(Value { tensor, dims: vec![from.dims.iter().product()] })
    }

    pub fn add(&mut self, layer: &str, add: &Add, from: &Value) -> Result<Value, String> {
        let other = self.result("with", &add.with)?;
        if other.dims != from.dims {
            let (name, dims) = (&add.with, &other.dims);
            return Err(format!("with: `{name}` yields sizes {dims:?}, its input has {:?}", from.dims));
        }
        let tensor = self.node(layer.into(), &ADD, vec![from.tensor.clone(), other.tensor], Vec::new());
        Ok(Value { tensor, dims: from.dims.clone() })
    }
}

/// Filters as ONNX has them (outputs, inputs of a group, height, width), and the number of groups.
fn filters(conv: &Conv, order: ConvOrder, array: Array, channels: usize) -> Result<(Array, usize), String> {
    let name = &conv.weights;
    let need = if matches!(order, ConvOrder::Wio | ConvOrder::Oiw) { 3 } else { 4 };
    if array.dims.len() != need || array.dims.contains(&0) {
        let dims = &array.dims;
        return Err(format!("weights: array `{name}` has sizes {dims:?}, needs {need} axes, none of them 0"));
    }
    let (filters, groups) = match order {
        ConvOrder::Oihw | ConvOrder::Oiw => (array, conv.groups.unwrap_or(1)),
        ConvOrder::Hwio => (permuted(&array, &[3, 2, 0, 1]), conv.groups.unwrap_or(1)),
        ConvOrder::Wio => (permuted(&array, &[2, 1, 0]), conv.groups.unwrap_or(1)),
        ConvOrder::Hwcm => {
            let turned = permuted(&array, &[2, 3, 0, 1]);
            let [inputs, multiplier, height, width] = turned.dims[..] else { return Err("weights: four axes".into()) };
            (Array::new([inputs * multiplier, 1, height, width], turned.values), conv.groups.unwrap_or(inputs))
        }
    };
    let (outputs, depth) = (filters.dims[0], filters.dims[1]);
    if groups == 0 || depth.checked_mul(groups) != Some(channels) || outputs % groups != 0 {
        return Err(format!(
            "weights: array `{name}` has {outputs} filters of {depth} channels, its input has {channels} channels in \
             {groups} groups"
        ));
    }
    Ok((filters, groups))
}

/// A size for each axis.
fn each(key: &str, sizes: &Sizes, axes: usize) -> Result<Vec<usize>, String> {
    match sizes {
        Sizes::All(size) => Ok(vec![*size; axes]),
        Sizes::Each(sizes) if sizes.len() == axes => Ok(sizes.clone()),
        Sizes::Each(sizes) => Err(format!("{key}: {} sizes for {axes} axes", sizes.len())),
    }
}

fn ints(sizes: &[usize]) -> Attribute {
    Attribute::Ints(sizes.iter().map(|&size| size as i64).collect())
}

/// A window over an image; the stride is 1 where none is given.
fn window(
    input: &[usize],
    kernel: &[usize],
    stride: Option<&Sizes>,
    padding: Option<&Padding>,
) -> Result<Window, String> {
    let axes = input.len();
    let stride = stride.map_or(Ok(vec![1; axes]), |stride| each("stride", stride, axes))?;
    let mut attributes = vec![("strides", ints(&stride))];
    let pads = match padding.unwrap_or(&Padding::Valid) {
        Padding::Valid => vec![0; 2 * axes],
        Padding::Same => {
            attributes.push(("auto_pad", Attribute::Text("SAME_UPPER".into())));
            let output = input.iter().zip(&stride).map(|(size, stride)| size.div_ceil(*stride)).collect();
            return Ok(Window { attributes, output });
        }
        Padding::Each(pads) if pads.len() == 2 * axes => pads.clone(),
        Padding::Each(pads) => return Err(format!("padding: {} sizes, needs {}", pads.len(), 2 * axes)),
    };
    attributes.push(("pads", ints(&pads)));
    let mut output = Vec::new();
    for axis in 0..axes {
        let padded = input[axis].saturating_add(pads[axis]).saturating_add(pads[axis + axes]);
        let room = padded.checked_sub(kernel[axis]);
        let room = room.ok_or_else(|| format!("a window of {kernel:?} does not fit an image of {input:?}"))?;
        output.push(room / stride[axis] + 1);
    }
    Ok(Window { attributes, output })
}
