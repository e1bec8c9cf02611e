//! What can go wrong in an engine.

use bitfab_format::{CodingError, FormatError};

/// An engine that could not do its work; a wrong answer is not an error but a mismatch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The model is refused.
    #[error("the model is refused: {0}")]
    Format(#[from] FormatError),
    /// An input has the wrong length.
    #[error("input {index} has {found} bytes, the model takes {need}")]
    Input {
        /// Which of the inputs.
        index: usize,
        /// Its length.
        found: usize,
        /// The model's.
        need: usize,
    },
    /// A row of real values or counts has no bytes.
    #[error("row {row}: {error}")]
    Value {
        /// Which of the rows, from 0.
        row: usize,
        /// Which value, and why.
        error: CodingError,
    },
    /// A program that the engine needs is not installed.
    #[error("`{program}` is not installed: install the Debian package `{package}` (or run `tests/run`, which does)")]
    MissingTool {
        /// The program that was looked for.
        program: &'static str,
        /// The package that brings it.
        package: &'static str,
    },
    /// The package of Node that emulates an RP2040 is not where it is looked for.
    #[error(
        "{} has no rp2040js: `npm --prefix DIR install rp2040js@1.4.1`, then name the folder by BITFAB_NODE=DIR \
         (or run `tests/run --install`, which does)",
        folder.display()
    )]
    MissingEmulator {
        /// Where it was looked for.
        folder: std::path::PathBuf,
    },
    /// The engine cannot run this model.
    #[error("{engine} cannot run this model: {problem}")]
    Unsupported {
        /// Name of the engine.
        engine: String,
        /// What does not fit, and what would.
        problem: String,
    },
    /// A program ended badly or printed what it should not.
    #[error("{program} failed: {problem}")]
    Tool {
        /// The program.
        program: String,
        /// The end of what it said.
        problem: String,
    },
    /// Files of the engine's own could not be written or read.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}
