//! One run: learned, compiled, and judged as integers in the runtime.

use std::time::Instant;

use bitfab_compile::{CompileOptions, Rounded};
use bitfab_format::Model;
use bitfab_graph::Graph;
use bitfab_report::ModelSummary;
use bitfab_sim::qemu::Qemu;
use bitfab_train::{Dataset, TrainConfig, Trainer, Watch};
use serde::{Deserialize, Serialize};

use super::entries::BenchEntry;
use crate::model::{judge_test, test_rows};
use crate::{Context, Error, ModelFile, Result, quiet};

/// Training batches from which a truncated network takes its batch norms anew.
const REESTIMATED: u32 = 100;

/// One precision of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BenchPrecision {
    /// Planes; 0 for networks without.
    pub planes: u32,
    /// Accuracy of the network while it learned, by real arithmetic.
    pub trained: f64,
    /// Accuracy of the integer model in the runtime; that of learning for real networks.
    pub accuracy: f64,
    /// Bits a weight as shipped, weights alone.
    pub bits: f64,
    /// Number of weights.
    pub weights: u64,
    /// Bytes of the file at this precision, thresholds and all; of real networks those of the weights.
    pub bytes: u64,
    /// Bytes of the arena, besides the input; none for real networks, which nothing small runs.
    pub arena: Option<u64>,
    /// Instructions of one inference on a Cortex-M4 in QEMU, if they were counted.
    pub instructions: Option<u64>,
    /// Share of weights that are not zero (sparse-binary: that are ones).
    pub density: f64,
}

/// What one run brought.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BenchOutcome {
    /// Its row.
    pub name: String,
    /// The data set.
    pub data: String,
    /// Its configuration.
    pub config: TrainConfig,
    /// Every precision, the lowest first.
    pub precisions: Vec<BenchPrecision>,
    /// Accuracy of an eight-plane network with all but one plane cut off, batch norms taken anew.
    pub truncated: Option<f64>,
    /// Least layer's mean cosine between ternary filters and their ternary points.
    pub cosine: Option<f64>,
    /// Seconds of learning.
    pub seconds: f64,
}

impl BenchOutcome {
    /// Whether instructions were counted wherever there are any.
    pub fn is_counted(&self) -> bool {
        self.precisions.iter().all(|one| one.arena.is_none() || one.instructions.is_some())
    }
}

/// The outcome and what it was measured on.
#[derive(Clone, Debug)]
pub struct Benched {
    /// What it brought.
    pub outcome: BenchOutcome,
    /// The network and its model; none for real networks.
    pub made: Option<(Graph, ModelFile)>,
    /// What compilation rounded.
    pub rounded: Vec<Rounded>,
}

/// Learns, compiles and judges; counts instructions on `board` if there is one.
pub fn bench(
    entry: &BenchEntry,
    config: &TrainConfig,
    data: &Dataset,
    board: Option<&Qemu>,
    watch: &mut dyn Watch,
) -> Result<Benched> {
    let start = Instant::now();
    let mut trainer = Trainer::new(config, data)?;
    while !trainer.is_done() {
        trainer.run_epoch(watch)?.ok_or(Error::Stopped)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let truncated = entry.is_truncated.then(|| trainer.truncated(1, REESTIMATED).evaluate(&data.test).accuracy());
    let cosine = trainer.net().cosine();
    let outcome = |precisions| BenchOutcome {
        name: entry.name.into(),
        data: data.name.clone(),
        config: config.clone(),
        precisions,
        truncated,
        cosine,
        seconds,
    };
    if config.method.method().about().is_real {
        let accuracy = trainer.evaluate(&data.test).accuracy();
        let weights = trainer.net().weight_count();
        let (bytes, arena, instructions) = (weights * 4, None, None);
        let (planes, bits, density) = (0, 32.0, 1.0);
        let trained = accuracy;
        let real = BenchPrecision { planes, trained, accuracy, bits, weights, bytes, arena, instructions, density };
        return Ok(Benched { outcome: outcome(vec![real]), made: None, rounded: Vec::new() });
    }
    let graph = trainer.graph()?;
    let compiled = crate::compile(&graph, &CompileOptions::default());
    let (file, rounded) = compiled.context("the network that was learned cannot be compiled")?;
    let model = file.model()?;
    let mut precisions = Vec::new();
    for planes in judged(&trainer) {
        precisions.push(judge(&trainer, planes, &model, data, board)?);
    }
    Ok(Benched { outcome: outcome(precisions), made: Some((graph, file)), rounded })
}

/// The precisions of a network, or 0 for its only one.
fn judged(trainer: &Trainer<'_>) -> Vec<u32> {
    let mut planes = trainer.precisions();
    planes.sort_unstable();
    if planes.is_empty() { vec![0] } else { planes }
}

fn judge(
    trainer: &Trainer<'_>,
    planes: u32,
    model: &Model<'_>,
    data: &Dataset,
    board: Option<&Qemu>,
) -> Result<BenchPrecision> {
    let model = if planes == 0 { *model } else { model.with_planes(planes) };
    let trained = trainer.evaluate_at(planes, &data.test).unwrap_or_else(|| trainer.evaluate(&data.test));
    let first = test_rows(&model, data, Some(1))?;
    let summary = ModelSummary::new(&model);
    let rare: f64 = summary.layers.iter().map(|layer| layer.density * layer.weight_count as f64).sum();
    Ok(BenchPrecision {
        planes,
        trained: trained.accuracy(),
        accuracy: judge_test(&model, data, &quiet)?.accuracy(),
        bits: summary.bits_per_weight(),
        weights: summary.weight_count,
        bytes: summary.file_bytes,
        arena: Some(summary.arena_bytes),
        instructions: board.map(|board| instructions(board, &model, first[0])).transpose()?,
        density: rare / summary.weight_count.max(1) as f64,
    })
}

/// What one inference executes on an emulated board; other inputs differ by a few instructions in a thousand.
fn instructions(board: &Qemu, model: &Model<'_>, row: &[u8]) -> Result<u64> {
    let once = bitfab_sim::qemu::RunOptions { digests: false, ..Default::default() };
    let inferences =
        board.run(&bitfab_compile::bytes(model.words()), &[row], &once).context("the emulated board stopped")?;
    match inferences.first().and_then(|inference| inference.counts.as_ref()) {
        Some(counts) => Ok(counts.total.instructions),
        None => bail!(Choice, "the emulator counted nothing"),
    }
}
