#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

mod backend;
mod error;
mod machine;
mod observer;
mod output;

pub use backend::{Backend, Mismatch, PairError, Paired, Software};
pub use bitfab_format::{FormatError, Layer, Model, digest, include_model};
pub use bitfab_kernels::Views;
pub use error::RunError;
pub use machine::{Machine, arena_words, run};
pub use observer::{Digests, Observer};
pub use output::Output;
