//! Learning: data sets in, graph out.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod architecture;
mod balance;
mod build;
mod checkpoint;
mod config;
mod error;
mod evaluation;
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
mod snapshot;
mod sparsity;
mod tilt;
mod trainer;
mod validation;
mod variants;
mod watch;

pub use architecture::{Architecture, Block};
pub use balance::ClassWeights;
pub use bitfab_data::{DataError, Dataset, Split, digits};
pub use checkpoint::{CHECKPOINT_MAGIC, Standing};
pub use config::{InputCoding, Keep, OptimizerKind, TrainConfig};
pub use error::TrainError;
pub use evaluation::Evaluation;
pub use method::{LayerMethod, Method};
pub use net::{Net, Parameter, Stage, Step, Tape, Thermometer};
pub use optimizer::{Optimizer, scheduled_rate};
pub use rules::Quantizer;
pub use saved::{Bits, Saved};
pub use trainer::{Best, Outcome, Trainer, train};
pub use variants::{OwnNorm, Variant};
pub use watch::{EpochReport, Progress, Silent, Watch};
