//! Learning: data sets in, graph out.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod architecture;
mod build;
mod checkpoint;
mod config;
mod data;
mod error;
mod export;
mod feed;
pub mod layers;
mod math;
mod method;
mod net;
mod noise;
mod optimizer;
mod random;
pub mod rules;
mod saved;
mod sparsity;
mod tilt;
mod trainer;
mod variants;

pub use architecture::{Architecture, Block};
pub use config::{InputCoding, OptimizerKind, TrainConfig};
pub use data::{Coding, Dataset, IdxFiles, MAX_BYTES, Split, digits, from_csv, from_idx, from_npz};
pub use error::TrainError;
pub use method::{LayerMethod, Method};
pub use net::{Net, Parameter, Stage, Step, Tape, Thermometer};
pub use optimizer::{Optimizer, scheduled_rate};
pub use rules::Quantizer;
pub use saved::{Bits, Saved};
pub use trainer::{EpochReport, Evaluation, Outcome, Progress, Silent, Trainer, Watch, train};
pub use variants::{OwnNorm, Variant};
