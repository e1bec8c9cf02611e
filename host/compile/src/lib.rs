#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dyadic;
mod error;
mod fold;
mod lower;
mod pack;
mod plan;

pub use error::CompileError;

use bitfab_format::{Draft, Model};
use bitfab_graph::Graph;

/// Compiles `graph` to the words of a model file (little-endian bytes of a `.bfab` file).
///
/// # Errors
/// [`CompileError`] names the node that is wrong or cannot be folded exactly.
pub fn compile(graph: &Graph) -> Result<Vec<u32>, CompileError> {
    let words = draft(graph)?.emit();
    Model::from_words(&words).map_err(CompileError::Refused)?;
    Ok(words)
}

/// The bytes of a file from its words.
pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Compiles `graph` to a model that is not written yet.
///
/// # Errors
/// As [`compile`], but the result is not checked against the format.
pub fn draft(graph: &Graph) -> Result<Draft, CompileError> {
    let (mut draft, scratch) = lower::lower(graph)?;
    plan::plan(&mut draft, &scratch);
    Ok(draft)
}
