//! A model before it is written: what the compiler builds, and what a reader gives back.

mod interface;

use alloc::string::String;
use alloc::vec::Vec;

pub use interface::{DraftInterface, MAX_FINGERPRINTS};

use crate::interface::OutputScale;
use crate::tensor::words_of;
use crate::transform::codes::word_at;
use crate::transform::{Form, Rescale, Thresholds, Transform, fit, pack};
use crate::{DraftWeights, Kind, Layer, Model, Op, PadValue, Shape, Window, align};

/// Shape, kind and first word of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftTensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// What the values are.
    pub kind: Kind,
    /// First word in the arena; 0 for bytes.
    pub start: u32,
}

/// A layer before it is written; the fields mean what those of [`Layer`] mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftLayer {
    /// Name for people.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Index of the input tensor.
    pub input: u16,
    /// Index and shift of the residual.
    pub residual: Option<(u16, u8)>,
    /// Kernel, stride, padding.
    pub window: Window,
    /// What lies outside the input.
    pub pad_value: PadValue,
    /// Groups of a convolution.
    pub groups: u32,
    /// Its output.
    pub output: DraftTensor,
    /// First word of scratch; 0 where none is used.
    pub scratch: u32,
    /// Its weights.
    pub weights: DraftWeights,
    /// Its output transform.
    pub transform: DraftTransform,
}

/// An output transform before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftTransform {
    /// Max-pool.
    None,
    /// Thresholds of bytes.
    Encode {
        /// Thresholds of one input channel.
        per_channel: u8,
        /// Channel by channel.
        thresholds: Vec<u8>,
    },
    /// The accumulator itself.
    Raw,
    /// Thresholds of accumulators; the writer finds the form that stores them in the fewest words.
    Thresholds {
        /// Channel by channel, ascending.
        values: Vec<i32>,
        /// One bit a channel: 0 counts `acc >= t`, 1 counts `acc < t`.
        directions: Vec<u32>,
    },
    /// Multiplied, shifted and clamped accumulators.
    Requant {
        /// One a channel.
        scales: Vec<Rescale>,
    },
    /// Multiplied and shifted accumulators.
    Affine {
        /// One a channel.
        scales: Vec<Rescale>,
    },
}

/// A model before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Shape and kind of the input.
    pub input: DraftTensor,
    /// Words of the arena.
    pub arena_words: u32,
    /// What the last layer's values are worth.
    pub scale: Option<OutputScale>,
    /// What is said of the input and the classes.
    pub interface: DraftInterface,
    /// The layers in order.
    pub layers: Vec<DraftLayer>,
}

impl DraftLayer {
    /// Thresholds of one channel, if it has any.
    pub(crate) fn per_channel(&self) -> u32 {
        (1 << self.output.kind.planes()) - 1
    }

    /// The draft that writes `layer`.
    pub fn of(layer: &Layer<'_>) -> Self {
        let tensor = layer.output;
        Self {
            name: layer.name.into(),
            op: layer.op,
            input: layer.input_index,
            residual: layer.residual.map(|residual| (residual.index, residual.shift as u8)),
            window: layer.window,
            pad_value: layer.pad_value,
            groups: layer.groups,
            output: DraftTensor { shape: tensor.shape, kind: tensor.kind, start: tensor.region.start },
            scratch: layer.scratch.start,
            weights: DraftWeights::of(&layer.weights),
            transform: DraftTransform::of(&layer.transform),
        }
    }
}

impl DraftTransform {
    /// The code in the file.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Encode { .. } => 1,
            Self::Raw => 2,
            Self::Thresholds { .. } => 3,
            Self::Requant { .. } => 4,
            Self::Affine { .. } => 5,
        }
    }

    /// The section of an encoding.
    pub(crate) fn section(&self) -> Vec<u32> {
        match self {
            Self::Encode { thresholds, .. } => align(thresholds),
            _ => Vec::new(),
        }
    }

    /// Whether there are as many numbers as so many channels need; a file says how many by its shapes alone.
    pub(crate) fn suits(&self, channels: u32, per_channel: u32) -> bool {
        let channels = channels as usize;
        match self {
            Self::None | Self::Raw => true,
            Self::Encode { thresholds, .. } => thresholds.len() == channels,
            Self::Thresholds { values, directions } => {
                values.len() == channels * per_channel as usize && directions.len() == channels.div_ceil(32)
            }
            Self::Requant { scales } | Self::Affine { scales } => scales.len() == channels,
        }
    }

    fn of(transform: &Transform<'_>) -> Self {
        match *transform {
            Transform::None => Self::None,
            Transform::Raw => Self::Raw,
            Transform::Encode { per_channel, thresholds } => {
                Self::Encode { per_channel: per_channel as u8, thresholds: thresholds.into() }
            }
            Transform::Thresholds(thresholds) => Self::of_thresholds(&thresholds),
            Transform::Requant { scales } => Self::Requant { scales: scales.iter().collect() },
            Transform::Affine { scales } => Self::Affine { scales: scales.iter().collect() },
        }
    }

    fn of_thresholds(thresholds: &Thresholds<'_>) -> Self {
        let channels = thresholds.channels();
        let channel = |channel| (0..thresholds.per_channel()).map(move |index| thresholds.value(channel, index));
        let values = (0..channels).flat_map(channel).collect();
        let directions = (0..words_of(channels) as usize).map(|at| word_at(thresholds.directions(), at)).collect();
        Self::Thresholds { values, directions }
    }

    /// The form of the thresholds, and the whole section.
    pub(crate) fn stored(&self, per_channel: u32) -> (Form, Vec<u32>) {
        match self {
            Self::Thresholds { values, directions } => fit::thresholds(values, directions, per_channel),
            Self::Requant { scales } | Self::Affine { scales } => pack::scales(scales),
            _ => (Form::default(), self.section()),
        }
    }
}

impl From<&Model<'_>> for Draft {
    fn from(model: &Model<'_>) -> Self {
        let input = model.input();
        Self {
            input: DraftTensor { shape: input.shape, kind: input.kind, start: 0 },
            arena_words: model.arena_words() as u32,
            scale: model.output_scale(),
            interface: DraftInterface::of(&model.interface()),
            layers: model.layers().map(|layer| DraftLayer::of(&layer)).collect(),
        }
    }
}
