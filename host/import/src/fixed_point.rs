//! Requantisation by fixed-point numbers, as TFLite's reference kernels do it between sums and bytes: a scale of 31 bits,
//! rounded twice.
//!
//! Definitions: `QuantizeMultiplier` and `MultiplyByQuantizedMultiplier` with double rounding, as TFLite and TFLite
//! Micro have them unless they are built for one rounding. FULLY_CONNECTED of LiteRT rounds once, though.

/// A positive scale: `value / 2^31 * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Multiplier {
    /// 2^30 to 2^31 - 1; 0 for a scale that is too small for any sum.
    pub value: i32,
    /// By how many bits the product is shifted to the left.
    pub shift: i32,
}

impl Multiplier {
    /// The multiplier nearest to a positive scale, halves away from zero; `None` for a scale that is none or that
    /// shifts all bits out.
    pub fn new(scale: f64) -> Option<Self> {
        if !(scale.is_normal() && scale > 0.0) {
            return None;
        }
        // A normal number is 1.fraction * 2^exponent; the fraction that is wanted lies between a half and one.
        let bits = scale.to_bits();
        let exponent = (bits >> 52) as i32 - 1022;
        let fraction = (bits & ((1 << 52) - 1)) | 1 << 52;
        // 53 bits become 31: half of the last one is added before the rest is cut.
        let (mut value, mut shift) = ((fraction + (1 << 21)) >> 22, exponent);
        if value == 1 << 31 {
            (value, shift) = (1 << 30, shift + 1);
        }
        match shift {
            ..-31 => Some(Self { value: 0, shift: 0 }),
            -31..=30 => Some(Self { value: value as i32, shift }),
            _ => None,
        }
    }

    /// The same over so many values, as the kernel of MEAN folds their number: cut, not rounded.
    pub fn over(self, count: usize) -> Self {
        let most = 63 - (count.max(1) as u64).leading_zeros() as i32;
        let shift = most.min(32).min(31 + self.shift);
        let value = ((i64::from(self.value) << shift) / count.max(1) as i64) as i32;
        Self { value, shift: self.shift - shift }
    }

    /// The scaled integer: rounded to the product's upper half, then to whole numbers, there halves away from zero.
    ///
    /// Where a shift to the left leaves 32 bits, the kernel's result is not defined; here the largest number is
    /// shifted, which is beyond every activation, as the result would be.
    pub fn apply(self, value: i64) -> i64 {
        let shifted = value.clamp(i32::MIN.into(), i32::MAX.into()) << self.shift.clamp(0, 31);
        let shifted = shifted.clamp(i32::MIN.into(), i32::MAX.into());
        let product = shifted * i64::from(self.value);
        let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
        let high = (product + nudge) / (1 << 31);
        let right = (-self.shift).clamp(0, 31);
        let rest = high & ((1 << right) - 1);
        let half = (((1i64 << right) - 1) >> 1) + i64::from(high < 0);
        (high >> right) + i64::from(rest > half)
    }
}

impl Multiplier {
    /// The scaled integer, rounded once, halves up.
    pub fn apply_once(self, value: i64) -> i64 {
        let right = (31 - self.shift).clamp(1, 62);
        let product = i128::from(value) * i128::from(self.value);
        ((product + (1 << (right - 1))) >> right) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_the_nearest_of_31_bits() {
        let of = |scale: f64| Multiplier::new(scale).map(|one| (one.value, one.shift));
        assert_eq!(of(0.5), Some((1 << 30, 0)));
        assert_eq!(of(1.0), Some((1 << 30, 1)));
        assert_eq!(of(0.75), Some((3 << 29, 0)));
        assert_eq!(of(0.003), Some((1_649_267_442, -8)), "0.003 * 2^8 * 2^31 = 1649267441.664");
        // One less than a power of two by less than half of the last bit is that power.
        assert_eq!(of(1.0 - 2f64.powi(-33)), Some((1 << 30, 1)));
        assert_eq!(of(1.0 - 2f64.powi(-31)), Some((i32::MAX, 0)));
        // Halves go up: 2^30 + 0.5.
        assert_eq!(of(0.5 + 2f64.powi(-32)), Some(((1 << 30) + 1, 0)));
        assert_eq!(of(2f64.powi(-32)), Some((1 << 30, -31)));
        assert_eq!(of(2f64.powi(-33)), Some((0, 0)), "too small for any sum");
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, f64::MIN_POSITIVE / 2.0] {
            assert_eq!(of(scale), None, "{scale}");
        }
    }

    #[test]
    fn both_roundings_are_made() {
        let half = Multiplier { value: 1 << 30, shift: 0 };
        // The first rounding takes halves up, on both sides of zero.
        let of =
            |multiplier: Multiplier, values: &[i64]| values.iter().map(|&v| multiplier.apply(v)).collect::<Vec<_>>();
        assert_eq!(of(half, &[0, 1, 2, 3, -1, -2, -3]), [0, 1, 1, 2, 0, -1, -1]);
        // The second takes them away from zero: 0.25 * 2 and 0.25 * 6, then both at once.
        let quarter = Multiplier { value: 1 << 30, shift: -1 };
        assert_eq!(of(quarter, &[2, 6, -2, -6, 1, -1, -3, 4]), [1, 2, -1, -2, 1, 0, -1, 1]);
        // 0.6 * 2 = 1.2 is 1 in the first rounding; a quarter of it is 0, though 1.2 / 4 * ... would be 0.3.
        let tenth = Multiplier::new(0.1).expect("a scale");
        assert_eq!(of(tenth, &[5, -5, 14, 15, -15, 25, 104]), [1, -1, 1, 2, -2, 3, 10]);
        // To the left first.
        assert_eq!(of(Multiplier::new(3.0).expect("a scale"), &[5, -7]), [15, -21]);
        assert_eq!(of(Multiplier { value: 0, shift: 0 }, &[i64::from(i32::MAX), -9]), [0, 0]);
        assert!(Multiplier { value: 1 << 30, shift: 30 }.apply(i32::MAX.into()) >= 1 << 30, "beyond 32 bits");
        assert_eq!(Multiplier { value: i32::MAX, shift: -31 }.apply(i32::MIN.into()), -1);
    }

    #[test]
    fn one_rounding_takes_halves_up() {
        let quarter = Multiplier { value: 1 << 30, shift: -1 };
        let of = |values: &[i64]| values.iter().map(|&v| quarter.apply_once(v)).collect::<Vec<_>>();
        assert_eq!(of(&[1, 2, 5, 6, -1, -2, -3, -6, -7]), [0, 1, 1, 2, 0, 0, -1, -1, -2]);
        let three = Multiplier::new(3.0).expect("a scale");
        assert_eq!((three.apply_once(5), three.apply_once(-7)), (15, -21));
    }

    #[test]
    fn a_scale_over_many_values_is_cut() {
        let third = Multiplier { value: 1 << 30, shift: 1 }.over(3);
        assert_eq!(third, Multiplier { value: ((1i64 << 31) / 3) as i32, shift: 0 });
        // 1.5 is a half in exact arithmetic and goes up; the cut multiplier is below it.
        assert_eq!((third.apply(3), third.apply(4), third.apply(-4)), (1, 1, -1));
        assert_eq!(Multiplier { value: 1 << 30, shift: 1 }.over(1), Multiplier { value: 1 << 30, shift: 1 });
    }
}
