//! The result of an inference.

use bitfab_format::{Kind, OutputScale, Tensor};
use fixed::types::I32F32;

/// The output of the last layer, still in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output<'a> {
    tensor: Tensor,
    scale: Option<OutputScale>,
    words: &'a [u32],
}

impl<'a> Output<'a> {
    pub(crate) const fn new(tensor: Tensor, scale: Option<OutputScale>, words: &'a [u32]) -> Self {
        Self { tensor, scale, words }
    }

    /// Shape and kind.
    pub const fn tensor(&self) -> Tensor {
        self.tensor
    }

    /// The words as they are stored (SPEC 1.3, 1.4).
    pub const fn words(&self) -> &'a [u32] {
        self.words
    }

    /// The raw integer scores; empty where the last layer yields packed activations.
    pub fn scores(&self) -> impl ExactSizeIterator<Item = i32> + 'a {
        let words = if self.tensor.kind == Kind::I32 { self.words } else { &[] };
        words.iter().map(|&word| word as i32)
    }

    /// The index of the largest score, the lowest of equals (NUMERICS 6); 0 where there are no scores.
    pub fn arg_max(&self) -> usize {
        let mut best = (0, i32::MIN);
        for (index, score) in self.scores().enumerate() {
            if score > best.1 {
                best = (index, score);
            }
        }
        best.0
    }

    /// The integer of value `index`, pixel by pixel, channels innermost: a score, a level, or a sign as -1 or +1;
    /// `None` where there is no such value.
    pub fn value(&self, index: usize) -> Option<i32> {
        if self.tensor.kind == Kind::I32 {
            return self.scores().nth(index);
        }
        let channels = self.tensor.shape.channels as usize;
        let (pixel, channel) = (index.checked_div(channels)?, index.checked_rem(channels)?);
        let (planes, words) = (self.tensor.kind.planes() as usize, channels.div_ceil(32));
        let start = pixel.checked_mul(planes.checked_mul(words)?)?.checked_add(channel / 32)?;
        let mut value = 0;
        for plane in 0..planes {
            let word = self.words.get(start.checked_add(plane.checked_mul(words)?)?)?;
            value |= (word >> (channel % 32) & 1) << (plane % 32);
        }
        Some(if self.tensor.kind == Kind::Sign { 2 * value as i32 - 1 } else { value as i32 })
    }

    /// What value `index` is worth, saturating: its product with the unit is rounded down to 2^-32, then the constant
    /// is added. `None` where the file does not say what a unit is worth or there is no such value.
    pub fn real_score(&self, index: usize) -> Option<I32F32> {
        let OutputScale { mantissa, shift, constant } = self.scale?;
        let product = i64::from(self.value(index)?).wrapping_mul(i64::from(mantissa));
        let bits = match shift.checked_sub(32) {
            Some(right) => product >> right.min(63),
            None => saturating_shl(product, 32u32.saturating_sub(shift)),
        };
        Some(I32F32::from_bits(bits.saturating_add(constant)))
    }
}

/// `value << left`, or the limit of its sign where bits would be lost; `left` is at most 32.
fn saturating_shl(value: i64, left: u32) -> i64 {
    let shifted = value.wrapping_shl(left);
    match shifted.wrapping_shr(left) == value {
        true => shifted,
        false if value < 0 => i64::MIN,
        false => i64::MAX,
    }
}
