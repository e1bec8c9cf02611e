//! From an accumulator to a value: the one place of the rounding rule (NUMERICS 5.5, 5.6).

/// What makes a value of an accumulator: `(acc * multiplier + offset + half) >> shift` (NUMERICS 5.5, 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rescale {
    /// Any.
    pub multiplier: i32,
    /// At most 2^61 in magnitude.
    pub offset: i64,
    /// 1 to 47; in an affine transform 0 to 47.
    pub shift: u32,
}

impl Rescale {
    /// The value of `bits` bits of an accumulator: rounded half up, clamped to 0 to `2^bits - 1`.
    ///
    /// ```
    /// // 10 * 3 / 4 = 7.5 rounds up.
    /// let scale = bitfab_format::Rescale { multiplier: 3, offset: 0, shift: 2 };
    /// assert_eq!(scale.apply(10, 4), 8);
    /// assert_eq!((scale.apply(-10, 4), scale.apply(100, 4)), (0, 15));
    /// ```
    pub const fn apply(self, acc: i32, bits: u32) -> i32 {
        let value = self.value(acc);
        let largest = (1i64 << bits) - 1;
        if value < 0 {
            0
        } else if value > largest {
            largest as i32
        } else {
            value as i32
        }
    }

    /// The score of an accumulator: rounded half up; of a checked layer it fits 32 bits.
    ///
    /// ```
    /// let scale = bitfab_format::Rescale { multiplier: -3, offset: 1, shift: 1 };
    /// // (-9 + 1) / 2 and (-12 + 1) / 2 = -5.5, which rounds up.
    /// assert_eq!((scale.score(3), scale.score(4)), (-4, -5));
    /// ```
    pub const fn score(self, acc: i32) -> i32 {
        self.value(acc) as i32
    }

    /// The value of an accumulator before it is clamped or cut to 32 bits, rounded half up; without a shift exact.
    pub const fn value(self, acc: i32) -> i64 {
        let half = 1i64.wrapping_shl(self.shift) >> 1;
        let product = (acc as i64).wrapping_mul(self.multiplier as i64);
        product.wrapping_add(self.offset).wrapping_add(half).wrapping_shr(self.shift)
    }
}
