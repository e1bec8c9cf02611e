//! Learning: data sets in, graph out.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod architecture;
mod balance;
mod build;
mod checkpoint;
mod choice;
mod config;
mod error;
mod evaluation;
mod export;
mod feed;
mod groups;
pub mod layers;
mod math;
pub mod methods;
mod net;
mod noise;
mod optimizer;
mod random;
mod saved;
mod snapshot;
mod tilt;
mod trainer;
mod validation;
mod variant;
mod watch;
pub mod weights;

pub use architecture::{Architecture, Block};
pub use balance::ClassWeights;
pub use bitfab_data::{DataError, Dataset, Split, digits};
pub use checkpoint::{CHECKPOINT_MAGIC, Standing};
pub use choice::{Choice, LayerMethod, forms};
pub use config::{InputCoding, Keep, OptimizerKind, TrainConfig};
pub use error::TrainError;
pub use evaluation::Evaluation;
pub use net::{Net, Parameter, Stage, Step, Tape, Thermometer};
pub use optimizer::{Optimizer, scheduled_rate};
pub use saved::{Bits, Saved};
pub use trainer::{Best, Outcome, Trainer, train};
pub use variant::{OwnNorm, Variant};
pub use watch::{EpochReport, Progress, Silent, Watch};
pub use weights::Quantizer;
