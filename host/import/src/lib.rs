#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod array;
mod begin;
mod check;
mod error;
pub mod execute;
mod expand;
mod input;
pub mod layers;
mod lower;
mod nearest;
pub mod onnx;
mod prepared;
mod source;
pub mod tflite;

pub use array::Array;
pub use begin::Start;
pub use check::{Agreement, Difference, Said, Stated};
pub use error::ImportError;
pub use input::{Entry, InputMap};
pub use lower::{Folded, Imported, Options, Tie, lower};
pub use nearest::{Change, Cure, Ranges};
pub use prepared::Prepared;
pub use source::{Attribute, Channels, Input, Source, SourceNode};
