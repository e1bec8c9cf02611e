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

    /// An integer.
    pub fn from_int(value: i64) -> Self {
        Self { mantissa: BigInt::from(value), exponent: 0 }
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
