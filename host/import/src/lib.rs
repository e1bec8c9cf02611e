#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod array;
mod error;
mod source;

pub use array::Array;
pub use error::ImportError;
pub use source::{Attribute, Input, Source, SourceNode};
