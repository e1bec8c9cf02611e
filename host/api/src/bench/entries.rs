//! The rows of the table.

use bitfab_train::methods::{ALL, Knobs, Row};
use bitfab_train::{Choice, TrainConfig};

/// One row.
#[derive(Clone, Debug)]
pub struct BenchEntry {
    /// Its name.
    pub name: &'static str,
    /// How it learns; seed, architecture and epochs may be replaced.
    pub config: TrainConfig,
    /// Whether all planes but one are also cut off, as a comparison.
    pub is_truncated: bool,
}

/// A recipe that learns from all training rows for a fixed number of epochs: nothing is chosen, so there is nothing to
/// choose by.
fn entry(choice: Choice, row: &Row) -> BenchEntry {
    let method = choice.with_bits(row.bits).unwrap_or(choice);
    let (epochs, knobs) = (row.epochs, Knobs::default().with(row.settings));
    let config = TrainConfig { method, epochs, knobs, shift: 1, validation: 0.0, ..TrainConfig::default() };
    BenchEntry { name: row.name, config, is_truncated: row.is_truncated }
}

/// All rows of all methods, yardsticks first.
pub fn bench_entries() -> Vec<BenchEntry> {
    let (real, others): (Vec<_>, Vec<_>) = ALL.iter().copied().partition(|method| method.about().is_real);
    let rows = real.into_iter().chain(others);
    rows.flat_map(|method| method.about().bench.iter().map(|row| entry(Choice::of(method), row))).collect()
}
