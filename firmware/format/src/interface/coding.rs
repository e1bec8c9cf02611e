//! From real values and raw counts to the bytes of the input (SPEC 10.3): integers alone, the same on every engine.
//!
//! An `f32` is taken apart by its bits, so that cores without floating point compute what the laptop does.

use crate::Kind;
use crate::limits::{CODING_MULTIPLIER_BITS, MAX_CODING_FRACTION, MAX_CODING_SHIFT};

/// Words of a coding in the file, and of its count.
pub(crate) const CODING_WORDS: u32 = 3;
/// Words of what a count is worth.
pub(crate) const COUNT_WORDS: u32 = 2;

/// What one raw count of a sensor is worth: `mantissa / 2^shift` units of a coding's fixed-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Count {
    /// 1 to 2^31 - 1.
    pub mantissa: u32,
    /// 0 to 47.
    pub shift: u8,
}

/// How one input value becomes a byte.
///
/// A real value `x` is first a fixed-point number, `q = floor(x * 2^fraction + 1/2)`, limited to 32 bits; its byte is
/// `((q - zero) * multiplier + half) >> shift`, plus `base`, limited to the input's [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Coding {
    /// Binary digits after the point of the fixed-point number, -64 to 64.
    pub fraction: i8,
    /// The fixed-point number whose byte is `base`.
    pub zero: i32,
    /// 0 to 2^30 - 1.
    pub multiplier: u32,
    /// 0 to 47.
    pub shift: u8,
    /// The byte of `zero`, within the limits.
    pub base: i16,
    /// What a raw count is worth; without it a count is the real value of the same number.
    pub count: Option<Count>,
}

/// The smallest and the largest byte that a coding gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// At least that of the input's kind.
    pub low: i16,
    /// At most that of the input's kind.
    pub high: i16,
}

impl Limits {
    /// Those of a kind of bytes.
    pub const fn of(kind: Kind) -> Self {
        let (low, high) = kind.range();
        Self { low: low as i16, high: high as i16 }
    }

    /// Whether they are a range within that of `kind`.
    pub(crate) const fn suit(self, kind: Kind) -> bool {
        let whole = Self::of(kind);
        whole.low <= self.low && self.low <= self.high && self.high <= whole.high
    }
}

/// A coded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Coded {
    /// The byte, in two's complement where the input is signed.
    pub byte: u8,
    /// Whether the value lay outside the limits and was moved to the nearer one.
    pub is_clamped: bool,
}

impl Coding {
    /// The coding in the words of the file; `None` if a field is out of range.
    pub(crate) fn from_words(words: &[u32], limits: Limits) -> Option<Self> {
        let (&[zero, multiplier, packed], count) = words.split_first_chunk::<3>()?;
        let [fraction, shift, low, high] = packed.to_le_bytes();
        let count = match count {
            &[mantissa, shift] => {
                let is_valid = mantissa != 0 && mantissa <= i32::MAX as u32 && shift <= MAX_CODING_SHIFT;
                is_valid.then_some(Some(Count { mantissa, shift: shift as u8 }))?
            }
            _ => None,
        };
        let (fraction, base) = (fraction as i8, i16::from_le_bytes([low, high]));
        let is_valid = multiplier >> CODING_MULTIPLIER_BITS == 0
            && u32::from(shift) <= MAX_CODING_SHIFT
            && i32::from(fraction).abs() <= MAX_CODING_FRACTION
            && limits.low <= base
            && base <= limits.high;
        is_valid.then_some(Self { fraction, zero: zero as i32, multiplier, shift, base, count })
    }

    /// The words of the file: those of the coding, and those of its count.
    #[cfg(feature = "alloc")]
    pub(crate) fn to_words(self) -> ([u32; 3], Option<[u32; 2]>) {
        let [low, high] = self.base.to_le_bytes();
        let packed = u32::from_le_bytes([self.fraction as u8, self.shift, low, high]);
        let count = self.count.map(|count| [count.mantissa, u32::from(count.shift)]);
        ([self.zero as u32, self.multiplier, packed], count)
    }

    /// The byte of a fixed-point number.
    pub const fn code(&self, fixed: i32, limits: Limits) -> Coded {
        let half = 1i64.wrapping_shl(self.shift as u32) >> 1;
        // 33 bits times 30 bits and a half of 47 bits fit 64.
        let product = (fixed as i64).wrapping_sub(self.zero as i64).wrapping_mul(self.multiplier as i64);
        let level = (product.wrapping_add(half) >> (self.shift & 63)).wrapping_add(self.base as i64);
        if level < limits.low as i64 {
            Coded { byte: limits.low as u8, is_clamped: true }
        } else if level > limits.high as i64 {
            Coded { byte: limits.high as u8, is_clamped: true }
        } else {
            Coded { byte: level as u8, is_clamped: false }
        }
    }

    /// The byte of a real value; infinities are limited, a value that is no number has none.
    pub const fn code_real(&self, value: f32, limits: Limits) -> Option<Coded> {
        match fixed(value.to_bits(), self.fraction as i32) {
            Some(fixed) => Some(self.code(fixed, limits)),
            None => None,
        }
    }

    /// The byte of a raw count of a sensor.
    pub const fn code_count(&self, count: i16, limits: Limits) -> Coded {
        let fixed = match self.count {
            Some(Count { mantissa, shift }) => {
                let half = 1i64.wrapping_shl(shift as u32) >> 1;
                limited((count as i64 * mantissa as i64).wrapping_add(half) >> (shift & 63))
            }
            None => shifted(count as i64, self.fraction as i32),
        };
        self.code(fixed, limits)
    }
}

/// A number limited to 32 bits.
const fn limited(value: i64) -> i32 {
    if value < i32::MIN as i64 {
        i32::MIN
    } else if value > i32::MAX as i64 {
        i32::MAX
    } else {
        value as i32
    }
}

/// `floor(value * 2^digits + 1/2)` limited to 32 bits; `value` has at most 25 bits and a sign.
const fn shifted(value: i64, digits: i32) -> i32 {
    match digits {
        // 25 bits and 32 more fit; any value but 0 is past the limits then.
        0.. => limited(value.wrapping_shl(if digits > 32 { 32 } else { digits as u32 })),
        // Less than a half in magnitude.
        ..-30 => 0,
        _ => {
            let right = digits.unsigned_abs();
            limited(value.wrapping_add(1 << (right - 1)) >> right)
        }
    }
}

/// The fixed-point number with `fraction` binary digits nearest to the `f32` of these bits, halves upwards; `None` if
/// it is no number.
const fn fixed(bits: u32, fraction: i32) -> Option<i32> {
    let (exponent, digits) = ((bits >> 23 & 0xff) as i32, (bits & 0x7f_ffff) as i64);
    let is_negative = bits >> 31 != 0;
    if exponent == 0xff {
        return match (digits, is_negative) {
            (0, false) => Some(i32::MAX),
            (0, true) => Some(i32::MIN),
            _ => None,
        };
    }
    // Numbers below the smallest exponent have no leading one.
    let magnitude = if exponent == 0 { digits } else { digits | 1 << 23 };
    let power = (if exponent == 0 { 1 } else { exponent }) - 150;
    Some(shifted(if is_negative { -magnitude } else { magnitude }, power + fraction))
}

/// The whole number that the `f32` of these bits is; `None` for fractions, and for what 24 bits do not hold.
#[cfg(feature = "interface")]
pub(crate) const fn whole(bits: u32) -> Option<i32> {
    let (exponent, magnitude) = ((bits >> 23 & 0xff) as i32, (bits & 0x7f_ffff) as i32 | 1 << 23);
    let number = match 150 - exponent {
        _ if bits << 1 == 0 => 0,
        // As many digits are after the point; those of numbers below the smallest exponent are more.
        point @ 0..=23 if magnitude & ((1 << point) - 1) == 0 => magnitude >> point,
        _ => return None,
    };
    Some(if bits >> 31 == 0 { number } else { -number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: Limits = Limits { low: 0, high: 255 };

    #[test]
    fn a_real_value_is_rounded_half_up_to_a_fixed_point_number() {
        let cases: [(f32, i32, i32); 13] = [
            (0.0, 10, 0),
            (-0.0, 10, 0),
            (1.0, 10, 1024),
            (0.5, 0, 1),
            (-0.5, 0, 0),
            (-1.5, 0, -1),
            (2.5, 0, 3),
            (-2.5001, 0, -3),
            (1e-30, 64, 0),
            (f32::from_bits(1), 64, 0),
            (3e9, 0, i32::MAX),
            (-3e9, 0, i32::MIN),
            (1e30, 64, i32::MAX),
        ];
        for (value, fraction, expected) in cases {
            assert_eq!(fixed(value.to_bits(), fraction), Some(expected), "{value} {fraction}");
        }
        assert_eq!(fixed(f32::INFINITY.to_bits(), 0), Some(i32::MAX));
        assert_eq!(fixed(f32::NEG_INFINITY.to_bits(), 0), Some(i32::MIN));
        assert_eq!(fixed(f32::NAN.to_bits(), 0), None);
    }

    #[test]
    fn fixed_point_numbers_equal_those_of_exact_arithmetic() {
        let mut random = 0x2545_f491_4f6c_dd1du64;
        for _ in 0..200_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let (bits, fraction) = (random as u32, (random >> 40) as i32 % 65 - 32);
            let value = f64::from(f32::from_bits(bits));
            // 24 bits times a power of two, and a half where that fits, are exact in 64 bits.
            let scaled = value * 2f64.powi(fraction);
            let expected = (!value.is_nan()).then(|| {
                let floor = scaled.floor();
                let up = if scaled - floor >= 0.5 { 1.0 } else { 0.0 };
                (floor + up).clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32
            });
            assert_eq!(fixed(bits, fraction), expected, "{value} {fraction}");
        }
    }

    #[test]
    #[cfg(feature = "interface")]
    fn whole_numbers_are_told_from_others() {
        for number in -70_000..70_000i32 {
            assert_eq!(whole((number as f32).to_bits()), Some(number));
            assert_eq!(whole((number as f32 + 0.25).to_bits()), None);
        }
        assert_eq!(whole((-0.0f32).to_bits()), Some(0));
        let others = [f32::from_bits(1), f32::MIN_POSITIVE, 0.999_999_9, 255.000_02, 1e30, f32::INFINITY, f32::NAN];
        others.into_iter().for_each(|value| assert_eq!(whole(value.to_bits()), None, "{value}"));
    }

    #[test]
    fn values_are_scaled_rounded_and_limited() {
        // 10.0 to 20.0 over 0 to 250: 25 a unit.
        let coding = Coding { fraction: 8, zero: 2560, multiplier: 25 << 12, shift: 20, base: 0, count: None };
        let byte = |value| coding.code_real(value, BYTES).map(|coded| (coded.byte, coded.is_clamped));
        assert_eq!(byte(10.0), Some((0, false)));
        assert_eq!(byte(10.04), Some((1, false)));
        assert_eq!(byte(20.0), Some((250, false)));
        assert_eq!(byte(9.0), Some((0, true)));
        assert_eq!(byte(f32::INFINITY), Some((255, true)));
        assert_eq!(byte(f32::NEG_INFINITY), Some((0, true)));
        assert_eq!(byte(f32::NAN), None);
    }

    #[test]
    fn a_count_is_its_number_or_what_the_file_says() {
        let coding = Coding { fraction: 4, zero: -160, multiplier: 1, shift: 4, base: 0, count: None };
        for count in [-32768, -11, -10, 0, 7, 200, 32767] {
            assert_eq!(Some(coding.code_count(count, BYTES)), coding.code_real(f32::from(count), BYTES));
        }
        // A count of 1/4: 16 fixed-point units a real one are 4 a count.
        let quarter = Coding { count: Some(Count { mantissa: 8, shift: 1 }), ..coding };
        for count in [-50, -41, -40, 0, 7, 1000] {
            assert_eq!(Some(quarter.code_count(count, BYTES)), coding.code_real(f32::from(count) / 4.0, BYTES));
        }
    }

    #[test]
    fn signed_bytes_keep_their_sign() {
        let coding = Coding { fraction: 0, zero: 0, multiplier: 1, shift: 0, base: -3, count: None };
        let limits = Limits::of(Kind::I8);
        assert_eq!(coding.code(-10, limits), Coded { byte: -13i8 as u8, is_clamped: false });
        assert_eq!(coding.code(i32::MIN, limits), Coded { byte: 0x80, is_clamped: true });
        assert_eq!(coding.code(i32::MAX, limits), Coded { byte: 0x7f, is_clamped: true });
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let most = (1 << CODING_MULTIPLIER_BITS) - 1;
        for zero in [i32::MIN, i32::MAX] {
            let coding = Coding { fraction: 0, zero, multiplier: most, shift: 47, base: 255, count: None };
            for fixed in [i32::MIN, -1, 0, i32::MAX] {
                let exact = (i128::from(fixed) - i128::from(zero)) * i128::from(most) + (1 << 46);
                let level = ((exact >> 47) + 255).clamp(0, 255);
                assert_eq!(i128::from(coding.code(fixed, BYTES).byte), level);
            }
        }
    }
}
