#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

mod error;
mod inference;
mod machine;
mod model_file;
mod observer;
mod output;
#[cfg(feature = "interface")]
mod rows;
mod run;
mod text;

#[cfg(feature = "interface")]
pub use bitfab_format::CodingError;
pub use bitfab_format::{FormatError, Layer, Model, digest};
pub use error::RunError;
pub use inference::{CheckError, Checked, Inference, Mismatch};
pub use machine::Machine;
pub use model_file::ModelFile;
pub use observer::{Digests, Observer};
pub use output::Output;
#[cfg(feature = "interface")]
pub use rows::{run_counts, run_real};
pub use run::run;

/// What [`model!`] calls.
#[doc(hidden)]
pub mod built_in {
    pub use crate::model_file::{file, words};
}
