//! Digests of small trainings of every method: what a change of the trainer that must change nothing leaves alone.
//!
//! `cargo run --release -p bitfab-tests --example digests > before`, change, again `> after`, `diff before after`.
//! Both on one machine: the matrix kernel is chosen by the processor's features, so digests differ between machines and
//! no file of them is kept.

use anyhow::{Context, Result, ensure};
use bitfab_graph::Shape;
use bitfab_train::methods::ALL;
use bitfab_train::{Dataset, Silent, Split, TrainConfig, Trainer, digits};

/// A method and settings of its own.
const METHODS: &[(&str, &str)] = &[
    ("bnn", ""),
    ("xnor", ""),
    ("bwn", ""),
    ("qnn:1", ""),
    ("qnn:2", ""),
    ("qnn:4", ""),
    ("qnn-log", ""),
    ("sbnn", "ones = 0.05"),
    ("sbnn", "ones = 0.3\npenalty = 0.5"),
    ("hq", "zeros = 0.7"),
    ("pruned-ternary", "decay = 0.02"),
    ("smart-deal", "coefficients = 0.4"),
    ("smart-deal-switch", ""),
    ("smart-deal-project", ""),
    ("planes:1", ""),
    ("planes:4", "bits = 8"),
    ("once-qat", ""),
    ("int:2", "bits = 1"),
    ("int:8", ""),
    ("float", ""),
];

/// A shape of network with whatever else a run may ask for, and whether it reads rows of sensors.
const NETWORKS: [(&str, bool); 5] = [
    ("arch = 'mlp:24,16'\nshift = 1\nsmoothing = 0.1", false),
    ("arch = 'cnn:8,p2,12g2k5s2,dw,16k1,sum'\ngradient_bits = 6\nclass_weights = 'balanced'", false),
    ("arch = 'cnn:8,8k3x1s2x1,p1x2,d20'\nshift_norm = true\ninput = 'thermometer:3'\npatience = 2", false),
    ("arch = 'cnn:9k5x1,p2x1,dwk3x1,12k1'\ntilt = 12.0\ngradient_bits = 4\nshift_norm = true", true),
    ("arch = 'mlp:20,20'\noptimizer = 'sgd'\nrate = 0.05\nvalidation = 0.0\ndecay = 0.001", false),
];

/// Runs of a form of their own: residuals, and methods layer by layer.
const MORE: [&str; 6] = [
    "arch = 'mlp:24,24,24'\nresidual = true",
    "arch = 'cnn:8,8,p2,8,dw'\nresidual = true\nbits = 2\nshift = 1",
    "arch = 'mlp:32,24,24'\nmethod = 'planes:4'\nmethods = ['dense1=sbnn', 'dense2=hq', 'dense3=smart-deal']",
    "arch = 'cnn:8k5x3,dwk3x1s2x1,p1x2,16k1'\nmethod = 'sbnn'\nmethods = ['conv1=int:8', 'conv2=xnor', 'conv3=hq']",
    "arch = 'cnn:8,p2,d16'\nmethod = 'once-qat'\nmethods = ['conv1=smart-deal-switch', 'scores=int:6']\nkeep = 'last'",
    "arch = 'mlp:24,16'\nmethod = 'bwn'\nmethods = ['dense1=sbnn', 'dense2=qnn-log']\nzeros = 0.5\nones = 0.2",
];

/// FNV-1a of 64 bits.
fn digest(bytes: impl IntoIterator<Item = u8>) -> String {
    let mixed =
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, b| (sum ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{mixed:016x}")
}

/// The digits as rows of 21 steps of one sensor of three axes.
fn sensors(data: &Dataset) -> Dataset {
    let cut = |split: &Split| Split {
        inputs: split.inputs.chunks_exact(64).flat_map(|row| &row[..63]).copied().collect(),
        labels: split.labels.clone(),
    };
    let (train, validation, test) = (cut(&data.train), cut(&data.validation), cut(&data.test));
    Dataset { shape: Shape::new(21, 1, 3), train, validation, test, ..data.clone() }
}

/// Learns and says what came out, in a line.
fn line(settings: &str, data: &Dataset) -> Result<String> {
    let config: TrainConfig = toml::from_str(&format!("epochs = 6\nbatch = 32\n{settings}"))?;
    let mut trainer = Trainer::new(&config, data)?;
    while !trainer.is_done() {
        trainer.run_epoch(&mut Silent)?;
    }
    let steps = trainer.reports().len() as u32 * trainer.batches();
    let numbers = trainer.net().parameters.iter().flat_map(|one| &one.values).flat_map(|value| value.to_le_bytes());
    let losses = trainer.reports().iter().flat_map(|one| {
        let all = [one.train_loss, one.train_accuracy, one.validation_loss.unwrap_or(0.0), one.saved_bytes as f64];
        all.into_iter().flat_map(f64::to_le_bytes)
    });
    let mut answers = trainer.evaluate(&data.test).predictions;
    answers.extend(
        trainer
            .precisions()
            .iter()
            .flat_map(|&planes| trainer.evaluate_at(planes, &data.test))
            .flat_map(|one| one.predictions),
    );
    let mut parts = vec![digest(numbers), digest(losses), digest(answers)];
    if let Ok(graph) = trainer.graph() {
        let words = bitfab_compile::compile_with(&graph, &bitfab_compile::CompileOptions::default())?.words;
        parts.extend([digest(graph.to_bytes()?), digest(bitfab_compile::bytes(&words))]);
    }
    Ok(format!("{}: {steps} steps, {}", settings.replace('\n', ", "), parts.join(" ")))
}

fn main() -> Result<()> {
    for method in ALL.iter().map(|method| method.about().name) {
        let is_run = METHODS.iter().any(|(run, _)| run.split(':').next() == Some(method));
        ensure!(is_run, "`{method}` is in no run: add it to METHODS");
    }
    let plain = digits(1)?;
    let sensors = sensors(&plain);
    for (network, is_of_sensors) in NETWORKS {
        for (method, own) in METHODS {
            // A setting that both state is the method's.
            let names: Vec<&str> = own.lines().filter_map(|line| line.split(' ').next()).collect();
            let rest = network.lines().filter(|line| !names.iter().any(|name| line.split(' ').next() == Some(name)));
            let first = format!("method = '{method}'");
            let lines: Vec<&str> = [&first[..]].into_iter().chain(own.lines()).chain(rest).collect();
            let settings = lines.join("\n");
            let data = if is_of_sensors { &sensors } else { &plain };
            println!("{}", line(&settings, data).with_context(|| settings.clone())?);
        }
    }
    for settings in MORE {
        println!("{}", line(settings, &plain).with_context(|| settings)?);
    }
    Ok(())
}
