//! What is known of a value between two nodes.

use crate::{ByteKind, Shape};

/// What the values of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input's bytes, as integers.
    Bytes(ByteKind),
    /// -1 or +1.
    Sign,
    /// Integers 0 to `2^bits - 1`.
    Unsigned {
        /// 1 to 8.
        bits: u32,
    },
    /// Integers before any scale; `|x| <= bound`, which fits an `i32`.
    Accumulator {
        /// Largest magnitude for any input: the largest row sum of weight magnitudes times the largest value read.
        bound: u32,
    },
    /// Real numbers.
    Reals,
}

impl Kind {
    /// Largest magnitude of a value that a weighted layer, pool or addition may read; `None` for reals.
    pub fn max_magnitude(self) -> Option<u32> {
        match self {
            Self::Bytes(ByteKind::U8) => Some(255),
            Self::Bytes(ByteKind::I8) => Some(128),
            Self::Sign => Some(1),
            Self::Unsigned { bits } => Some((1 << bits) - 1),
            Self::Accumulator { bound } => Some(bound),
            Self::Reals => None,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(ByteKind::U8) => write!(f, "u8 bytes"),
            Self::Bytes(ByteKind::I8) => write!(f, "i8 bytes"),
            Self::Sign => write!(f, "signs"),
            Self::Unsigned { bits } => write!(f, "{bits}-bit levels"),
            Self::Accumulator { bound } => write!(f, "accumulators up to {bound}"),
            Self::Reals => write!(f, "reals"),
        }
    }
}

/// Shape and kind of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// What the values are.
    pub kind: Kind,
}
