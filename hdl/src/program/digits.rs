//! From a matrix of integer weights to digits that lanes can count: every kind of weights becomes passes of -1, 0, +1.
//!
//! A lane meets the window once for each digit, the most significant first, and doubles in between.
//! Two-valued matrices (sparse-binary) take one pass for their rarer value and the sum of the window for the other.

use bitfab_format::{Layer, WORD_BITS};

use super::suits::pays_by_channel;

/// The weights of a layer as digits: `W = 2^common * (sum over passes p of 2^(passes - 1 - p) * digit_p)`,
/// or with `shared`: `W = 2^common * (2^doublings * digit_0 + ratio)`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digits {
    /// The weights without the common factor, output channel by output channel.
    values: Vec<i32>,
    fan_in: usize,
    /// Power of two that divides all weights.
    pub common: u32,
    /// Digits of a weight, at least 1.
    pub passes: u32,
    /// All weights are odd: every digit is -1 or +1.
    odd: bool,
    /// Digits are the bits of two's complement: the first one is -1 or 0, the others are 0 or 1.
    tops: bool,
    /// The digits of a pass are never of both signs, so that no memory tells them apart.
    pub uniform: bool,
    /// How the sum of the window takes part.
    pub shared: Option<Shared>,
    /// Weights are not taken apart: each channel has its own count.
    pub depthwise: bool,
}

/// The part of two-valued weights that all channels share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The commoner value, not 0; its magnitude is less than `2^doublings`.
    pub ratio: i32,
    /// The rarer value is `2^doublings` away from it.
    pub doublings: u32,
}

impl Digits {
    /// The digits of `layer`, computed in groups of `lanes` channels.
    pub fn new(layer: &Layer<'_>, lanes: u32) -> Self {
        if !layer.op.is_weighted() {
            return Self { fan_in: layer.fan_in() as usize, passes: 1, ..Self::default() };
        }
        let (values, common) = without_common(layer.integer_weights());
        let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        let passes = (32 - largest.leading_zeros()).max(1);
        let depthwise = pays_by_channel(layer, lanes, passes);
        let odd = values.iter().all(|value| value & 1 == 1) && (depthwise || !hides(layer, lanes));
        let uniform = depthwise || values.iter().all(|value| *value >= 0);
        let fan_in = layer.fan_in() as usize;
        let mut digits = Self { values, fan_in, common, passes, odd, uniform, depthwise, ..Self::default() };
        if let Some(shared) = digits.two_values().filter(|shared| pays(layer, lanes, passes, *shared)) {
            (digits.passes, digits.odd, digits.shared) = (1, false, Some(shared));
            digits.uniform = true;
        }
        digits
    }

    /// The same weights as bits of two's complement, where that takes no more passes: one bit a digit, without a sign.
    pub fn complemented(&self) -> Option<Self> {
        let half = 1_i32 << (self.passes - 1);
        let fits = self.values.iter().all(|value| (-half..half).contains(value));
        let may = fits && !self.values.is_empty() && !self.odd && !self.uniform;
        may.then(|| Self { tops: true, uniform: true, ..self.clone() })
    }

    /// The bits of two's complement of the weights of `layer`, as the rebuilder makes them.
    pub fn rebuilt(layer: &Layer<'_>) -> Self {
        let (values, common) = without_common(layer.integer_weights());
        // As many bits as the largest weight of either sign has, one of them its sign.
        let bits = values.iter().map(|value| 33 - (value ^ (value >> 31)).leading_zeros()).max().unwrap_or(1);
        let fan_in = layer.fan_in() as usize;
        Self { values, fan_in, common, passes: bits, tops: true, uniform: true, ..Self::default() }
    }

    /// The two values, where there are two that lie a power of two apart and the commoner one is smaller than that.
    fn two_values(&self) -> Option<Shared> {
        let first = *self.values.first()?;
        let other = *self.values.iter().find(|value| **value != first)?;
        let firsts = self.values.iter().filter(|value| **value == first).count();
        let others = self.values.iter().filter(|value| **value == other).count();
        if firsts + others != self.values.len() {
            return None;
        }
        let (ratio, rare) = if firsts >= others { (first, other) } else { (other, first) };
        let distance = ratio.abs_diff(rare);
        let fits = distance.is_power_of_two() && ratio != 0 && ratio.unsigned_abs() < distance;
        fits.then(|| Shared { ratio, doublings: distance.trailing_zeros() })
    }

    /// The weight of output `o` for value `index` of its window, without the common factor.
    pub fn value(&self, o: u32, index: u32) -> i32 {
        self.values[o as usize * self.fan_in + index as usize]
    }

    /// Digit `pass` of the weight of output `o` for value `index` of its window: -1, 0 or +1.
    pub fn digit(&self, o: u32, index: u32, pass: u32) -> i32 {
        let value = self.value(o, index);
        if let Some(shared) = self.shared {
            return (value - shared.ratio).signum();
        }
        let place = self.passes - 1 - pass;
        if self.odd {
            return 2 * ((value + (1 << self.passes) - 1) >> (place + 1) & 1) - 1;
        }
        if self.tops {
            let bit = value >> place & 1;
            return if pass == 0 { -bit } else { bit };
        }
        value.signum() * (value.abs() >> place & 1)
    }

    /// The digits of output `o`, each as many times as its place says.
    pub fn places(&self, o: u32) -> Places {
        if self.values.is_empty() {
            return Places { all: self.fan_in as i64, ..Places::default() };
        }
        let row = &self.values[o as usize * self.fan_in..(o as usize + 1) * self.fan_in];
        if self.depthwise {
            let sum =
                |keep: fn(i64) -> bool| row.iter().map(|value| i64::from(*value)).filter(|value| keep(*value)).sum();
            return Places { all: sum(|value| value > 0), negative: 0, shared: sum(|value| value < 0) };
        }
        let add = |sum: Places, (all, negative): (i64, i64)| Places {
            all: sum.all + all,
            negative: sum.negative + negative,
            ..sum
        };
        let ratio = self.shared.map_or(0, |shared| i64::from(shared.ratio));
        let shared = ratio * self.fan_in as i64;
        row.iter().map(|value| self.places_of(*value)).fold(Places { shared, ..Places::default() }, add)
    }

    /// All places of one weight's digits, and those that count negative.
    fn places_of(&self, value: i32) -> (i64, i64) {
        match self.shared {
            Some(Shared { ratio, doublings }) => {
                let own = i64::from(value != ratio) << doublings;
                (own, if value < ratio { own } else { 0 })
            }
            None if self.tops => {
                let all = i64::from(value) & ((1 << self.passes) - 1);
                (all, (all - i64::from(value)) / 2)
            }
            None => {
                let value = i64::from(value);
                let all = if self.odd { (1 << self.passes) - 1 } else { value.abs() };
                (all, (all - value) / 2)
            }
        }
    }

    /// Outputs, or 1 for operations without weights.
    fn outputs(&self) -> u32 {
        self.values.len().checked_div(self.fan_in).unwrap_or(0).max(1) as u32
    }

    /// The least and the largest count over all outputs, in places.
    pub fn reach(&self) -> (i64, i64) {
        let reaches = (0..self.outputs()).map(|o| self.places(o).reach());
        reaches.fold((0, 0), |(least, most), (low, high)| (least.min(low), most.max(high)))
    }

    /// Whether what all outputs subtract from twice their counts is even, or odd for all.
    pub fn is_even(&self) -> bool {
        let first = self.places(0).total();
        (0..self.outputs()).all(|o| (self.places(o).total() ^ first) & 1 == 0)
    }
}

/// The weights without the largest power of two that divides all of them, and its exponent.
fn without_common(mut values: Vec<i32>) -> (Vec<i32>, u32) {
    let all = values.iter().fold(0, |all, value| all | value);
    let common = if all == 0 { 0 } else { all.trailing_zeros() };
    values.iter_mut().for_each(|value| *value >>= common);
    (values, common)
}

/// How often an output's digits count, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Digits of its own that are not zero.
    pub all: i64,
    /// Those of them that are negative.
    pub negative: i64,
    /// The sum of the window, for all its values; negative where it is subtracted. Of depthwise layers the negative
    /// weights, which are counted as they are.
    pub shared: i64,
}

impl Places {
    /// With all digits of its own negated.
    pub fn negated(self) -> Self {
        Self { negative: self.all - self.negative, ..self }
    }

    /// Counts where all values are as large as possible, the sum of the window subtracted.
    pub fn total(self) -> i64 {
        self.all + self.shared
    }

    /// Least and largest count.
    pub fn reach(self) -> (i64, i64) {
        (self.shared.min(0), self.all + self.shared.max(0))
    }
}

/// Whether words of the window hold channels that some lane of a group does not see.
fn hides(layer: &Layer<'_>, lanes: u32) -> bool {
    let per_group = layer.output.shape.channels / layer.groups;
    layer.groups > 1 && !(layer.group_channels().is_multiple_of(WORD_BITS) && per_group.is_multiple_of(lanes))
}

/// Whether the sum of the window, taken once, costs fewer cycles than a pass for each digit.
fn pays(layer: &Layer<'_>, lanes: u32, passes: u32, shared: Shared) -> bool {
    let groups = layer.output.shape.channels.div_ceil(lanes);
    let window = layer.fan_in().div_ceil(32) * layer.input.kind.planes();
    // The window's sum belongs to all channels only where all of them see the same values.
    layer.groups == 1 && (groups + 1) * window + groups * shared.doublings < passes * groups * window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(values: &[i32], passes: u32, odd: bool) -> Digits {
        Digits { values: values.to_vec(), fan_in: values.len(), passes, odd, ..Digits::default() }
    }

    fn value(digits: &Digits, index: u32) -> i32 {
        (0..digits.passes).fold(0, |sum, pass| 2 * sum + digits.digit(0, index, pass))
    }

    #[test]
    fn digits_add_up_to_their_weights() {
        let any: Vec<i32> = (-128..=128).collect();
        let masked = digits(&any, 8, false);
        assert!(any.iter().enumerate().all(|(at, expected)| value(&masked, at as u32) == *expected));
        let odd: Vec<i32> = (-255..=255).step_by(2).collect();
        let signs = digits(&odd, 8, true);
        assert!(odd.iter().enumerate().all(|(at, expected)| value(&signs, at as u32) == *expected));
        assert!((0..odd.len() as u32).all(|at| signs.digit(0, at, 3) != 0));
        let bits: Vec<i32> = (-128..128).collect();
        let bits = (digits(&bits, 8, false).complemented().unwrap(), bits);
        for (at, expected) in bits.1.iter().enumerate() {
            assert_eq!(value(&bits.0, at as u32), *expected);
            let digit = |pass| bits.0.digit(0, at as u32, pass);
            assert!(digit(0) <= 0 && (1..8).all(|pass| digit(pass) >= 0));
        }
    }

    #[test]
    fn bits_of_two_s_complement_are_taken_where_they_cost_no_pass() {
        assert!(digits(&[-8, 7], 4, false).complemented().is_some());
        assert!(digits(&[-7, 7], 3, false).complemented().is_none());
        assert!(digits(&[-1, 0, 1], 1, false).complemented().is_none());
        assert!(digits(&[-7, 5], 3, true).complemented().is_none());
    }

    #[test]
    fn places_are_those_of_the_digits() {
        let plain = [(vec![-3, 0, 2, 5], 3, false), (vec![-3, 1, 7], 3, true)];
        let plain = plain.map(|(values, passes, odd)| digits(&values, passes, odd));
        let complemented = digits(&[-8, -3, 0, 7], 4, false).complemented();
        for digits in plain.into_iter().chain(complemented) {
            let mut expected = Places::default();
            for index in 0..digits.values.len() as u32 {
                for pass in 0..digits.passes {
                    let (digit, place) = (digits.digit(0, index, pass), 1 << (digits.passes - 1 - pass));
                    expected.all += if digit == 0 { 0 } else { place };
                    expected.negative += if digit < 0 { place } else { 0 };
                }
            }
            assert_eq!(digits.places(0), expected);
        }
    }

    #[test]
    fn the_commoner_of_two_values_is_shared() {
        let shared = |values: &[i32]| digits(values, 1, false).two_values();
        assert_eq!(shared(&[-3, -3, 5, -3]), Some(Shared { ratio: -3, doublings: 3 }));
        assert_eq!(shared(&[5, -3, 5, 5]), Some(Shared { ratio: 5, doublings: 3 }));
        assert_eq!(shared(&[0, 4, 0]), None);
        assert_eq!(shared(&[1, 2, 3]), None);
        assert_eq!(shared(&[7, 7]), None);
    }
}
