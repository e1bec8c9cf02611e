#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dyadic;
mod error;
mod fold;
mod lower;
mod pack;
mod plan;
mod requant;

pub use error::CompileError;

use bitfab_format::{Draft, Model};
use bitfab_graph::Graph;

/// What coded weights are chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Prefer {
    /// The smallest file: bitmap, Golomb-Rice gaps or trits, whichever is smaller, layer by layer.
    #[default]
    Size,
    /// The fewest instructions: lists of positions where they are smaller than a bitmap.
    Speed,
}

/// Choices of a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How coded weights are stored.
    pub prefer: Prefer,
    /// The most planes that the file gets, of the precisions that the graph has; 8 for all.
    pub planes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefer: Prefer::Size, planes: 8 }
    }
}

/// Compiles `graph` to the words of a model file (little-endian bytes of a `.bfab` file): the lowest precision of the
/// graph, and a block of further planes for each higher one up to `options.planes`.
///
/// # Errors
/// [`CompileError`] names the node that is wrong or cannot be folded exactly.
pub fn compile_with(graph: &Graph, options: &Options) -> Result<Vec<u32>, CompileError> {
    let mut words = draft_with(graph, options)?.emit();
    let mut before = graph.planes().first().copied().unwrap_or(0);
    for precision in graph.precisions.iter().take_while(|one| one.planes <= options.planes) {
        let higher = draft_alone(&graph.at(precision.planes)?, options, false)?;
        words.extend(higher.extension(before));
        before = precision.planes;
    }
    Model::from_words(&words).map_err(CompileError::Refused)?;
    Ok(words)
}

/// As [`compile_with`] by default options.
///
/// # Errors
/// As [`compile_with`].
pub fn compile(graph: &Graph) -> Result<Vec<u32>, CompileError> {
    compile_with(graph, &Options::default())
}

/// The blocks of further planes that raise the deployed file `base` to what `graph` holds up to `options.planes`:
/// an update that is appended, nothing before it changes.
///
/// # Errors
/// As [`compile_with`]; [`CompileError::Base`] if the file is not a lower precision of this graph.
pub fn update(base: &[u32], graph: &Graph, options: &Options) -> Result<Vec<u32>, CompileError> {
    let whole = compile_with(graph, options)?;
    match whole.strip_prefix(base) {
        Some(rest) if !rest.is_empty() => Ok(rest.into()),
        Some(_) => Err(CompileError::Base("it holds all of the graph's planes already")),
        None => Err(CompileError::Base("it is not a lower precision of this graph, compiled with the same options")),
    }
}

/// The bytes of a file from its words.
pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Compiles the lowest precision of `graph` to a model that is not written yet.
///
/// # Errors
/// As [`compile`], but the result is not checked against the format.
pub fn draft(graph: &Graph) -> Result<Draft, CompileError> {
    draft_with(graph, &Options::default())
}

/// As [`draft`] with options.
fn draft_with(graph: &Graph, options: &Options) -> Result<Draft, CompileError> {
    draft_alone(graph, options, graph.precisions.is_empty())
}

/// `may_negate`: falling channels may have their weights negated; not where several precisions share them.
fn draft_alone(graph: &Graph, options: &Options, may_negate: bool) -> Result<Draft, CompileError> {
    let (mut draft, scratch) = lower::lower(graph, options.prefer, may_negate)?;
    plan::plan(&mut draft, &scratch);
    Ok(draft)
}
