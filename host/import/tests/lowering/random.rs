//! Random models as exporters write them: quantisers of every kind, norms, pools, branches, borders.

use bitfab_import::{Array, Attribute, Entry, Input, Source, SourceNode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A model while it grows.
pub struct Builder {
    pub rng: StdRng,
    pub source: Source,
    /// The last tensor and its sizes.
    pub last: String,
    pub dims: Vec<usize>,
    /// Whether zero is a border that the last tensor can hold.
    pub has_zero: bool,
    /// The step of the last tensor, where it is unsigned levels.
    pub step: Option<f64>,
    /// Whether any function may stand before a quantiser.
    is_wild: bool,
}

/// A random model and how its bytes are read; `None` where its own quantiser says.
pub fn model(seed: u64) -> (Source, Option<Entry>) {
    let mut builder = Builder::new(seed, false);
    let map = builder.begin();
    for _ in 0..builder.rng.random_range(0..4) {
        builder.layer();
    }
    builder.end();
    (builder.source, map)
}

/// As [`model`], with any function before a quantiser, and any end.
pub fn wild(seed: u64) -> (Source, Option<Entry>) {
    let mut builder = Builder::new(seed, true);
    let map = builder.begin();
    for _ in 0..builder.rng.random_range(1..3) {
        builder.layer();
    }
    builder.wild_end();
    (builder.source, map)
}

impl Builder {
    /// A model of one input.
    fn new(seed: u64, is_wild: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let dims = if rng.random() {
            vec![1, rng.random_range(1..4), rng.random_range(4..8), rng.random_range(4..8)]
        } else {
            vec![1, rng.random_range(3..40)]
        };
        let sizes = dims.iter().enumerate().map(|(axis, &size)| if axis == 0 { None } else { Some(size) }).collect();
        let source = Source { inputs: vec![Input { name: "in".into(), dims: sizes }], opset: 13, ..Source::default() };
        Self { rng, source, last: "in".into(), dims, has_zero: true, step: None, is_wild }
    }

    /// A constant.
    fn constant(&mut self, dims: &[usize], values: Vec<f64>) -> String {
        let name = format!("c{}", self.source.constants.len());
        self.source.constants.insert(name.clone(), Array::new(dims, values));
        name
    }

    pub fn number(&mut self, value: f64) -> String {
        self.constant(&[], vec![value])
    }

    /// A node that reads the last tensor (at `place`) and constants.
    pub fn push(&mut self, op: &str, constants: Vec<String>, attributes: Vec<(&str, Attribute)>) -> String {
        let index = self.source.nodes.len();
        let output = format!("t{index}");
        let inputs = [vec![self.last.clone()], constants].concat();
        self.node(op, inputs, attributes, &output);
        self.last = output.clone();
        output
    }

    fn node(&mut self, op: &str, inputs: Vec<String>, attributes: Vec<(&str, Attribute)>, output: &str) {
        let index = self.source.nodes.len();
        self.source.nodes.push(SourceNode {
            name: format!("{op}_{index}"),
            op: op.into(),
            domain: if op == "Quant" { "qonnx.custom_op.general".into() } else { String::new() },
            inputs,
            outputs: vec![output.into()],
            attributes: attributes.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        });
    }

    /// A 32-bit float as an exporter would store it.
    pub fn real(&mut self, low: f64, high: f64) -> f64 {
        f64::from(self.rng.random_range(low..high) as f32)
    }

    /// From the input's bytes to what the first layer reads.
    fn begin(&mut self) -> Option<Entry> {
        let is_image = self.dims.len() == 4;
        match self.rng.random_range(0..8) {
            // Arithmetic before the quantiser, which is the caller's.
            5 => {
                self.scaled();
                self.quant(1.0 / 128.0, 8.0, true, true);
                None
            }
            6 if is_image => {
                self.channels_last();
                Some("u8".parse().expect("a map"))
            }
            0 => {
                let scale = self.real(0.01, 0.5);
                let is_signed = self.rng.random();
                self.quant(scale, 8.0, is_signed, is_signed);
                None
            }
            1 => Some("i8*0.25".parse().expect("a map")),
            7 if self.is_wild => {
                self.own_bytes();
                None
            }
            2 => {
                self.scaled();
                self.push("Sign", Vec::new(), Vec::new());
                self.has_zero = false;
                Some("u8/255".parse().expect("a map"))
            }
            3 => {
                self.scaled();
                self.quant(1.0, 2.0, true, true);
                Some("u8/255".parse().expect("a map"))
            }
            // Zero is a byte that is not 0.
            4 => Some(["u8-128/128", "i8--5*0.25", "u8-255"][self.rng.random_range(0..3)].parse().expect("a map")),
            _ => Some("u8/255".parse().expect("a map")),
        }
    }

    /// The input with channels last.
    fn channels_last(&mut self) {
        let [_, channels, height, width] = self.dims[..] else { unreachable!("an image") };
        self.source.inputs[0].dims = vec![None, Some(height), Some(width), Some(channels)];
        self.push("Transpose", Vec::new(), vec![("perm", Attribute::Ints(vec![0, 3, 1, 2]))]);
    }

    /// 2 x - 1.
    fn scaled(&mut self) {
        let (two, one) = (self.number(2.0), self.number(1.0));
        self.push("Mul", vec![two], Vec::new());
        self.push("Sub", vec![one], Vec::new());
    }

    pub fn quant(&mut self, scale: f64, bits: f64, is_signed: bool, is_narrow: bool) {
        let constants = vec![self.number(scale), self.number(0.0), self.number(bits)];
        let int = |flag: bool| Attribute::Int(i64::from(flag));
        self.push("Quant", constants, vec![("signed", int(is_signed)), ("narrow", int(is_narrow))]);
    }

    /// Weights of the given sizes behind one of the quantisers, a scale for each output or one for all.
    fn weights(&mut self, dims: &[usize]) -> String {
        let count = dims.iter().product();
        let name = format!("w{}", self.source.nodes.len());
        let per_output = self.rng.random();
        let scale_dims: Vec<usize> =
            if per_output { (0..dims.len()).map(|axis| if axis == 0 { dims[0] } else { 1 }).collect() } else { vec![] };
        let scales = (0..scale_dims.iter().product::<usize>()).map(|_| self.real(0.02, 0.9)).collect();
        let latent = (0..count).map(|_| self.real(-1.0, 1.0)).collect();
        match self.rng.random_range(0..4) {
            0 => {
                let inputs = vec![self.constant(dims, latent), self.constant(&scale_dims, scales)];
                self.node("BipolarQuant", inputs, Vec::new(), &name);
            }
            1 => {
                let values = (0..count).map(|_| f64::from(self.rng.random_range(-3i32..4))).collect();
                return self.constant(dims, values);
            }
            kind => {
                let bits = if kind == 2 { 2.0 } else { f64::from(self.rng.random_range(2..7)) };
                let constants = [
                    self.constant(dims, latent),
                    self.constant(&scale_dims, scales),
                    self.number(0.0),
                    self.number(bits),
                ];
                let attributes = vec![("signed", Attribute::Int(1)), ("narrow", Attribute::Int(1))];
                self.node("Quant", constants.into(), attributes, &name);
            }
        }
        name
    }

    /// One weighted node, what follows it, and its quantiser.
    fn layer(&mut self) {
        match (self.step, self.dims.as_slice()) {
            (Some(step), &[_, channels, height, width]) if height > 1 && width > 1 && self.rng.random() => {
                return self.residual(step, channels);
            }
            _ => {}
        }
        if self.dims.len() == 4 && self.rng.random_ratio(3, 4) {
            self.conv();
        } else {
            self.dense();
        }
        self.norm();
        let pools = self.dims.len() == 4 && self.dims[2] > 1 && self.dims[3] > 1 && self.rng.random_ratio(1, 3);
        let before = self.rng.random();
        if pools && before {
            self.pool("MaxPool");
        }
        self.activation();
        if pools && !before {
            self.pool("MaxPool");
        }
        if pools && self.rng.random_ratio(1, 4) && self.dims[2] > 1 && self.dims[3] > 1 {
            self.pool("AveragePool");
            let scale = self.real(0.05, 0.4);
            self.quant(scale, 4.0, false, false);
            (self.has_zero, self.step) = (true, Some(scale));
        }
    }

    fn conv(&mut self) {
        let (inputs, kernel) = (self.dims[1], self.rng.random_range(1..4.min(self.dims[2].min(self.dims[3]) + 1)));
        let groups = if inputs > 1 && self.rng.random_ratio(1, 4) { inputs } else { 1 };
        let outputs = groups * self.rng.random_range(1..5);
        let weights = self.weights(&[outputs, inputs / groups, kernel, kernel]);
        let pad = if self.has_zero && kernel > 1 && self.rng.random_ratio(3, 4) { 1 } else { 0 };
        let stride = self.rng.random_range(1..3);
        let mut constants = vec![weights];
        if self.rng.random() {
            let bias = (0..outputs).map(|_| self.real(-1.0, 1.0)).collect();
            constants.push(self.constant(&[outputs], bias));
        }
        let ints = |value: usize, count| Attribute::Ints(vec![value as i64; count]);
        let attributes = vec![
            ("pads", ints(pad, 4)),
            ("strides", ints(stride, 2)),
            ("kernel_shape", ints(kernel, 2)),
            ("group", Attribute::Int(groups as i64)),
        ];
        self.push("Conv", constants, attributes);
        let slide = |size: usize| (size + 2 * pad - kernel) / stride + 1;
        self.dims = vec![1, outputs, slide(self.dims[2]), slide(self.dims[3])];
    }

    /// A branch around a convolution; both are quantised, the steps a power of two apart.
    fn residual(&mut self, step: f64, channels: usize) {
        let branch = self.last.clone();
        let weights = self.weights(&[channels, channels, 3, 3]);
        let ints = |value: i64, count| Attribute::Ints(vec![value; count]);
        self.push("Conv", vec![weights], vec![("pads", ints(1, 4)), ("kernel_shape", ints(3, 2))]);
        self.norm();
        self.push("Relu", Vec::new(), Vec::new());
        let other = step * [0.5, 1.0, 4.0][self.rng.random_range(0..3)];
        self.quant(other, 3.0, false, false);
        let (first, second) = if self.rng.random() { (branch, self.last.clone()) } else { (self.last.clone(), branch) };
        self.last = first;
        self.push("Add", vec![second], Vec::new());
        self.quant(step, 4.0, false, false);
        self.step = Some(step);
    }

    fn dense(&mut self) {
        let outputs = self.rng.random_range(2..20);
        self.dense_to(outputs);
    }

    pub fn dense_to(&mut self, outputs: usize) {
        if self.dims.len() == 4 {
            self.push("Flatten", Vec::new(), vec![("axis", Attribute::Int(1))]);
            self.dims = vec![1, self.dims[1..].iter().product()];
        }
        let inputs = self.dims[1];
        let weights = self.weights(&[outputs, inputs]);
        if self.rng.random() {
            let turned = format!("{weights}.t{}", self.source.nodes.len());
            self.node("Transpose", vec![weights], vec![("perm", Attribute::Ints(vec![1, 0]))], &turned);
            self.push("MatMul", vec![turned], Vec::new());
        } else {
            let bias = (0..outputs).map(|_| self.real(-1.0, 1.0)).collect();
            let bias = self.constant(&[outputs], bias);
            self.push("Gemm", vec![weights, bias], vec![("transB", Attribute::Int(1))]);
        }
        self.dims = vec![1, outputs];
    }

    fn norm(&mut self) {
        let channels = self.dims[1];
        if self.rng.random_ratio(2, 3) {
            let mut list = |low, high| -> Vec<f64> { (0..channels).map(|_| self.real(low, high)).collect() };
            let parts = [list(-2.0, 2.0), list(-1.0, 1.0), list(-5.0, 5.0), list(0.1, 9.0)];
            let constants = parts.map(|part| self.constant(&[channels], part));
            self.push("BatchNormalization", constants.into(), Vec::new());
        }
    }

    fn activation(&mut self) {
        if self.is_wild && self.rng.random_ratio(3, 4) {
            return self.wild_activation();
        }
        let kind = self.rng.random_range(0..8);
        self.has_zero = kind != 0;
        self.step = None;
        match kind {
            0 => drop(self.push("Sign", Vec::new(), Vec::new())),
            1 => {
                let scale = self.number(0.5);
                self.push("BipolarQuant", vec![scale], Vec::new());
            }
            2 => {
                let scale = self.real(0.1, 1.0);
                self.quant(scale, 3.0, true, true);
            }
            3 => self.thresholds(),
            // ONNX's own quantiser: 8 bits, a zero point where a ReLU cuts, or anywhere.
            4 => {
                let points = [("uint8", 0.0), ("int8", -128.0), ("uint8", 77.0), ("int8", 0.0)];
                let (scale, (kind, zero)) = (self.real(0.02, 0.2), points[self.rng.random_range(0..4)]);
                let constants = vec![self.number(scale), self.number(zero)];
                let attribute = ("zero_point_type", Attribute::Text(kind.into()));
                self.push("QuantizeLinear", constants.clone(), vec![attribute]);
                self.push("DequantizeLinear", constants, Vec::new());
            }
            _ => {
                self.push("Relu", Vec::new(), Vec::new());
                let (scale, bits) = (self.real(0.05, 1.0), [1.0, 2.0, 4.0, 8.0][self.rng.random_range(0..4)]);
                self.quant(scale, bits, false, false);
                self.step = Some(scale);
            }
        }
    }

    fn thresholds(&mut self) {
        let each = self.rng.random_range(1..8);
        let rows = if self.rng.random() { self.dims[1] } else { 1 };
        let mut values = Vec::new();
        for _ in 0..rows {
            let mut row: Vec<f64> = (0..each).map(|_| self.real(-6.0, 6.0)).collect();
            row.sort_by(f64::total_cmp);
            values.extend(row);
        }
        let thresholds = self.constant(&[rows, each], values);
        // Levels that are odd, or even: the third of these is zero.
        let bias = if self.rng.random() { -3.0 } else { -4.0 };
        self.has_zero = bias == -4.0 && each >= 2;
        let attributes = vec![("out_scale", Attribute::Float(2.0)), ("out_bias", Attribute::Float(bias))];
        self.push("MultiThreshold", vec![thresholds], attributes);
    }

    fn pool(&mut self, op: &str) {
        let ints = |value: i64| Attribute::Ints(vec![value; 2]);
        self.push(op, Vec::new(), vec![("kernel_shape", ints(2)), ("strides", ints(2))]);
        self.dims[2..].iter_mut().for_each(|size| *size /= 2);
    }

    /// Scores, scaled, and a softmax.
    fn end(&mut self) {
        self.dense();
        if self.rng.random() {
            let scale = self.real(0.1, 2.0);
            let scale = self.number(scale);
            self.push("Mul", vec![scale], Vec::new());
        }
        if self.rng.random() {
            self.push("Softmax", Vec::new(), vec![("axis", Attribute::Int(-1))]);
        }
        self.source.outputs = vec![self.last.clone()];
    }
}
