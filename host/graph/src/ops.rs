//! The operations of a graph and their constants.

use crate::{Shape, Weights};
use serde::{Deserialize, Serialize};

/// What a window that reaches over the border reads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PadValue {
    /// True zero: the position adds nothing.
    Zero,
    /// -1, a cleared bit; only on sign activations.
    MinusOne,
    /// +1, a set bit; only on sign activations.
    PlusOne,
    /// This integer, within the range of what the window reads; only convolutions of levels and bytes.
    Level(i32),
}

/// A sliding window over height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Height and width of the window, at least 1.
    pub kernel: [u32; 2],
    /// Vertical and horizontal step, at least 1.
    pub stride: [u32; 2],
    /// Border added at top, left, bottom, right; each smaller than the kernel in its direction.
    pub padding: [u32; 4],
    /// What the border holds.
    pub pad_value: PadValue,
}

impl Window {
    /// A square window without border.
    pub const fn valid(kernel: u32, stride: u32) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 4], pad_value: PadValue::Zero }
    }

    /// A square window of odd size, step 1, with the border that keeps height and width.
    pub const fn same(kernel: u32, pad_value: PadValue) -> Self {
        Self { kernel: [kernel; 2], stride: [1; 2], padding: [kernel / 2; 4], pad_value }
    }

    /// Height and width of the result on an input of the given shape:
    /// `floor((size + border - kernel) / stride) + 1`.
    /// `None` if the window does not fit or a field is out of range.
    pub fn output(&self, input: Shape) -> Option<[u32; 2]> {
        let one = |size: u32, axis: usize| {
            let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
            let (before, after) = (self.padding[axis], self.padding[axis + 2]);
            if kernel == 0 || stride == 0 || before >= kernel || after >= kernel {
                return None;
            }
            let padded = size.checked_add(before)?.checked_add(after)?;
            Some(padded.checked_sub(kernel)? / stride + 1)
        };
        Some([one(input.height, 0)?, one(input.width, 1)?])
    }

    /// Whether any side has a border.
    pub fn has_padding(&self) -> bool {
        self.padding.iter().any(|&side| side != 0)
    }
}

/// What a node does.
///
/// Kinds of tensors are those of [`Kind`](crate::Kind): bytes, signs, levels, accumulators, reals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Bytes to signs: `x >= t` is +1, else -1.
    /// Output channels are `channels * per_channel`, feature-major: `channel = feature * per_channel + i`.
    Encode {
        /// `channels * per_channel` values from -128 to 256, not falling within one channel.
        thresholds: Vec<i16>,
        /// Thresholds per input channel, at least 1.
        per_channel: u32,
    },
    /// Every output reads the whole input, flattened NHWC: bytes, signs or levels to accumulators 1 x 1 x outputs.
    Dense {
        /// `[outputs, 1, 1, height * width * channels]`.
        weights: Weights,
    },
    /// Cross-correlation (the kernel is not flipped): bytes, signs or levels to accumulators.
    Conv2d {
        /// `[outputs, kernel height, kernel width, channels / groups]`.
        weights: Weights,
        /// The window; its kernel equals that of the weights.
        window: Window,
        /// Divides input and output channels; output channel `o` reads input group `o / (outputs / groups)`.
        groups: u32,
    },
    /// Largest value per window and channel: signs to signs, levels to levels.
    /// A border, where there is one, holds the smallest value (-1 for signs, 0 for levels).
    MaxPool {
        /// The window.
        window: Window,
    },
    /// Integer sum per window and channel: signs or levels to accumulators.
    /// Stands for average pooling; a following batch norm absorbs `1 / area`.
    SumPool {
        /// The window.
        window: Window,
    },
    /// `accumulator + (value << shift)`, inputs `[accumulator, signs or levels]` of equal shape.
    Add {
        /// 0 to 15.
        shift: u32,
    },
    /// Multiplies by a constant per channel (or one for all): accumulators or reals to reals.
    Scale {
        /// Finite; length `channels` or 1.
        factors: Vec<f32>,
    },
    /// `multiplier * x + offset` per channel (or one for all): the last node, accumulators to reals.
    /// Behind signs or levels it says what they are worth, which is one line for all channels and computes nothing.
    Affine {
        /// Finite; length `channels` or 1.
        multiplier: Vec<f64>,
        /// Finite; as many.
        offset: Vec<f64>,
    },
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` per channel: accumulators or reals to reals.
    BatchNorm {
        /// Finite, any sign.
        gamma: Vec<f32>,
        /// Finite.
        beta: Vec<f32>,
        /// Finite.
        mean: Vec<f32>,
        /// Finite, not negative.
        variance: Vec<f32>,
        /// Finite, not negative; `variance + epsilon` is positive.
        epsilon: f32,
    },
    /// `x >= 0` is +1, else -1: accumulators or reals to signs.
    Sign,
    /// Counts thresholds that are reached: accumulators to levels, or to signs (none is -1, one is +1).
    Steps {
        /// `2^bits - 1` (signs: 1) values a channel, not falling within one channel.
        /// The largest `i32` is never reached and the least always; where a channel descends, the other way round.
        thresholds: Vec<i32>,
        /// For each channel whether `x <= threshold` reaches it, else `x >= threshold`.
        descends: Vec<bool>,
        /// 1 to 8 for levels, `None` for signs.
        bits: Option<u32>,
    },
    /// `clamp(floor(x / step + 1/2), 0, 2^bits - 1)`: accumulators or reals to levels.
    Quantize {
        /// 1 to 8.
        bits: u32,
        /// Finite and positive.
        step: f32,
    },
}

impl Op {
    /// The operation's name in error messages and tables.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Encode { .. } => "thermometer",
            Self::Dense { .. } => "dense",
            Self::Conv2d { .. } => "conv2d",
            Self::MaxPool { .. } => "max pool",
            Self::SumPool { .. } => "sum pool",
            Self::Add { .. } => "add",
            Self::Scale { .. } => "scale",
            Self::Affine { .. } => "affine",
            Self::BatchNorm { .. } => "batch norm",
            Self::Sign => "sign",
            Self::Quantize { .. } => "quantize",
            Self::Steps { .. } => "steps",
        }
    }

    /// How many tensors it reads.
    pub fn arity(&self) -> usize {
        if matches!(self, Self::Add { .. }) { 2 } else { 1 }
    }
}
