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

    /// An accumulator is the first times the sum of the window's bytes at the ones, plus the second times the number of
    /// ones (negative ones counting -1 in both), plus the third (NUMERICS 3.9 to 3.11).
    pub const fn worth(self, window: &Window<'_>) -> [i32; 3] {
        let (scale, base) = match self {
            Self::Shifted { ratio, shift } => (1i32.wrapping_shl(shift), ratio.wrapping_mul(window.sum)),
            Self::Signed => (1, 0),
        };
        [scale, scale.wrapping_mul(window.bias).wrapping_neg(), base]
    }
}
