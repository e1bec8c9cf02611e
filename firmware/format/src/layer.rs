//! The view of one layer.

use crate::tensor::words_of;
use crate::{Kind, PadValue, Region, Tensor, Transform, WORD_BITS, Weights, Window};

/// What a layer does with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Op {
    /// Compares every byte with its thresholds: thermometer codes, one sign a threshold.
    Encode,
    /// Every output sees every input.
    Dense,
    /// A window slides over the input.
    Conv2d,
    /// The largest value of each channel in the window: OR for signs.
    MaxPool,
    /// The sum of each channel over the window, as an accumulator.
    SumPool,
}

impl Op {
    #[cfg(feature = "alloc")]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Encode => 1,
            Self::Dense => 2,
            Self::Conv2d => 3,
            Self::MaxPool => 4,
            Self::SumPool => 5,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Encode),
            2 => Some(Self::Dense),
            3 => Some(Self::Conv2d),
            4 => Some(Self::MaxPool),
            5 => Some(Self::SumPool),
            _ => None,
        }
    }

    /// Whether the layer multiplies its input with weights.
    pub const fn is_weighted(self) -> bool {
        matches!(self, Self::Dense | Self::Conv2d)
    }

    /// The field's name of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Dense => "dense",
            Self::Conv2d => "conv2d",
            Self::MaxPool => "max_pool",
            Self::SumPool => "sum_pool",
        }
    }
}

/// How the weights of one output channel, and the window they meet, are laid out in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Packing {
    /// Tap by tap, each starting a new word: the window is read where it lies.
    Tap,
    /// All values of the window one after the other, 32 a word: the window is gathered into scratch first,
    /// plane by plane. Used for bytes, and for groups whose channels are not whole words.
    Patch,
    /// All values of the window one after the other, one a byte: the window is gathered into scratch first.
    /// Used for weights that are not bits.
    Bytes,
}

/// A second input that is added to the accumulator, `value << shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Residual {
    /// Index of the tensor: 0 is the model's input, `i` the output of layer `i - 1`.
    pub index: u16,
    /// A packed tensor of the shape of the output.
    pub tensor: Tensor,
    /// Left shift of its values, 0 to 15.
    pub shift: u32,
}

/// The smallest and the largest accumulator that any input can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bound {
    /// Never below this.
    pub low: i32,
    /// Never above this.
    pub high: i32,
}

/// One layer of a model that has been checked.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Layer<'a> {
    /// Position in the model, from 0.
    pub index: u16,
    /// Name for people; may be empty.
    pub name: &'a str,
    /// What it does.
    pub op: Op,
    /// Index of its input tensor: 0 is the model's input, `i` the output of layer `i - 1`.
    pub input_index: u16,
    /// Its input.
    pub input: Tensor,
    /// Its output.
    pub output: Tensor,
    /// A tensor added to the accumulator.
    pub residual: Option<Residual>,
    /// Kernel, stride, padding; the whole input for a dense layer, 1 x 1 for an encoding.
    pub window: Window,
    /// What a convolution sees outside its input.
    pub pad_value: PadValue,
    /// Groups of a convolution; 1 elsewhere.
    pub groups: u32,
    /// Its weights.
    pub weights: Weights<'a>,
    /// Its output transform.
    pub transform: Transform<'a>,
    /// Words of the arena that it may use while it runs.
    pub scratch: Region,
}

impl Layer<'_> {
    /// What a layer is decoded into.
    pub(crate) const EMPTY: Self = Self {
        index: 0,
        name: "",
        op: Op::Encode,
        input_index: 0,
        input: Tensor::EMPTY,
        output: Tensor::EMPTY,
        residual: None,
        window: Window { kernel: [0; 2], stride: [0; 2], padding: [0; 4] },
        pad_value: PadValue::Zero,
        groups: 0,
        weights: Weights::None,
        transform: Transform::None,
        scratch: Region { start: 0, words: 0 },
    };

    /// Input channels that one output channel sees.
    pub const fn group_channels(&self) -> u32 {
        match self.input.shape.channels.checked_div(self.groups) {
            Some(channels) => channels,
            None => 0,
        }
    }

    /// Values that one accumulator sums: taps times channels of a group; taps alone for a pool.
    pub const fn fan_in(&self) -> u32 {
        let taps = self.window.taps();
        if self.op.is_weighted() { taps.wrapping_mul(self.group_channels()) } else { taps }
    }

    /// How window and weights are laid out.
    pub const fn packing(&self) -> Packing {
        let is_weighted = self.op.is_weighted() && !matches!(self.weights, Weights::None);
        if cfg!(feature = "kinds") && is_weighted && !self.weights.is_bit_rows() {
            return Packing::Bytes;
        }
        let whole_words = self.groups == 1 || self.group_channels().is_multiple_of(WORD_BITS);
        if self.input.kind.is_packed() && whole_words { Packing::Tap } else { Packing::Patch }
    }

    /// Words of the weights of one output channel (one plane); 0 where weights are not rows of bits.
    pub const fn row_words(&self) -> u32 {
        if !self.op.is_weighted() {
            return 0;
        }
        match self.packing() {
            Packing::Tap => self.window.taps().wrapping_mul(words_of(self.group_channels())),
            Packing::Patch => words_of(self.fan_in()),
            Packing::Bytes => 0,
        }
    }

    /// Whether taps outside the input must be left out of sums of signs, since 0 is neither +1 nor -1.
    pub const fn needs_mask(&self) -> bool {
        matches!(self.input.kind, Kind::Sign) && matches!(self.pad_value, PadValue::Zero) && self.window.is_padded()
    }

    /// Number of weights: output channels times fan-in.
    pub const fn weight_count(&self) -> u64 {
        if self.op.is_weighted() { self.output.shape.channels as u64 * self.fan_in() as u64 } else { 0 }
    }

    /// The bit of value `index` in a row of bits.
    pub const fn row_bit(&self, index: u32) -> u32 {
        match self.packing() {
            Packing::Tap => {
                let channels = self.group_channels();
                let (tap, channel) = match (index.checked_div(channels), index.checked_rem(channels)) {
                    (Some(tap), Some(channel)) => (tap, channel),
                    _ => (0, 0),
                };
                tap.wrapping_mul(channels.div_ceil(WORD_BITS)).wrapping_mul(WORD_BITS).wrapping_add(channel)
            }
            Packing::Patch | Packing::Bytes => index,
        }
    }

    /// Scratch words: the gathered planes of one window, and their mask where one is needed, or its bytes.
    pub const fn scratch_words(&self) -> u32 {
        match self.packing() {
            Packing::Bytes => words_of(self.fan_in()).wrapping_mul(WORD_BITS / 4),
            Packing::Patch if self.op.is_weighted() => {
                let masks = if self.needs_mask() { 1 } else { 0 };
                (self.input.kind.planes() + masks).wrapping_mul(self.row_words())
            }
            _ => 0,
        }
    }

    /// Multiply-accumulates of one inference, counting each plane of the input.
    pub const fn plane_macs(&self) -> u64 {
        if !self.op.is_weighted() {
            return 0;
        }
        self.fan_in() as u64 * self.input.kind.planes() as u64 * self.output.shape.volume() as u64
    }

    /// The largest sum of magnitudes of a row of weights that the kind allows; for [`Weights::SmartDeal`] that of the
    /// rows themselves.
    pub const fn largest_row(&self) -> u64 {
        match self.weights {
            Weights::SmartDeal { largest_row, .. } if cfg!(feature = "kinds") => largest_row as u64,
            _ => self.weights.largest() as u64 * self.fan_in() as u64,
        }
    }

    /// The smallest and the largest accumulator of a checked layer.
    pub fn bound(&self) -> Bound {
        let (low, high) = self.implied_bound();
        Bound { low: low as i32, high: high as i32 }
    }

    /// The bound that shapes, kinds and weights imply (SPEC 7.2), in 64 bits: low, high.
    pub fn implied_bound(&self) -> (i64, i64) {
        let (least, most) = self.input.kind.range();
        let times = if self.op.is_weighted() { self.largest_row() } else { self.fan_in().into() };
        let (least, most) = match self.op {
            Op::Dense | Op::Conv2d => {
                let largest = i64::from(most.unsigned_abs().max(least.unsigned_abs()));
                (-largest, largest)
            }
            Op::SumPool => (i64::from(least), i64::from(most)),
            Op::Encode | Op::MaxPool => (0, 0),
        };
        // At most 2^8 times 2^16 times 2^28.
        let (mut low, mut high) = (least.wrapping_mul(times as i64), most.wrapping_mul(times as i64));
        if let Some(residual) = self.residual {
            let (least, most) = residual.tensor.kind.range();
            low = low.wrapping_add(least.wrapping_shl(residual.shift).into());
            high = high.wrapping_add(most.wrapping_shl(residual.shift).into());
        }
        (low, high)
    }
}
