//! What can be wrong with data.

use thiserror::Error;

/// Data that cannot be used; the text says where and what would work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or a data set is damaged or does not have the expected form.
    #[error("data set {name}: {problem}")]
    Form {
        /// Which data set or file.
        name: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// More than is held in memory.
    #[error("data set {name}: {bytes} bytes, {limit} are the limit; split the file, or choose fewer columns or rows")]
    TooLarge {
        /// Which data set or file.
        name: String,
        /// Its size, or how much was read when the limit was passed.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// An option that is out of range or does not go with another.
    #[error("{what}: {problem}")]
    Options {
        /// What the option is about.
        what: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

/// An error of options in one line.
pub(crate) fn option_error(what: &'static str, problem: impl Into<String>) -> DataError {
    DataError::Options { what, problem: problem.into() }
}

/// An error of form in one line.
pub(crate) fn form_error(name: &str, problem: impl Into<String>) -> DataError {
    DataError::Form { name: name.into(), problem: problem.into() }
}
