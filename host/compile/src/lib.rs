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

/// Values of more than four bits that are not exactly those of the graph, since no multiplier of 32 bits is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The weighted node.
    pub node: String,
    /// Channels that have no exact multiplier.
    pub channels: u32,
    /// Accumulators of all these channels together that get a neighbouring level instead of their own.
    pub accumulators: u64,
    /// Accumulators that one channel can have.
    pub span: u64,
}

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { node, channels, accumulators, span } = self;
        let share = *accumulators as f64 / (*span as f64 * f64::from(*channels)).max(1.0);
        write!(
            f,
            "`{node}`: {channels} channels have no exact multiplier of 32 bits; {accumulators} of their possible sums, \
             {share:.1e} of all, get a neighbouring level"
        )
    }
}

/// A compiled graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The words of the file (little-endian bytes of a `.bfab` file).
    pub words: Vec<u32>,
    /// What could not be folded exactly and was rounded; mostly nothing.
    pub rounded: Vec<Rounded>,
}

/// Compiles `graph`: the lowest precision of the graph, and a block of further planes for each higher one up to
/// `options.planes`.
///
/// Signs and levels of up to four bits are exact always; values of more bits where they can be, and else
/// [`Compiled::rounded`] says what differs.
///
/// # Errors
/// [`CompileError`] names the node that is wrong or cannot be folded exactly.
pub fn compile_with(graph: &Graph, options: &Options) -> Result<Compiled, CompileError> {
    let (draft, mut rounded) = draft_alone(graph, options, graph.precisions.is_empty())?;
    let mut words = draft.emit();
    let mut before = graph.planes().first().copied().unwrap_or(0);
    for precision in graph.precisions.iter().take_while(|one| one.planes <= options.planes) {
        let (higher, more) = draft_alone(&graph.at(precision.planes)?, options, false)?;
        words.extend(higher.extension(before));
        rounded.extend(more);
        before = precision.planes;
    }
    Model::from_words(&words).map_err(CompileError::Refused)?;
    Ok(Compiled { words, rounded })
}

/// As [`compile_with`] by default options, and exact.
///
/// # Errors
/// As [`compile_with`]; [`CompileError::Rounded`] if anything cannot be folded exactly.
pub fn compile(graph: &Graph) -> Result<Vec<u32>, CompileError> {
    let Compiled { words, mut rounded } = compile_with(graph, &Options::default())?;
    rounded.pop().map_or(Ok(words), |first| Err(CompileError::Rounded(first)))
}

/// The blocks of further planes that raise the deployed file `base` to what `graph` holds up to `options.planes`:
/// an update that is appended, nothing before it changes.
///
/// # Errors
/// As [`compile_with`]; [`CompileError::Base`] if the file is not a lower precision of this graph.
pub fn update(base: &[u32], graph: &Graph, options: &Options) -> Result<Vec<u32>, CompileError> {
    let whole = compile_with(graph, options)?.words;
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
/// As [`compile_with`], but the result is not checked against the format.
pub fn draft(graph: &Graph) -> Result<Draft, CompileError> {
    Ok(draft_alone(graph, &Options::default(), graph.precisions.is_empty())?.0)
}

/// `may_negate`: falling channels may have their weights negated; not where several precisions share them.
fn draft_alone(graph: &Graph, options: &Options, may_negate: bool) -> Result<(Draft, Vec<Rounded>), CompileError> {
    let lower::Lowered { mut draft, scratch, rounded } = lower::lower(graph, options.prefer, may_negate)?;
    plan::plan(&mut draft, &scratch);
    Ok((draft, rounded))
}
