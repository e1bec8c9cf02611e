//! The result of an inference.

#[cfg(feature = "interface")]
use bitfab_format::Interface;
use bitfab_format::{Kind, Model, OutputScale, Tensor, WORD_BITS};
use fixed::types::I32F32;

/// The output of the last layer, still in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output<'a> {
    tensor: Tensor,
    scale: Option<OutputScale>,
    words: &'a [u32],
    #[cfg(feature = "interface")]
    interface: Interface<'a>,
    #[cfg(feature = "interface")]
    clamped: usize,
}

impl<'a> Output<'a> {
    /// The output of `model` in its words, for engines outside this crate; `None` where there are not as many as the
    /// model's output has.
    pub fn new(model: &Model<'a>, words: &'a [u32]) -> Option<Self> {
        if words.len() != model.output().region.words as usize {
            return None;
        }
        Some(Self {
            tensor: model.output(),
            scale: model.output_scale(),
            words,
            #[cfg(feature = "interface")]
            interface: model.interface(),
            #[cfg(feature = "interface")]
            clamped: 0,
        })
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

    /// Value `index` (pixel by pixel, channels innermost): a score, a level of an unsigned output, or +1 or -1;
    /// `None` past the last.
    pub fn value(&self, index: usize) -> Option<i32> {
        let index = u32::try_from(index).ok().filter(|index| *index < self.tensor.shape.volume())?;
        let (pixel, channel) =
            (index.checked_div(self.tensor.shape.channels)?, index.checked_rem(self.tensor.shape.channels)?);
        let start = pixel.wrapping_mul(self.tensor.pixel_words());
        let word = |at: u32| self.words.get(start.wrapping_add(at) as usize).copied();
        let bit = |plane: u32| {
            let at = plane.wrapping_mul(self.tensor.shape.channel_words()).wrapping_add(channel / WORD_BITS);
            Some((word(at)? >> (channel % WORD_BITS) & 1) as i32)
        };
        match self.tensor.kind {
            Kind::Sign => bit(0).map(|bit| 2 * bit - 1),
            Kind::Unsigned { bits } => (0..u32::from(bits.min(8))).map(|plane| Some(bit(plane)? << plane)).sum(),
            Kind::I32 => word(channel).map(|word| word as i32),
            // No layer yields bytes.
            Kind::U8 | Kind::I8 => None,
        }
    }

    /// The real value of output `index`, a score or a level, saturating: its product with the unit is rounded down to
    /// 2^-32, then the constant is added. `None` where no scale survived or there is no such output.
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

#[cfg(feature = "interface")]
impl<'a> Output<'a> {
    /// The same output of an input of which `clamped` values were moved.
    pub(crate) const fn with_clamped(self, clamped: usize) -> Self {
        Self { clamped, ..self }
    }

    /// How many values of the input lay outside what the model learned and were moved to the nearer limit; 0 where the
    /// input was given as bytes.
    pub const fn clamped(&self) -> usize {
        self.clamped
    }

    /// The largest output, the lowest of equals: of scores [`Output::arg_max`], of levels that of the largest level.
    pub fn class(&self) -> usize {
        let (mut best, mut index) = ((0, i32::MIN), 0);
        while let Some(value) = self.value(index) {
            if value > best.1 {
                best = (index, value);
            }
            index += 1;
        }
        best.0
    }

    /// The name of [`Output::class`], where the model names its classes.
    pub fn class_name(&self) -> Option<&'a str> {
        self.interface.class(self.class())
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
