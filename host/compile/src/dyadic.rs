//! Numbers of the form `mantissa * 2^exponent`: exact sums and products of floats.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Sub};

use num_bigint::{BigInt, Sign};

/// `mantissa * 2^exponent`, exactly.
#[derive(Clone, Debug)]
pub(crate) struct Dyadic {
    mantissa: BigInt,
    exponent: i32,
}

impl Dyadic {
    /// A finite float; others count as zero (the graph's check refuses them).
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 23 & 0xff) as i32, bits & 0x7f_ffff);
        let (mantissa, exponent) = match exponent {
            0 => (fraction, -149),
            0xff => (0, 0),
            _ => (fraction | 0x80_0000, exponent - 150),
        };
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        Self { mantissa: BigInt::from(i64::from(mantissa) * sign), exponent }
    }

    /// A finite float of 64 bits; others count as zero (the graph's check refuses them).
    pub fn from_f64(value: f64) -> Self {
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, (bits & ((1 << 52) - 1)) as i64);
        let (mantissa, exponent) = match exponent {
            0 => (fraction, -1074),
            0x7ff => (0, 0),
            _ => (fraction | 1 << 52, exponent - 1075),
        };
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        Self { mantissa: BigInt::from(mantissa * sign), exponent }
    }

    /// An integer.
    pub fn from_int(value: i64) -> Self {
        Self { mantissa: BigInt::from(value), exponent: 0 }
    }

    /// `value * 2^twos`.
    pub fn scaled(&self, twos: i32) -> Self {
        Self { mantissa: self.mantissa.clone(), exponent: self.exponent + twos }
    }

    /// Its magnitude.
    pub fn abs(&self) -> Self {
        if self.signum() < 0 { &Self::from_int(0) - self } else { self.clone() }
    }

    /// The least `n` with a magnitude below `2^n`; the least of all for zero.
    pub fn bits(&self) -> i64 {
        if self.signum() == 0 { i64::MIN / 2 } else { self.mantissa.bits() as i64 + i64::from(self.exponent) }
    }

    /// The exponent of the lowest bit that is set; `None` for zero.
    pub fn lowest_bit(&self) -> Option<i32> {
        self.mantissa.trailing_zeros().map(|twos| self.exponent + twos as i32)
    }

    /// The nearest integer, the upper one of two, if it has less than 63 bits.
    pub fn round(&self) -> Option<i64> {
        (self + &Self::from_int(1).half()).floor()
    }

    /// The least integer that is not below, if it has less than 63 bits.
    pub fn ceil(&self) -> Option<i64> {
        (&Self::from_int(0) - self).floor().map(|floor| -floor)
    }

    fn floor(&self) -> Option<i64> {
        if self.bits() > 62 {
            return None;
        }
        // A shift to the right rounds down, also below zero.
        let floor = match self.exponent {
            0.. => &self.mantissa << self.exponent as usize,
            _ => &self.mantissa >> self.exponent.unsigned_abs() as usize,
        };
        i64::try_from(floor).ok()
    }

    /// `1 / sqrt(value)` of a positive number to 200 bits, and whether that is exact.
    pub fn inverse_root(&self) -> (Self, bool) {
        let twos = self.lowest_bit().unwrap_or(0);
        let twos = twos - twos.rem_euclid(2);
        let odd = self.scaled(-twos);
        let mantissa = odd.mantissa << odd.exponent.max(0) as usize >> (-odd.exponent).max(0) as usize;
        let is_exact = mantissa == BigInt::from(1);
        let places = 200 + mantissa.bits() as i32;
        let root = ((BigInt::from(1) << (2 * places) as usize) / mantissa.max(BigInt::from(1))).sqrt();
        (Self { mantissa: root, exponent: -places - twos / 2 }, is_exact)
    }

    /// `value / 2`.
    pub fn half(self) -> Self {
        Self { exponent: self.exponent - 1, ..self }
    }

    /// The nearest float, for guesses.
    pub fn to_f64(&self) -> f64 {
        use num_traits::ToPrimitive;
        // Keeps 64 bits, so that neither part leaves the range of a float where the number does not.
        let spare = self.mantissa.bits().saturating_sub(64) as i32;
        let mantissa = (&self.mantissa >> spare as usize).to_f64().unwrap_or(0.0);
        mantissa * 2f64.powi(self.exponent.saturating_add(spare))
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i32 {
        match self.mantissa.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// The number as `mantissa / 2^shift` with an odd mantissa, if it is positive and both fit (32 bits; 0 to 63).
    pub fn as_fraction(&self) -> Option<(u32, u32)> {
        let twos = self.mantissa.trailing_zeros()?;
        let (odd, exponent) = (&self.mantissa >> twos, self.exponent + twos as i32);
        let left = exponent.clamp(0, 64);
        let mantissa = u32::try_from(odd << left).ok()?;
        let shift = u32::try_from(left - exponent).ok()?;
        (shift <= 63).then_some((mantissa, shift))
    }

    /// The number as [`as_fraction`](Self::as_fraction), rounded to 32 bits and to a shift of 63 where it must be.
    pub fn nearest_fraction(&self) -> Option<(u32, u32)> {
        let shift = (32 - self.bits()).min(63) as i32;
        let rounded = self.scaled(shift).round().filter(|&mantissa| mantissa > 0)?;
        self.as_fraction().or_else(|| Self::from_int(rounded).scaled(-shift).as_fraction())
    }

    /// Both mantissas at the smaller exponent.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i32) {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| &number.mantissa << (number.exponent - exponent) as usize;
        (at(self), at(other), exponent)
    }

    /// Exact comparison.
    pub fn compare(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;
    fn add(self, other: Self) -> Dyadic {
        let (a, b, exponent) = self.aligned(other);
        Dyadic { mantissa: a + b, exponent }
    }
}

impl Sub for &Dyadic {
    type Output = Dyadic;
    fn sub(self, other: Self) -> Dyadic {
        let (a, b, exponent) = self.aligned(other);
        Dyadic { mantissa: a - b, exponent }
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: Self) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_exact() {
        for value in [0.0, 1.5, -0.1, f32::MIN_POSITIVE / 8.0, f32::MAX, -f32::MAX] {
            let number = Dyadic::from_f32(value);
            let zero = &number - &number;
            assert_eq!(zero.signum(), 0);
            assert_eq!(number.signum(), if value == 0.0 { 0 } else { value.signum() as i32 });
        }
        let third = Dyadic::from_f32(0.1);
        assert_eq!((&third + &third).compare(&Dyadic::from_f32(0.2)), Ordering::Equal);
        assert_eq!(Dyadic::from_f32(0.375).as_fraction(), Some((3, 3)));
        assert_eq!(Dyadic::from_f32(6.0).as_fraction(), Some((6, 0)));
        assert_eq!(Dyadic::from_f32(f32::MAX).as_fraction(), None);
        assert_eq!(Dyadic::from_f32(-1.0).as_fraction(), None);
        assert_eq!(Dyadic::from_int(3).half().as_fraction(), Some((3, 1)));
    }
}
