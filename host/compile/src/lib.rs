#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dyadic;
mod error;
mod fold;
mod lower;
mod pack;
mod plan;
mod reach;
mod requant;
mod scores;
mod translate;

pub use error::CompileError;

use bitfab_format::{Draft, DraftTransform, Model, OutputScale};
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
pub struct CompileOptions {
    /// How coded weights are stored.
    pub prefer: Prefer,
    /// The most planes that the file gets, of the precisions that the graph has; 8 for all.
    pub planes: u32,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self { prefer: Prefer::Size, planes: 8 }
    }
}

/// What is not exactly that of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rounded {
    /// Values of more than four bits, since no multiplier of 32 bits gives them.
    Levels {
        /// The weighted node.
        node: String,
        /// Channels that have no exact multiplier.
        channels: u32,
        /// Accumulators of all these channels together that get another level instead of their own.
        accumulators: u64,
        /// Accumulators that all these channels together can have.
        of: u64,
        /// The most levels by which one is off.
        levels: u32,
    },
    /// The last layer's scores, since no unit makes integers of 32 bits of all of them.
    Scores {
        /// The weighted node.
        node: String,
        /// No score of any accumulator is off by more than this many units.
        units: u32,
        /// A unit is two to this power, about 2^-30 of the largest score.
        exponent: i32,
    },
}

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Levels { node, channels, accumulators, of, levels } => {
                let share = 100.0 * *accumulators as f64 / (*of).max(1) as f64;
                let what = match levels {
                    1 => "a neighbouring level".to_owned(),
                    levels => format!("another level, up to {levels} away"),
                };
                write!(
                    f,
                    "`{node}`: {channels} channels have no exact multiplier of 32 bits; {accumulators} of their {of} \
                     possible sums, {share:.2} %, get {what}"
                )
            }
            Self::Scores { node, units, exponent } => {
                let apart = units.saturating_mul(2);
                write!(
                    f,
                    "`{node}`: its scores are rounded to 32 bits, off by at most {units} units of 2^{exponent}; two of \
                     them that lie {apart} units or less apart may change their order"
                )
            }
        }
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
/// [`Compiled::rounded`] says what differs; so it is with scores.
///
/// # Errors
/// [`CompileError`] names the node that is wrong or cannot be folded exactly.
pub fn compile_with(graph: &Graph, options: &CompileOptions) -> Result<Compiled, CompileError> {
    let drafts = all_drafts(graph, options)?;
    let (mut words, mut rounded, mut before) = (Vec::new(), Vec::new(), 0);
    for (planes, (draft, more)) in graph.planes().into_iter().chain([0]).zip(drafts) {
        words.extend(if words.is_empty() { draft.emit() } else { draft.extension(before) });
        rounded.extend(more);
        before = planes;
    }
    Model::from_words(&words).map_err(CompileError::Refused)?;
    Ok(Compiled { words, rounded })
}

/// As [`compile_with`] by default options, and exact.
///
/// # Errors
/// As [`compile_with`]; [`CompileError::Rounded`] if anything cannot be folded exactly.
pub fn compile(graph: &Graph) -> Result<Vec<u32>, CompileError> {
    let Compiled { words, mut rounded } = compile_with(graph, &CompileOptions::default())?;
    rounded.pop().map_or(Ok(words), |first| Err(CompileError::Rounded(first)))
}

/// The blocks of further planes that raise the deployed file `base` to what `graph` holds up to `options.planes`:
/// an update that is appended, nothing before it changes.
///
/// # Errors
/// As [`compile_with`]; [`CompileError::Base`] if the file is not a lower precision of this graph.
pub fn update(base: &[u32], graph: &Graph, options: &CompileOptions) -> Result<Vec<u32>, CompileError> {
    let whole = compile_with(graph, options)?.words;
    match whole.strip_prefix(base) {
        Some(rest) if !rest.is_empty() => Ok(rest.into()),
        Some(_) => Err(CompileError::Base("it holds all of the graph's planes already")),
        None => Err(CompileError::Base("it is not a lower precision of this graph, compiled with the same options")),
    }
}

/// What an integer of a model's output stands for: `value * unit + constant`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// One unit, as the file has it in 32 bits.
    pub unit: f64,
    /// What is to be added, as the file has it in whole 2^-32.
    pub constant: f64,
}

impl Worth {
    /// What the file says of the output of `model`; `None` where it says nothing.
    pub fn of(model: &Model<'_>) -> Option<Self> {
        let OutputScale { mantissa, shift, constant } = model.output_scale()?;
        let unit = f64::from(mantissa) / 2f64.powi(shift as i32);
        Some(Self { unit, constant: constant as f64 / 2f64.powi(32) })
    }
}

/// The bytes of a file from its words.
pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A model that is not written yet, and what is rounded in it.
type Drafted = (Draft, Vec<Rounded>);

/// Compiles the lowest precision of `graph` to a model that is not written yet.
///
/// # Errors
/// As [`compile_with`], but the result is not checked against the format.
pub fn draft(graph: &Graph) -> Result<Draft, CompileError> {
    let form = lower::Form { may_negate: graph.precisions.is_empty(), scaled_scores: false };
    Ok(draft_alone(graph, &CompileOptions::default(), form)?.0)
}

/// The drafts of all precisions up to the one that is asked for, the lowest one first.
fn all_drafts(graph: &Graph, options: &CompileOptions) -> Result<Vec<Drafted>, CompileError> {
    let form = lower::Form { may_negate: graph.precisions.is_empty(), scaled_scores: false };
    let mut drafts = drafts_in_form(graph, options, form)?;
    let scales = |(draft, _): &&Drafted| {
        draft.layers.last().is_some_and(|layer| matches!(layer.transform, DraftTransform::Affine { .. }))
    };
    // A file says once how its scores are made: either all precisions scale them or none, the later updates included.
    let scaled = drafts.iter().filter(scales).count();
    if scaled != 0 && scaled != drafts.len() {
        drafts = drafts_in_form(graph, options, lower::Form { scaled_scores: true, ..form })?;
    }
    let wanted = graph.precisions.iter().take_while(|one| one.planes <= options.planes).count();
    drafts.truncate(1 + wanted);
    Ok(drafts)
}

/// The drafts of all precisions of the graph.
fn drafts_in_form(graph: &Graph, options: &CompileOptions, form: lower::Form) -> Result<Vec<Drafted>, CompileError> {
    let mut drafts = vec![draft_alone(graph, options, form)?];
    for precision in &graph.precisions {
        drafts.push(draft_alone(&graph.at(precision.planes)?, options, form)?);
    }
    Ok(drafts)
}

fn draft_alone(graph: &Graph, options: &CompileOptions, form: lower::Form) -> Result<Drafted, CompileError> {
    let lower::Lowered { mut draft, scratch, rounded } = lower::lower(graph, options.prefer, form)?;
    plan::plan(&mut draft, &scratch);
    Ok((draft, rounded))
}
