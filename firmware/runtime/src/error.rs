//! What can go wrong in a run: only what the caller hands over.

use core::fmt;

#[cfg(feature = "interface")]
use bitfab_format::CodingError;

/// Why an inference did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RunError {
    /// The arena has fewer words than the model needs.
    ArenaTooSmall {
        /// Words that the model needs.
        need: usize,
    },
    /// The input is not exactly as long as the model's.
    InputLength {
        /// Bytes that the model takes.
        need: usize,
    },
    /// The row of real values or counts has no bytes.
    #[cfg(feature = "interface")]
    Coding(CodingError),
    /// The kernels cannot compute a layer: a feature of this crate leaves its kind of weights or its transform out.
    Unsupported {
        /// The layer, from 0.
        layer: u16,
    },
    /// The digests that are asked for are not one a layer.
    Digests {
        /// Layers of the model.
        need: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArenaTooSmall { need } => write!(f, "the arena is too small: the model needs {need} words"),
            Self::InputLength { need } => write!(f, "the input has the wrong length: the model takes {need} bytes"),
            #[cfg(feature = "interface")]
            Self::Coding(error) => write!(f, "{error}"),
            Self::Unsupported { layer } => {
                write!(f, "layer {layer} has a kind of weights or a transform that this firmware was built without")
            }
            Self::Digests { need } => write!(f, "the model has {need} layers, and as many digests"),
        }
    }
}

impl core::error::Error for RunError {}
