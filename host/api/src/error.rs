//! What can go wrong, with a code for programs and a sentence for people.

use bitfab_compile::CompileError;
use bitfab_data::DataError;
use bitfab_format::FormatError;
use bitfab_graph::GraphError;
use bitfab_hdl::HdlError;
use bitfab_import::ImportError;
use bitfab_report::ReportError;
use bitfab_sim::SimError;
use bitfab_sim::qemu::QemuError;
use bitfab_sim::uf2::Uf2Error;
use bitfab_train::TrainError;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done: [`code`](Self::code) for programs, the sentence of each cause for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are no model file.
    #[error(transparent)]
    Model(#[from] FormatError),
    /// Bytes are no stored network, or the network is wrong.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A table, an array or what is asked of its rows is wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Rows that were read do not suit the model.
    #[error("the rows do not suit the model (--as says what their values are, --columns which they are)")]
    Unsuited(#[source] DataError),
    /// Rows are not what the model, the file or the other rows take.
    #[error("{0}")]
    Rows(String),
    /// Classes are asked of a model or of rows that have none.
    #[error("{0}")]
    Classes(String),
    /// Somebody else's file cannot be read, or has no exact integer form.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// What was imported has no file that computes the same.
    #[error("{0}")]
    Inexact(String),
    /// A network cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Settings of learning, a checkpoint, or a run that diverged.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The watcher of a run stopped it.
    #[error("learning was stopped")]
    Stopped,
    /// There is no accelerator of these options for the model.
    #[error(transparent)]
    Circuit(#[from] HdlError),
    /// An engine or a tool could not do its work.
    #[error(transparent)]
    Engine(#[from] SimError),
    /// An emulated board cannot be made or run.
    #[error(transparent)]
    Board(#[from] QemuError),
    /// A file is no program for a microcontroller.
    #[error(transparent)]
    Program(#[from] Uf2Error),
    /// A picture cannot be made.
    #[error(transparent)]
    Picture(#[from] ReportError),
    /// A choice that there is not.
    #[error("{0}")]
    Choice(String),
    /// The model does not compute what its source does, or two boards do not agree.
    #[error("{0}")]
    Differs(String),
    /// What was being done, and why it was not.
    #[error("{what}")]
    Context {
        /// What was being done, or what to do.
        what: String,
        /// Why.
        source: Box<Self>,
    },
}

impl Error {
    /// A word for programs, which stays as it is when sentences change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Graph(_) => "graph",
            Self::Data(_) => "data",
            Self::Unsuited(_) | Self::Rows(_) => "rows",
            Self::Classes(_) => "classes",
            // What `nearest` could change is worth another try.
            Self::Import(error) if error.cure().is_some() => "curable",
            Self::Inexact(_) => "inexact",
            Self::Import(_) => "import",
            Self::Compile(_) => "compile",
            Self::Train(_) => "train",
            Self::Stopped => "stopped",
            Self::Circuit(_) => "circuit",
            Self::Engine(SimError::MissingTool { .. }) | Self::Board(QemuError::Missing { .. }) => "missing-tool",
            Self::Engine(SimError::Input { .. } | SimError::Value { .. }) => "rows",
            Self::Engine(_) | Self::Board(_) => "engine",
            Self::Program(_) => "program",
            Self::Picture(_) => "picture",
            Self::Choice(_) => "choice",
            Self::Differs(_) => "differs",
            Self::Context { source, .. } => source.code(),
        }
    }

    /// The sentences of all causes in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}

/// Says what was being done when something failed.
pub trait Context<T> {
    /// With the same words each time.
    ///
    /// # Errors
    /// Those there were, with `what` before them.
    fn context(self, what: impl Into<String>) -> Result<T>;

    /// With words that are made where they are needed.
    ///
    /// # Errors
    /// Those there were, with `what()` before them.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.with_context(|| what.into())
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Context { what: what(), source: Box::new(error.into()) })
    }
}

/// Ends with an error of a sentence.
macro_rules! bail {
    ($kind:ident, $($text:tt)*) => { return Err($crate::Error::$kind(format!($($text)*))) };
}

/// Ends with an error of a sentence unless something holds.
macro_rules! ensure {
    ($holds:expr, $kind:ident, $($text:tt)*) => { if !$holds { bail!($kind, $($text)*) } };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_keeps_its_code_and_its_sentence_behind_what_was_done() {
        let refused: Result<()> = Err(DataError::TooLarge { name: "x".into(), bytes: 2, limit: 1 }).context("reading");
        let error = refused.context("at first").unwrap_err();
        assert_eq!(error.code(), "data");
        assert!(error.chain().starts_with("at first: reading: data set x: 2 bytes"), "{}", error.chain());
        let missing = SimError::MissingTool { program: "yosys", package: "yosys" };
        assert_eq!(Error::from(missing).code(), "missing-tool");
    }
}
