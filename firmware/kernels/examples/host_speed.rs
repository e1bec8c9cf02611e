//! How fast this laptop computes: binary multiply-accumulates a second of whole layers, on one core.
//!
//! `cargo run --release -p bitfab-kernels --example host_speed`
//!
//! The best of many runs counts, so that other programs disturb little.
//! Each plane of the input counts: a byte times a sign is 8 binary MACs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bitfab_format::arbitrary::{Plan, Random, build};
use bitfab_format::{Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_kernels::{Views, run};

/// How long each model is run.
const LONG_ENOUGH: Duration = Duration::from_millis(500);

/// Runs all layers of a model once, tensor by tensor.
fn infer(model: &Model<'_>, bytes: &[u8], tensors: &mut [Vec<u32>], scratch: &mut [u32]) {
    for (index, layer) in model.layers().enumerate() {
        let (before, after) = tensors.split_at_mut(index + 1);
        let scratch = &mut scratch[..layer.scratch.words as usize];
        run(&layer, Views { bytes, input: &before[index], residual: &[], output: &mut after[0], scratch });
    }
}

fn measure(name: &str, shape: Shape, kind: Kind, plans: &[Plan]) {
    let random = &mut Random::new(1);
    let words = build(shape, kind, plans, random).emit();
    let model = Model::new(bytemuck::cast_slice(&words)).expect("plans that fit the format");
    let bytes: Vec<u8> = (0..model.input_bytes()).map(|_| random.word() as u8).collect();
    let mut tensors = vec![Vec::new()];
    tensors.extend(model.layers().map(|layer| vec![0; layer.output.region.words as usize]));
    let scratch_words = model.layers().map(|layer| layer.scratch.words).max().unwrap_or(0);
    let mut scratch = vec![0; scratch_words as usize];
    let macs: u64 = model.layers().map(|layer| layer.plane_macs()).sum();

    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < LONG_ENOUGH {
        let begin = Instant::now();
        infer(&model, black_box(&bytes), &mut tensors, &mut scratch);
        black_box(&tensors);
        best = best.min(begin.elapsed().as_secs_f64());
    }
    println!("| {name} | {macs} | {:.1} | {:.1} |", best * 1e6, macs as f64 / best / 1e9);
}

fn main() {
    let sign = Kind::Sign;
    println!("| model | binary MACs | us | G MAC/s |\n| --- | ---: | ---: | ---: |");
    let dense = |n| [Plan::dense(n, sign), Plan::dense(n, sign)];
    measure("8 inputs, dense 1024 twice", Shape::vector(8), Kind::U8, &dense(1024));
    measure("8 inputs, dense 4096 twice", Shape::vector(8), Kind::U8, &dense(4096));
    let mlp = |n| [Plan::dense(n, sign), Plan::dense(n, sign), Plan::dense(n, sign), Plan::dense(10, Kind::I32)];
    measure("784 bytes, dense 256 x 3, 10", Shape::new(28, 28, 1), Kind::U8, &mlp(256));
    measure("784 bytes, dense 1024 x 3, 10", Shape::new(28, 28, 1), Kind::U8, &mlp(1024));
    for kind in WeightKind::WEIGHTED {
        let plans = [Plan::dense(256, sign), Plan::dense(256, sign), Plan::dense(10, Kind::I32)];
        let plans = plans.map(|plan| plan.with_weights(kind));
        measure(&format!("784 bytes, dense 256 x 2, 10, {}", kind.name()), Shape::new(28, 28, 1), Kind::U8, &plans);
    }
    let image = Shape::new(28, 28, 1);
    let cnn = |pad_value| {
        let (pool, sum) = (Plan::pool(Op::MaxPool, 2, sign), Plan::pool(Op::SumPool, 7, Kind::Unsigned { bits: 4 }));
        let conv = |outputs| Plan::same(3, pad_value, outputs, sign);
        [Plan::same(3, PadValue::Zero, 32, sign), pool, conv(64), pool, conv(128), sum, Plan::dense(10, Kind::I32)]
    };
    measure("CNN 3x3 32-64-128, pads -1", image, Kind::U8, &cnn(PadValue::MinusOne));
    measure("CNN 3x3 32-64-128, pads 0", image, Kind::U8, &cnn(PadValue::Zero));
}
