//! Learning: data sets in, graph out.
//!
//! An own small layer-wise tape learns networks with binary weights and activations of 1 to 4 bits.
//! What each layer keeps for the backward pass is an explicit value ([`Saved`]) with an exact number of bytes.
//!
//! The same configuration, data and seed give the same bits, whatever the number of threads,
//! and whether or not the run was stopped and resumed in between.
//!
//! ```
//! use bitfab_train::{Silent, TrainConfig, digits, train};
//! let data = digits(0).unwrap();
//! let config = TrainConfig { arch: "mlp:64".parse().unwrap(), epochs: 2, ..TrainConfig::default() };
//! let outcome = train(&config, &data, &mut Silent).unwrap().expect("nobody stops it");
//! assert!(outcome.test.accuracy() > 0.3);
//! assert_eq!(outcome.graph.input, data.shape);
//! ```
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
mod net;
mod optimizer;
mod random;
mod saved;
mod trainer;

pub use architecture::{Architecture, Block};
pub use config::{InputCoding, OptimizerKind, TrainConfig};
pub use data::{Coding, Dataset, IdxFiles, MAX_BYTES, Split, digits, from_csv, from_idx, from_npz};
pub use error::TrainError;
pub use net::{Net, Parameter, Stage, Step, Tape, Thermometer};
pub use optimizer::{Optimizer, scheduled_rate};
pub use saved::{Bits, Saved};
pub use trainer::{EpochReport, Evaluation, Outcome, Progress, Silent, Trainer, Watch, train};
