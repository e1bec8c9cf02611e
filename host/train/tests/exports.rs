//! The exported graph, evaluated node by node by loops that share nothing with the tape, gives the tape's scores.

mod common;

use bitfab_graph::{Graph, Op, PadValue, Shape, Weights, Window};
use bitfab_train::layers::{Batch, Form};
use bitfab_train::methods::Knobs;
use bitfab_train::{Dataset, Silent, TrainConfig, Trainer, digits};

/// All tensors of the graph for one input, in `f64`.
fn evaluate(graph: &Graph, input: &[u8]) -> Vec<f64> {
    let shapes = graph.check().unwrap();
    let mut tensors = vec![input.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>()];
    for node in &graph.nodes {
        let x = &tensors[node.inputs[0]];
        let shape = shapes[node.inputs[0]].shape;
        let channel = |at: usize| at % shape.channels as usize;
        let each = |f: &dyn Fn(usize, f64) -> f64| x.iter().enumerate().map(|(at, &v)| f(at, v)).collect();
        let y = match &node.op {
            Op::Encode { thresholds, per_channel } => {
                let per = *per_channel as usize;
                let code = |at: usize| {
                    let threshold = thresholds[channel(at / per) * per + at % per];
                    if x[at / per] >= f64::from(threshold) { 1.0 } else { -1.0 }
                };
                (0..x.len() * per).map(code).collect()
            }
            Op::Dense { weights } => conv(x, Shape::flat(x.len() as u32), weights, &Window::valid(1, 1), 1),
            Op::Conv2d { weights, window, groups } => conv(x, shape, weights, window, *groups),
            Op::MaxPool { window } => pool(x, shape, window, f64::NEG_INFINITY, f64::max),
            Op::SumPool { window } => pool(x, shape, window, 0.0, |a, b| a + b),
            Op::Add { shift } => {
                let other = &tensors[node.inputs[1]];
                each(&|at, v| v + other[at] * f64::from(1u32 << shift))
            }
            Op::Scale { factors } => each(&|at, v| v * f64::from(factors[at % factors.len()])),
            Op::BatchNorm { gamma, beta, mean, variance, epsilon } => each(&|at, v| {
                let [gamma, beta, mean, variance] = [gamma, beta, mean, variance].map(|c| f64::from(c[channel(at)]));
                (v - mean) * (gamma / (variance + f64::from(*epsilon)).sqrt()) + beta
            }),
            Op::Sign => each(&|_, v| if v >= 0.0 { 1.0 } else { -1.0 }),
            Op::Quantize { bits, step } => {
                let top = f64::from((1u32 << bits) - 1);
                each(&|_, v| (v / f64::from(*step) + 0.5).floor().clamp(0.0, top))
            }
            Op::Steps { .. } | Op::Affine { .. } => panic!("training does not make it"),
        };
        tensors.push(y);
    }
    tensors.pop().unwrap()
}

/// Output positions and, for each window place, the input pixel if it is inside.
fn places(shape: Shape, window: &Window) -> Vec<Vec<Option<usize>>> {
    let [height, width] = window.output(shape).unwrap();
    let mut all = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let mut one = Vec::new();
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    let row = i64::from(y * window.stride[0] + ky) - i64::from(window.padding[0]);
                    let column = i64::from(x * window.stride[1] + kx) - i64::from(window.padding[1]);
                    let inside =
                        (0..i64::from(shape.height)).contains(&row) && (0..i64::from(shape.width)).contains(&column);
                    one.push(inside.then(|| (row * i64::from(shape.width) + column) as usize));
                }
            }
            all.push(one);
        }
    }
    all
}

fn conv(x: &[f64], shape: Shape, weights: &Weights, window: &Window, groups: u32) -> Vec<f64> {
    let [outputs, _, _, depth] = weights.shape.map(|size| size as usize);
    let quantized: Vec<f64> = weights.quantized().into_iter().map(f64::from).collect();
    let border = match window.pad_value {
        PadValue::Zero => 0.0,
        PadValue::MinusOne => -1.0,
        PadValue::PlusOne => 1.0,
        PadValue::Level(level) => f64::from(level),
    };
    let mut y = Vec::new();
    for window in places(shape, window) {
        for output in 0..outputs {
            let first = output / (outputs / groups as usize) * depth;
            let mut sum = 0.0;
            for (place, pixel) in window.iter().enumerate() {
                for channel in 0..depth {
                    let value = pixel.map_or(border, |p| x[p * shape.channels as usize + first + channel]);
                    sum += value * quantized[(output * window.len() + place) * depth + channel];
                }
            }
            y.push(sum);
        }
    }
    y
}

fn pool(x: &[f64], shape: Shape, window: &Window, start: f64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let channels = shape.channels as usize;
    let cell = |window: &Vec<Option<usize>>, channel: usize| {
        window.iter().flatten().map(|p| x[p * channels + channel]).fold(start, &f)
    };
    let cells = places(shape, window);
    cells.iter().flat_map(|window| (0..channels).map(move |channel| cell(window, channel))).collect()
}

#[test]
fn graphs_give_the_scores_of_the_tape() {
    let data = digits(0).unwrap();
    for (arch, bits, input, residual) in [
        ("mlp:", 1, "planes", false),
        ("mlp:64,64,64", 1, "planes", true),
        ("mlp:48", 4, "thermometer:3", false),
        ("cnn:16,p2,32g2,16k2s2,d32", 1, "planes", false),
        ("cnn:16,16,p2,16,sum", 2, "planes", true),
        ("cnn:8,8k5,p3", 3, "thermometer:8", true),
        ("cnn:8,8,sum,d16", 1, "thermometer:2", true),
        ("cnn:16k3x5,dwk1x3s2x1,p2x1,16k1", 1, "planes", false),
    ] {
        assert_same_scores(&data, arch, bits, input, residual);
    }
}

/// The digits read as series of 16 steps of 4 sensors, and of 8 steps in the other direction.
#[test]
fn graphs_over_series_give_the_scores_of_the_tape() {
    let data = digits(0).unwrap();
    let series = Dataset { shape: Shape::new(16, 1, 4), ..data.clone() };
    let lying = Dataset { shape: Shape::new(1, 8, 8), ..data };
    for (data, arch, bits, input, residual) in [
        (&series, "cnn:16k5x1,p2x1,16k3x1g2,sum", 1, "planes", false),
        (&series, "cnn:16k5x1s2x1,dwk3x1,16k1,d32", 1, "planes", true),
        (&series, "cnn:dwk3x1,24k4x1s3x1,dwk3x1s2x1,16k1", 2, "planes", false),
        (&series, "cnn:24k3x1,dwk5x1,24k1,p4x1", 3, "thermometer:4", true),
        (&lying, "cnn:16k1x5,p1x2,dwk1x3,16k1,sum", 1, "planes", false),
    ] {
        assert_same_scores(data, arch, bits, input, residual);
    }
}

/// Learns two epochs; the graph's classes are the tape's, and on bytes all its scores.
fn assert_same_scores(data: &Dataset, arch: &str, bits: u32, input: &str, residual: bool) {
    let what = format!("{arch} {bits} {input}");
    let config = TrainConfig {
        arch: arch.parse().unwrap(),
        input: input.parse().unwrap(),
        bits,
        residual,
        epochs: 2,
        ..TrainConfig::default()
    };
    let mut trainer = Trainer::new(&config, data).unwrap();
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent).unwrap();
    }
    let graph = Graph::from_bytes(&trainer.graph().unwrap().to_bytes().unwrap()).unwrap();
    let has_add = graph.nodes.iter().any(|node| matches!(node.op, Op::Add { .. }));
    assert_eq!(has_add, residual, "{what}");
    let predictions = trainer.evaluate(&data.test).predictions;
    for (row, input) in data.test.inputs.chunks(64).enumerate().take(120) {
        let scores = evaluate(&graph, input);
        let best = scores.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert_eq!(best, usize::from(predictions[row]), "{what}, row {row}");
        if config.input == "planes".parse().unwrap() {
            let values = input.iter().map(|&byte| f32::from(byte) / 256.0).collect();
            let batch = Batch { values, count: 1, shape: data.shape, form: Form::Bytes };
            let factor = if graph.nodes.len() == 1 { 256.0 } else { 1.0 };
            let tape: Vec<f64> = trainer.net().infer(batch).values.iter().map(|&v| f64::from(v * factor)).collect();
            assert_eq!(scores, tape, "{what}, row {row}");
        }
    }
}

/// Methods layer by layer.
const MIXED: &str = "dense1=sbnn dense2=hq dense3=smart-deal scores=planes:4";
/// Methods, architectures, and what layers do instead.
const NETWORKS: &[(&str, &str, &str)] = &[
    ("bnn", "mlp:48", ""),
    ("xnor", "mlp:48,32", ""),
    ("bwn", "cnn:8,p2,d16", ""),
    ("qnn:3", "mlp:48", ""),
    ("qnn-log", "cnn:8,p2,d16", ""),
    ("sbnn", "cnn:8,p2,16g2,d32", ""),
    ("hq", "cnn:8,p2,16,d32", ""),
    ("pruned-ternary", "mlp:48,32", ""),
    ("smart-deal", "cnn:8,p2,16,d32", ""),
    ("smart-deal-switch", "mlp:48", ""),
    ("smart-deal-project", "mlp:48", ""),
    ("planes:2", "mlp:48", ""),
    ("once-qat", "cnn:8,p2,d32", ""),
    ("int:5", "mlp:48", ""),
    ("bwn", "mlp:48,32,32", MIXED),
    ("sbnn", "mlp:48,32,32", MIXED),
    ("planes:2", "cnn:16k5x3,dwk3x1s2x1,p1x2,16k1", "conv1=int:8 conv2=int:4 conv3=hq"),
    ("hq", "cnn:16k3x1,dw,24k1", "conv2=xnor"),
];

/// Every method, and several in one network: the integers of the graph are what learning computed with.
#[test]
fn graphs_of_every_method_answer_as_learning_did() {
    let data = digits(0).unwrap();
    common::assert_every_method(NETWORKS.iter().map(|(method, ..)| *method));
    for &(method, arch, layers) in NETWORKS {
        let config = TrainConfig {
            arch: arch.parse().unwrap(),
            method: method.parse().unwrap(),
            methods: layers.split_whitespace().map(|one| one.parse().unwrap()).collect(),
            epochs: 4,
            batch: 64,
            knobs: Knobs::default().with(&[("coefficients", 0.4)]),
            validation: 0.0,
            ..TrainConfig::default()
        };
        let mut trainer = Trainer::new(&config, &data).unwrap();
        while !trainer.is_done() {
            trainer.run_epoch(&mut Silent).unwrap();
        }
        let graph = Graph::from_bytes(&trainer.graph().unwrap().to_bytes().unwrap()).unwrap();
        let expected: &[u32] = if method == "once-qat" { &[1, 2, 4, 8] } else { &[] };
        assert_eq!(trainer.precisions(), expected);
        assert_same_answers(method, &graph, &trainer.evaluate(&data.test).predictions, &data.test.inputs);
        for &planes in expected {
            let predictions = trainer.evaluate_at(planes, &data.test).unwrap().predictions;
            assert_same_answers(method, &graph.at(planes).unwrap(), &predictions, &data.test.inputs);
        }
    }
}

/// Real scales are rounded differently here and in learning, so a score may tie or an activation flip now and then.
fn assert_same_answers(what: &str, graph: &Graph, predictions: &[u8], inputs: &[u8]) {
    let rows = inputs.chunks(64).take(200);
    let is_same = |(row, input): (usize, &[u8])| {
        let scores = evaluate(graph, input);
        let best = scores.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        best == usize::from(predictions[row])
    };
    let same = rows.enumerate().filter(|one| is_same(*one)).count();
    assert!(same >= 199, "{what}: {same} of 200");
}

#[test]
fn real_networks_learn_but_have_no_graph() {
    let data = digits(0).unwrap();
    let config = TrainConfig { method: "float".parse().unwrap(), epochs: 6, batch: 64, ..TrainConfig::default() };
    let mut trainer = Trainer::new(&config, &data).unwrap();
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent).unwrap();
    }
    let accuracy = trainer.reports()[5].validation_accuracy.unwrap();
    assert!(accuracy > 0.93, "{:?}", trainer.reports()[5]);
    assert!(trainer.graph().unwrap_err().to_string().contains("yardstick"));
}
