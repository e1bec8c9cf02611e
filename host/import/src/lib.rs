#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod array;
mod begin;
mod check;
mod cure;
mod error;
pub mod execute;
mod fixed_point;
mod grid;
mod input;
pub mod layers;
mod layout;
mod lower;
mod nearest;
pub mod onnx;
mod operators;
mod prepared;
mod source;
pub mod tflite;

pub use array::Array;
pub use begin::Start;
pub use check::{Agreement, Difference, Said, Stated};
pub use cure::Cure;
pub use error::ImportError;
pub use input::{Entry, InputMap};
pub use lower::{Folded, Imported, Tie};
pub use nearest::{Change, Ranges};
pub use prepared::{ImportOptions, Prepared, lower};
pub use source::{Attribute, Channels, Input, Source, SourceNode};

/// The operators that are read, in Markdown, each with what becomes of it: of ONNX files and descriptions, and of TFLite
/// files.
pub fn operators() -> [Vec<[String; 2]>; 2] {
    [operators::rows(), tflite::rows()]
}
