//! What the rare weights are worth.

use super::Window;

/// What the ones stand for.
#[derive(Clone, Copy)]
pub(super) enum Ones {
    /// `ratio + 2^shift`, all else `ratio`.
    Shifted {
        /// What is no one.
        ratio: i32,
        /// The step to a one.
        shift: u32,
    },
    /// +1 or -1, all else 0.
    Signed,
}

impl Ones {
    /// Whether each one has a sign.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Signed)
    }

    /// The accumulator, from the sum of the values at the ones (less those at negative ones).
    pub const fn accumulator(self, selected: i32, window: &Window<'_>) -> i32 {
        match self {
            // NUMERICS 3.9
            Self::Shifted { ratio, shift } => selected.wrapping_shl(shift).wrapping_add(ratio.wrapping_mul(window.sum)),
            Self::Signed => selected,
        }
    }
}
