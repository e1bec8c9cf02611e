//! Learning: data sets in, graph out.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod architecture;
mod balance;
mod batch;
mod build;
mod checkpoint;
mod choice;
pub mod codecs;
mod config;
mod error;
pub mod estimators;
mod evaluation;
mod export;
mod feed;
mod gradients;
mod groups;
mod judging;
pub mod layers;
mod math;
pub mod methods;
mod optimizer;
mod random;
mod snapshot;
mod tape;
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
pub use codecs::{Bits, Saved};
pub use config::{InputCoding, Keep, OptimizerKind, TrainConfig};
pub use error::TrainError;
pub use evaluation::Evaluation;
pub use layers::Parameter;
pub use optimizer::{Optimizer, scheduled_rate};
pub use tape::{Net, Stage, Step, Tape, Thermometer};
pub use trainer::{Best, Outcome, Trainer, train};
pub use variant::{OwnNorm, Variant};
pub use watch::{EpochReport, Progress, Silent, Watch};
pub use weights::Quantizer;
