#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[macro_use]
mod error;

mod engines;
mod imported;
mod inputs;
mod judge;
mod model;
mod nearest;
mod origin;
mod parallel;
mod progress;
#[cfg(test)]
mod samples;
mod verify;

pub use engines::{Accelerator, EngineName};
pub use error::{Context, Error, Result};
pub use imported::{Import, Names, OutputMeaning, import, import_nearest, import_picture, prepare};
pub use inputs::{Clamped, Inputs, first, takes};
pub use judge::{Evaluation, Timed, eval, judge, reference, run};
pub use model::{ModelFile, classes, compile, confusion_of_test, judge_test, test_rows};
pub use nearest::{CALIBRATION, Effect, calibration_rows, calibration_takes, effect, nearest, real_rows};
pub use origin::Origin;
pub use progress::{Progress, Watch, quiet};
pub use verify::{Failure, Share, Verified, verify};

pub use bitfab_compile as compile;
pub use bitfab_data as data;
pub use bitfab_format as format;
pub use bitfab_graph as graph;
pub use bitfab_hdl as hdl;
pub use bitfab_import as import;
pub use bitfab_report as report;
pub use bitfab_sim as sim;
pub use bitfab_train as train;
