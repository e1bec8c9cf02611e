//! Means over seeds.

use serde::Serialize;

use super::entries::BenchEntry;
use super::outcome::BenchOutcome;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct BenchRow {
    /// Method, and planes where there are several precisions.
    pub name: String,
    /// Runs.
    pub seeds: usize,
    /// Mean accuracy of the integer model.
    pub accuracy: f64,
    /// Lowest and highest of the seeds.
    pub range: [f64; 2],
    /// Mean of the integer model's accuracy less that of learning.
    pub integer_minus_trained: f64,
    /// Mean bits a weight as shipped, weights alone.
    pub bits: f64,
    /// Mean bytes of the file for one weight: thresholds, records and all.
    pub bytes_each: f64,
    /// Mean bytes of the file.
    pub bytes: f64,
    /// Bytes of the arena, besides the input; none for real networks.
    pub arena: Option<u64>,
    /// Mean instructions of one inference on a Cortex-M4 in QEMU, if all runs counted them.
    pub instructions: Option<f64>,
    /// How much smaller the whole file is than weights of 32 bits.
    pub compression: f64,
    /// Mean share of weights that are not zero (sparse-binary: that are ones).
    pub density: f64,
    /// The lowest cosine of ternary filters; none for other kinds.
    pub cosine: Option<f64>,
    /// Mean seconds of learning.
    pub seconds: f64,
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The lines of all entries that have outcomes.
pub fn bench_rows(entries: &[BenchEntry], outcomes: &[BenchOutcome]) -> Vec<BenchRow> {
    let mut rows: Vec<BenchRow> = Vec::new();
    for entry in entries {
        let own: Vec<&BenchOutcome> = outcomes.iter().filter(|outcome| outcome.name == entry.name).collect();
        let planes: Vec<u32> =
            own.first().map(|one| one.precisions.iter().map(|p| p.planes).collect()).unwrap_or_default();
        for (index, &count) in planes.iter().enumerate() {
            let name = if planes.len() > 1 { format!("{} at {count}", entry.name) } else { entry.name.into() };
            rows.push(row(name, &own, index));
        }
    }
    rows
}

fn row(name: String, own: &[&BenchOutcome], index: usize) -> BenchRow {
    let all = || own.iter().map(|outcome| &outcome.precisions[index]);
    let accuracies = || all().map(|one| one.accuracy);
    let bytes_each = mean(all().map(|one| one.bytes as f64 / one.weights.max(1) as f64));
    let counted: Option<Vec<f64>> = all().map(|one| one.instructions.map(|count| count as f64)).collect();
    BenchRow {
        name,
        seeds: own.len(),
        accuracy: mean(accuracies()),
        range: [accuracies().fold(1.0, f64::min), accuracies().fold(0.0, f64::max)],
        integer_minus_trained: mean(all().map(|one| one.accuracy - one.trained)),
        bits: mean(all().map(|one| one.bits)),
        bytes_each,
        bytes: mean(all().map(|one| one.bytes as f64)),
        arena: all().filter_map(|one| one.arena).max(),
        instructions: counted.map(|counts| mean(counts.into_iter())),
        compression: 4.0 / bytes_each,
        density: mean(all().map(|one| one.density)),
        cosine: own.iter().filter_map(|outcome| outcome.cosine).min_by(f64::total_cmp),
        seconds: mean(own.iter().map(|outcome| outcome.seconds)),
    }
}
