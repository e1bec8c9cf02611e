//! Trains one network by one method and says what it reaches: `methods DATA METHOD [KEY=VALUE]...`.
//!
//! `DATA` is `digits` or a folder of IDX files; keys are `arch`, `epochs`, `batch`, `rate`, `seed`, `shift`, `bits`,
//! `ones`, `penalty`, `zeros`, `coefficients`, `decay`, `warmup`, `gradient_bits`, `shift_norm`, `smoothing`, and
//! `LAYER=METHOD` for a layer of its own.

use bitfab_graph::{Graph, WeightQuantizer, Weights};
use bitfab_train::rules::Rule;
use bitfab_train::{
    Dataset, EpochReport, IdxFiles, Method, Quantizer, Step, TrainConfig, Trainer, Watch, digits, from_idx,
};

struct Lines;

impl Watch for Lines {
    fn epoch(&mut self, report: &EpochReport) {
        let EpochReport { epoch, train_loss, train_accuracy, test_accuracy, .. } = report;
        eprintln!("{epoch:3}  {train_loss:.4}  {:.2} %  {:.2} %", 100.0 * train_accuracy, 100.0 * test_accuracy);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, method, rest @ ..] = &arguments[..] else {
        return Err("use: methods DATA METHOD [KEY=VALUE]...".into());
    };
    let mut config = TrainConfig { method: method.parse()?, arch: "mlp:256,256".parse()?, ..TrainConfig::default() };
    for setting in rest {
        set(&mut config, setting)?;
    }
    let data = if data == "digits" { digits(0)? } else { read(data)? };
    let start = std::time::Instant::now();
    let mut trainer = Trainer::new(&config, &data)?;
    while !trainer.is_done() {
        trainer.run_epoch(&mut Lines)?;
    }
    let seconds = start.elapsed().as_secs_f32();
    println!("{method} {}: {:.2} % in {seconds:.0} s", rest.join(" "), 100.0 * trainer.evaluate(&data.test).accuracy());
    for planes in trainer.precisions() {
        let accuracy = trainer.evaluate_at(planes, &data.test).map_or(0.0, |found| found.accuracy());
        println!("  {planes} planes: {:.2} %", 100.0 * accuracy);
    }
    if matches!(config.method, Method::Planes(_)) {
        for planes in [8, 4, 2, 1] {
            let [plain, again] =
                [0, 100].map(|batches| trainer.truncated(planes, batches).evaluate(&data.test).accuracy());
            println!("  cut to {planes}: {:.2} %, norms anew {:.2} %", 100.0 * plain, 100.0 * again);
        }
    }
    for stage in &trainer.net().stages {
        if let Step::Weighted { quantizer: Quantizer { rule: Rule::Ternary(ternary), fan_in, .. }, weights, .. } =
            &stage.step
        {
            let cosine = ternary.cosine(&trainer.net().parameters[*weights].values, *fan_in);
            println!("  {} cosine {cosine:.3}", stage.name);
        }
    }
    if config.method != Method::Float {
        sizes(&trainer.graph()?);
    }
    Ok(())
}

/// One setting.
fn set(config: &mut TrainConfig, setting: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (key, value) = setting.split_once('=').ok_or("KEY=VALUE")?;
    match key {
        "arch" => config.arch = value.parse()?,
        "epochs" => config.epochs = value.parse()?,
        "batch" => config.batch = value.parse()?,
        "rate" => config.rate = value.parse()?,
        "seed" => config.seed = value.parse()?,
        "shift" => config.shift = value.parse()?,
        "bits" => config.bits = value.parse()?,
        "ones" => config.ones = value.parse()?,
        "penalty" => config.penalty = value.parse()?,
        "zeros" => config.zeros = value.parse()?,
        "coefficients" => config.coefficients = value.parse()?,
        "decay" => config.decay = value.parse()?,
        "warmup" => config.warmup = value.parse()?,
        "smoothing" => config.smoothing = value.parse()?,
        "gradient_bits" => config.gradient_bits = value.parse()?,
        "shift_norm" => config.shift_norm = value.parse()?,
        _ => config.methods.push(setting.parse()?),
    }
    Ok(())
}

/// The four IDX files of a folder.
fn read(folder: &str) -> Result<Dataset, Box<dyn std::error::Error>> {
    let file = |name: &str| {
        let path = format!("{folder}/{name}-ubyte");
        std::fs::read(&path)
            .or_else(|_| std::fs::read(format!("{path}.gz")))
            .map_err(|error| format!("{path}: {error}"))
    };
    let images = [file("train-images-idx3")?, file("t10k-images-idx3")?];
    let labels = [file("train-labels-idx1")?, file("t10k-labels-idx1")?];
    let files = IdxFiles {
        train_images: &images[0],
        train_labels: &labels[0],
        test_images: &images[1],
        test_labels: &labels[1],
    };
    Ok(from_idx(folder, files)?)
}

/// Bits of every layer by the best of a few simple coders.
fn sizes(graph: &Graph) {
    let (mut bits, mut count) = (0.0, 0.0);
    for node in &graph.nodes {
        if let Some(weights) = node.op.weights() {
            let own = weight_bits(weights);
            let integers = weights.quantized();
            let number = integers.len() as f64;
            let zeros = integers.iter().filter(|w| **w == 0).count() as f64 / number;
            println!(
                "  {:8} {:?} {:.3} bits/weight, {:.1} % zeros",
                node.name,
                weights.quantizer,
                own / number,
                100.0 * zeros
            );
            bits += own;
            count += number;
        }
    }
    println!("  all: {:.3} bits/weight, {:.1}x", bits / count, 32.0 * count / bits);
}

fn entropy(share: f64) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    part(share) + part(1.0 - share)
}

/// Rice-coded gaps by their best parameter.
fn rice(marks: impl Iterator<Item = bool>) -> f64 {
    let mut gaps = Vec::new();
    let mut gap = 0u64;
    for is_set in marks {
        if is_set {
            gaps.push(gap);
        }
        gap = if is_set { 0 } else { gap + 1 };
    }
    let cost = |k: u32| gaps.iter().map(|gap| (gap >> k) + 1 + u64::from(k)).sum::<u64>();
    (0..20).map(cost).min().unwrap_or(0) as f64
}

fn weight_bits(weights: &Weights) -> f64 {
    let integers = weights.quantized();
    let count = integers.len() as f64;
    let ones = integers.iter().filter(|w| **w != 0).count() as f64;
    match weights.quantizer {
        WeightQuantizer::AlphaBeta { ratio, .. } => {
            let ones = integers.iter().filter(|w| **w != ratio).count() as f64 / count;
            println!("    ones {:.2} %, entropy {:.3}", 100.0 * ones, entropy(ones));
            rice(integers.iter().map(|w| *w != ratio)).min(count)
        }
        WeightQuantizer::Ternary => rice(integers.iter().map(|w| *w != 0)) + ones,
        WeightQuantizer::PowerOfTwo => 4.0 * count,
        WeightQuantizer::Planes { bits } | WeightQuantizer::Integer { bits } => f64::from(bits) * count,
        WeightQuantizer::SmartDeal { .. } => {
            let rows = weights.values.chunks_exact(3);
            let kept = rows.map(|row| row.iter().filter(|c| **c != 0.0).count());
            let cost = |kept: usize| if kept == 0 { 1.0 } else { 4.0 + 4.0 * kept as f64 };
            kept.map(cost).sum::<f64>() + 8.0 * weights.basis.len() as f64
        }
        _ => count,
    }
}
