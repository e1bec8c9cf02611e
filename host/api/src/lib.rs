#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[macro_use]
mod error;

mod bench;
mod bitstream;
mod cosim;
mod engines;
mod imported;
mod inputs;
mod inspect;
mod judge;
mod model;
mod nearest;
mod origin;
mod parallel;
mod parts;
mod progress;
mod project;
mod rows;
#[cfg(test)]
mod samples;
mod synth;
mod training;
mod uf2;
mod verify;
mod verilog;

pub use bench::{BenchEntry, BenchOutcome, BenchPrecision, BenchRow, Benched, bench, bench_entries, bench_rows};
pub use bitstream::{Bitstream, BitstreamOptions, bitstream, flash_commands, size_on_board};
pub use cosim::{BoardBits, BoardCircuit, Cosimulated, cosim};
pub use engines::{Accelerator, EngineName};
pub use error::{Context, Error, Result};
pub use imported::{Import, Names, OutputMeaning, import, import_nearest, import_picture, prepare};
pub use inputs::{Clamped, Inputs, first_rows, takes};
pub use inspect::{Compared, Inspection, Memories, Memory, inspect};
pub use judge::{Evaluation, Timed, eval, judge, reference, run};
pub use model::{ModelFile, classes, compile, confusion_of_test, judge_test, scores, test_rows};
pub use nearest::{CALIBRATION, Effect, calibration_rows, calibration_takes, effect, nearest, real_rows};
pub use origin::Origin;
pub use parts::{compile, data, format, graph, hdl, import, report, sim, train};
pub use progress::{Progress, Watch, quiet};
pub use project::{Crates, ProjectFile, ProjectOptions, SensorOptions, project, project_boards};
pub use rows::{Carrier, Facts, Known, Learning, Loaded, Package, Part, Pinned, Splitting, TestGroups, Windowing};
pub use synth::{Synthesised, synth};
pub use training::{Keep, imbalance, learn, spread, train, train_exact, weight_count};
pub use uf2::uf2;
pub use verify::{Failure, Share, Verified, verify};
pub use verilog::{Design, DesignFile, DesignKind, GENERATED, noise, verilog, verilog_sources};
