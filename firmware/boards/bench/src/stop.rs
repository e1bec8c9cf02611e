//! Why a board stops early, and the exit code that says so.

use core::fmt;

use bitfab_runtime::{FormatError, RunError};

use crate::ImagesError;

/// Why a board stops early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model partition holds no valid model.
    Model(FormatError),
    /// The image partition holds no valid images.
    Images(ImagesError),
    /// The model does not fit the arena, or an image does not fit the model.
    Run(RunError),
    /// An image is not made of whole values.
    Row,
    /// The arena was already taken.
    ArenaTaken,
}

impl Stop {
    /// The exit code.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Model(_) => 2,
            Self::Images(_) | Self::Row => 3,
            Self::Run(_) | Self::ArenaTaken => 4,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(error) => write!(f, "model partition: {error}"),
            Self::Images(error) => write!(f, "image partition: {error}"),
            Self::Run(error) => write!(f, "run: {error}"),
            Self::Row => f.write_str("image partition: an image is not made of whole values"),
            Self::ArenaTaken => f.write_str("arena: taken twice"),
        }
    }
}

impl core::error::Error for Stop {}

impl From<FormatError> for Stop {
    fn from(error: FormatError) -> Self {
        Self::Model(error)
    }
}

impl From<ImagesError> for Stop {
    fn from(error: ImagesError) -> Self {
        Self::Images(error)
    }
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}
