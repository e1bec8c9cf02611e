//! What every method of learning brings, on the same data and the same shape.

mod entries;
mod outcome;
mod table;

pub use entries::{BenchEntry, bench_entries};
pub use outcome::{BenchOutcome, BenchPrecision, Benched, bench};
pub use table::{BenchRow, bench_rows};
