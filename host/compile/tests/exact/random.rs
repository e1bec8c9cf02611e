//! Random graphs whose batch norms are full of ties, zeros and extremes.

use bitfab_graph::{ByteKind, Graph, Kind, Node, Op, PadValue, Shape, Tensor, WeightQuantizer, Weights, Window};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A graph under construction.
struct Builder {
    rng: StdRng,
    graph: Graph,
    tensors: Vec<Tensor>,
}

/// A valid graph from a seed.
pub fn graph(seed: u64) -> Graph {
    let mut rng = StdRng::seed_from_u64(seed);
    let input = Shape::new(rng.random_range(1..6), rng.random_range(1..6), rng.random_range(1..40));
    let input_kind = if rng.random() { ByteKind::U8 } else { ByteKind::I8 };
    let graph = Graph { input, input_kind, nodes: Vec::new(), precisions: Vec::new(), interface: Default::default() };
    let mut builder = Builder { rng, graph, tensors: Vec::new() };
    builder.build();
    builder.graph
}

/// A valid graph that ends in real scores, and how.
pub fn scored(seed: u64) -> (Graph, &'static str) {
    let mut rng = StdRng::seed_from_u64(seed);
    let input = Shape::new(rng.random_range(1..4), rng.random_range(1..4), rng.random_range(1..40));
    let input_kind = if rng.random() { ByteKind::U8 } else { ByteKind::I8 };
    let graph = Graph { input, input_kind, nodes: Vec::new(), precisions: Vec::new(), interface: Default::default() };
    let mut builder = Builder { rng, graph, tensors: Vec::new() };
    if builder.rng.random() {
        builder.conv2d();
        builder.push_after(Op::Sign);
    }
    let classes = builder.rng.random_range(1..12);
    builder.dense(classes);
    let ending = builder.ending(classes as usize);
    (builder.graph, ending)
}

impl Builder {
    /// A batch norm whose root is a fraction.
    fn even_batch_norm(&mut self, classes: usize) {
        let mut some = |values: &[f32]| -> Vec<f32> {
            (0..classes).map(|_| values[self.rng.random_range(0..values.len())]).collect()
        };
        let (gamma, beta) = (some(&[3.0, -3.0]), some(&[0.0, 1.5, -6.0, 30.0]));
        let (mean, variance) = (some(&[0.0, 7.0, -11.0]), vec![some(&[4.0, 9.0, 0.25])[0]; classes]);
        self.push_after(Op::BatchNorm { gamma, beta, mean, variance, epsilon: 0.0 });
    }

    /// Scales of all or of each class, batch norms whose roots are rational or not, lines of floats.
    fn ending(&mut self, classes: usize) -> &'static str {
        let whole = |this: &mut Self, low: i32, high: i32| f64::from(this.rng.random_range(low..high));
        match self.rng.random_range(0..7) {
            0 => {
                let factors = vec![self.rng.random_range(0.001..3.0)];
                self.push_after(Op::Scale { factors });
                "scale"
            }
            1 => {
                let factors = (0..classes).map(|_| self.number()).collect();
                self.push_after(Op::Scale { factors });
                "scales"
            }
            2 => {
                let op = self.batch_norm(classes);
                self.push_after(op);
                "batch norm"
            }
            3 => {
                self.even_batch_norm(classes);
                "even batch norm"
            }
            4 => {
                let multiplier = self.rng.random_range(1e-3..10.0);
                let offset = (0..classes).map(|_| multiplier * whole(self, -90_000, 90_000)).collect();
                self.push_after(Op::Affine { multiplier: vec![multiplier; classes], offset });
                "bias"
            }
            5 => {
                self.constant(classes);
                "constant"
            }
            _ => {
                let mut real = |scale: f64| (0..classes).map(|_| scale * self.rng.random_range(-1.0..1.0)).collect();
                let (multiplier, offset) = (real(0.3), real(1e4));
                self.push_after(Op::Affine { multiplier, offset });
                "affine"
            }
        }
    }

    /// One constant for all classes, and whole steps of one slope beside it.
    fn constant(&mut self, classes: usize) {
        let (multiplier, steps) = (f64::from(self.rng.random_range(1e-3..10.0f32)), self.rng.random_range(1..90));
        let constant = self.rng.random_range(-1e3..1e3);
        let offset = (0..classes).map(|_| constant + multiplier * f64::from(self.rng.random_range(0..steps))).collect();
        self.push_after(Op::Affine { multiplier: vec![multiplier; classes], offset });
    }

    fn push(&mut self, inputs: Vec<usize>, op: Op) {
        let name = format!("{}{}", op.label(), self.graph.nodes.len());
        self.graph.nodes.push(Node { name, inputs, op });
        self.tensors = self.graph.check().unwrap_or_else(|error| panic!("the generator is wrong: {error}"));
    }

    fn last(&self) -> Tensor {
        let bytes = Tensor { shape: self.graph.input, kind: Kind::Bytes(self.graph.input_kind) };
        self.tensors.last().copied().unwrap_or(bytes)
    }

    fn build(&mut self) {
        if self.rng.random_ratio(1, 3) {
            self.thermometer();
        }
        for _ in 0..self.rng.random_range(1..4) {
            self.block();
        }
        let scores = self.rng.random_range(1..12);
        self.dense(scores);
        match self.rng.random_range(0..3) {
            0 => self.push_after(Op::Scale { factors: vec![0.125] }),
            1 => self.push_after(Op::Sign),
            _ => {}
        }
    }

    fn push_after(&mut self, op: Op) {
        self.push(vec![self.graph.nodes.len()], op);
    }

    fn thermometer(&mut self) {
        let per_channel = self.rng.random_range(1..4);
        let range = if self.graph.input_kind == ByteKind::U8 { -3..256 } else { -128..128 };
        let channels = self.graph.input.channels as usize;
        let mut thresholds = Vec::new();
        for _ in 0..channels {
            let mut one: Vec<i16> = (0..per_channel).map(|_| self.rng.random_range(range.clone())).collect();
            one.sort_unstable();
            thresholds.extend(one);
        }
        self.push_after(Op::Encode { thresholds, per_channel });
    }

    /// Weights of any kind, none of whose rows is all zero.
    fn weights(&mut self, shape: [u32; 4]) -> Weights {
        let fan_in = shape[1..].iter().product::<u32>() as usize;
        let outputs = shape[0] as usize;
        let rng = &mut self.rng;
        let shift = rng.random_range(0..6);
        let bits = rng.random_range(2..9);
        let power = |rng: &mut StdRng| (1 << rng.random_range(0..7)) as f32 * [-1.0, 1.0][rng.random_range(0..2)];
        let quantizer = match rng.random_range(0..9) {
            0..3 => WeightQuantizer::Sign,
            3 => WeightQuantizer::SparseBinary { ratio: rng.random_range(-(1 << shift)..1 << shift), shift },
            4 => WeightQuantizer::Ternary,
            5 => WeightQuantizer::PowerOfTwo,
            6 => WeightQuantizer::Planes { bits: rng.random_range(1..9) },
            7 => WeightQuantizer::Integer { bits },
            _ => return self.smart_deal(shape),
        };
        let keep = rng.random_range(1..101);
        let value = |rng: &mut StdRng| match quantizer {
            WeightQuantizer::PowerOfTwo => power(rng),
            WeightQuantizer::Integer { bits } => rng.random_range(-(1 << (bits - 1))..1 << (bits - 1)) as f32,
            _ => rng.random_range(-1.0..1.0),
        };
        let mut values = Vec::new();
        for _ in 0..outputs {
            let alive = rng.random_range(0..fan_in);
            for index in 0..fan_in {
                let is_kept = index == alive || rng.random_range(0..100) < keep;
                values.push(if is_kept { value(rng) } else { 0.0 });
            }
        }
        Weights::new(values, shape, quantizer)
    }

    /// Sparse coefficients and a basis of bytes; in some layers many are -128, so that filters cannot be negated.
    fn smart_deal(&mut self, shape: [u32; 4]) -> Weights {
        let fan_in = shape[1..].iter().product::<u32>() as usize;
        let (rows, filter_rows) = (self.rng.random_range(1..9), fan_in.div_ceil(3));
        let chunks = filter_rows.div_ceil(rows as usize) * shape[0] as usize;
        let rng = &mut self.rng;
        let has_least = rng.random_ratio(1, 3);
        let basis = (0..chunks * 9).map(|at| match at % 9 {
            0 => 7.0,
            _ if has_least => [-128.0, rng.random_range(-128..128) as f32][rng.random_range(0..2)],
            _ => rng.random_range(-127..128) as f32,
        });
        let basis = basis.collect();
        let coefficient = |at: usize| match (at % (3 * filter_rows), rng.random_range(0..3)) {
            (0, _) => 1.0,
            (_, 0) => -(1 << rng.random_range(0..7)) as f32,
            _ => 0.0,
        };
        let values = (0..shape[0] as usize * filter_rows * 3).map(coefficient).collect();
        Weights { values, shape, quantizer: WeightQuantizer::SmartDeal { rows }, basis }
    }

    fn dense(&mut self, outputs: u32) {
        let features = self.last().shape.elements() as u32;
        let weights = self.weights([outputs, 1, 1, features]);
        self.push_after(Op::Dense { weights });
    }

    fn window(&mut self, pad_values: &[PadValue]) -> Window {
        let shape = self.last().shape;
        let mut side = |size: u32| {
            let kernel = self.rng.random_range(1..4);
            let most = (kernel - 1).min(2);
            let (before, after) = (self.rng.random_range(0..=most), self.rng.random_range(0..=most));
            if kernel > size + before + after { (1, 0, 0) } else { (kernel, before, after) }
        };
        let ((height, top, bottom), (width, left, right)) = (side(shape.height), side(shape.width));
        let stride = [self.rng.random_range(1..3), self.rng.random_range(1..3)];
        let pad_value = pad_values[self.rng.random_range(0..pad_values.len())];
        Window { kernel: [height, width], stride, padding: [top, left, bottom, right], pad_value }
    }

    fn conv2d(&mut self) {
        let input = self.last();
        let (low, high) = match input.kind {
            Kind::Bytes(ByteKind::I8) => (-128, 127),
            Kind::Unsigned { bits } => (0, (1 << bits) - 1),
            _ => (0, 255),
        };
        let level = PadValue::Level(self.rng.random_range(low..=high));
        let pads = match input.kind {
            Kind::Sign => [PadValue::Zero, PadValue::MinusOne, PadValue::PlusOne],
            _ => [PadValue::Zero, level, PadValue::Level(high)],
        };
        let window = self.window(&pads);
        let channels = input.shape.channels;
        let divisors: Vec<u32> = (1..=channels).filter(|g| channels.is_multiple_of(*g)).collect();
        let groups = if self.rng.random() { 1 } else { divisors[self.rng.random_range(0..divisors.len())] };
        let outputs = groups * self.rng.random_range(1..(36 / groups).max(2));
        let [height, width] = window.kernel;
        let weights = self.weights([outputs, height, width, channels / groups]);
        self.push_after(Op::Conv2d { weights, window, groups });
    }

    /// An accumulator, what folds into it, and perhaps a pool.
    fn block(&mut self) {
        let before = self.graph.nodes.len();
        let input = self.last();
        let is_packed = matches!(input.kind, Kind::Sign | Kind::Unsigned { .. });
        match self.rng.random_range(0..6) {
            0 if is_packed => {
                let window = Window { padding: [0; 4], ..self.window(&[PadValue::Zero]) };
                let fits = window.output(input.shape).is_some();
                self.push_after(Op::SumPool { window: if fits { window } else { Window::valid(1, 1) } });
            }
            1 => {
                let outputs = self.rng.random_range(1..40);
                self.dense(outputs);
            }
            _ => self.conv2d(),
        }
        if is_packed && self.last().shape == input.shape {
            let shift = self.rng.random_range(0..4);
            self.push(vec![before + 1, before], Op::Add { shift });
        }
        self.real_part();
        let smallest = if self.last().kind == Kind::Sign { PadValue::MinusOne } else { PadValue::Zero };
        if self.rng.random_ratio(1, 3) {
            let window = self.window(&[smallest]);
            self.push_after(Op::MaxPool { window });
        }
    }

    /// Thresholds anywhere up to four bits; beyond that evenly spaced, as a multiplication can have them.
    fn steps(&mut self, channels: usize) -> Op {
        let bits = [None, Some(2), Some(4), Some(8)][self.rng.random_range(0..4)];
        let (mut thresholds, mut descends) = (Vec::new(), Vec::new());
        for _ in 0..channels {
            let falls = self.rng.random();
            let (slope, middle) = (self.rng.random_range(0.01..4.0), self.rng.random_range(-40.0..40.0));
            let count = (1 << bits.unwrap_or(1)) - 1;
            let even = |i: i32| (f64::from(i - count / 2) / slope + middle) as i32;
            let mut values: Vec<i32> = (0..count)
                .map(|i| match (bits, self.rng.random_range(0..8)) {
                    (Some(8), _) => even(i),
                    (_, 0) => i32::MIN,
                    (_, 1) => i32::MAX,
                    _ => self.rng.random_range(-60..60),
                })
                .collect();
            values.sort_unstable();
            thresholds.append(&mut values);
            descends.push(falls);
        }
        Op::Steps { thresholds, descends, bits }
    }

    fn real_part(&mut self) {
        let channels = self.last().shape.channels as usize;
        if self.rng.random_ratio(1, 5) {
            let op = self.steps(channels);
            return self.push_after(op);
        }
        if self.rng.random_ratio(1, 3) {
            let count = if self.rng.random() { 1 } else { channels };
            let factors = (0..count).map(|_| self.number()).collect();
            self.push_after(Op::Scale { factors });
        }
        if self.rng.random_ratio(4, 5) {
            let op = self.batch_norm(channels);
            self.push_after(op);
        }
        if self.rng.random_ratio(1, 5) {
            let factors = vec![self.number()];
            self.push_after(Op::Scale { factors });
        }
        if self.rng.random() {
            self.push_after(Op::Sign);
        } else {
            let most = if self.rng.random_ratio(1, 3) { 8 } else { 4 };
            let bits = self.rng.random_range(1..=most);
            let step = [0.5, 1.0, 0.3, 2.0][self.rng.random_range(0..4)];
            self.push_after(Op::Quantize { bits, step });
        }
    }

    fn batch_norm(&mut self, channels: usize) -> Op {
        let numbers = |this: &mut Self| (0..channels).map(|_| this.number()).collect::<Vec<f32>>();
        let (gamma, beta, mean) = (numbers(self), numbers(self), numbers(self));
        let variance: Vec<f32> = numbers(self).iter().map(|v| v.abs()).collect();
        let epsilon = if self.rng.random() { 1e-5 } else { f32::MIN_POSITIVE };
        Op::BatchNorm { gamma, beta, mean, variance, epsilon }
    }

    /// Often a small integer (so that ties happen), sometimes zero or extreme.
    fn number(&mut self) -> f32 {
        match self.rng.random_range(0..10) {
            0 => 0.0,
            1 => 1e-40,
            2 => -3e38,
            3..=6 => self.rng.random_range(-6..7) as f32,
            7 => [4.0, 9.0, 0.25, -0.5][self.rng.random_range(0..4)],
            _ => self.rng.random_range(-20.0..20.0),
        }
    }
}
