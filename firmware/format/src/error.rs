//! What can be wrong with a model file, and where.

use core::fmt;

/// A model file that [`crate::Model::new`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FormatError {
    /// The part of the file that is wrong.
    pub place: Place,
    /// Byte offset in the file of the field that is wrong; of a block that of its start.
    pub at: u32,
    /// What is wrong with it.
    pub reason: Reason,
}

/// The part of a file where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Place {
    /// The header, or what it says of the whole.
    Header,
    /// A layer, counted from 0: its record or one of its sections.
    Layer(u16),
    /// A block of further planes (SPEC 9).
    Block {
        /// The planes of a layer with this block, as it states them.
        planes: u32,
        /// The layer at fault, counted from 0; `None` for the block's head.
        layer: Option<u16>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Layer(layer) => write!(f, "layer {layer}"),
            Self::Block { planes, layer: None } => write!(f, "block up to {planes} planes"),
            Self::Block { planes, layer: Some(layer) } => write!(f, "block up to {planes} planes, layer {layer}"),
        }
    }
}

/// The facts that [`FormatError`] can state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// The slice does not start at a multiple of 4 bytes.
    Misaligned,
    /// The file is shorter than its header or its stated length.
    Truncated,
    /// The file is longer than its stated length.
    TrailingBytes,
    /// The first four bytes are not `bfab`.
    NotAModel,
    /// The file is of a version that this crate does not read.
    Version,
    /// The CRC-32 does not match the contents.
    Checksum,
    /// A field that must be zero is not.
    Reserved,
    /// No layers, or more than [`crate::limits::MAX_LAYERS`].
    LayerCount,
    /// An unknown code for an operation, kind, transform or pad value.
    UnknownCode,
    /// A dimension is zero or too large.
    Shape,
    /// The stated output shape is not what the window yields.
    OutputShape,
    /// The window is larger than the padded input, or its padding is not smaller than its kernel.
    Window,
    /// The operation cannot take this kind of tensor.
    Kind,
    /// The layer names a tensor that does not exist yet, or a residual of another shape.
    TensorIndex,
    /// The channels do not divide into the groups.
    Groups,
    /// A section lies outside the file or has the wrong length.
    Section,
    /// Bits past the last channel or input are not zero.
    PadBits,
    /// The form of thresholds or scales has a field out of range, or the transform has none.
    ThresholdForm,
    /// A threshold, or its place on its channel's line, leaves 32 bits.
    ThresholdRange,
    /// The thresholds of a channel do not ascend.
    ThresholdOrder,
    /// The accumulators may leave `i32`, or the stated sum of the largest row is wrong.
    Bound,
    /// An output or scratch region overlaps a tensor that is still needed.
    Overlap,
    /// The stated arena is not exactly what the layers need.
    Arena,
    /// The name is too long or not UTF-8.
    Name,
    /// Kind, coder and parameters of the weights do not fit each other.
    Coder,
    /// A stream or row of weights holds a code that means nothing, ends early, or names a weight past its row.
    WeightCode,
    /// A shift or offset of a requantisation is out of range, or shifts lie too far apart.
    Requant,
    /// A scaled score may leave 32 bits.
    Score,
    /// What the file says of its input and classes does not fit the model's tensors.
    Interface,
    /// A coding of input values has a field out of range, or limits outside the input's kind.
    Coding,
    /// A block of further planes does not fit the model or the block before it.
    Extension,
    /// The kind of weights or the transform is one that this program was built without.
    LeftOut,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Self::Misaligned => "the model must start at a multiple of 4 bytes; include it with model!",
            Self::Truncated => "the file ends early",
            Self::TrailingBytes => "the file is longer than its stated length",
            Self::NotAModel => "this is not a bitfab model (no `bfab` at the start)",
            Self::Version => "this version of the format is not supported",
            Self::Checksum => "the CRC-32 does not match: the file is damaged",
            Self::Reserved => "a reserved field is not zero",
            Self::LayerCount => "the number of layers is zero or too large",
            Self::UnknownCode => "an unknown code",
            Self::Shape => "a dimension is zero or too large",
            Self::OutputShape => "the output shape is not what the window yields",
            Self::Window => "the window does not fit its input",
            Self::Kind => "the operation cannot take this kind of tensor",
            Self::TensorIndex => "a tensor that does not exist or does not fit",
            Self::Groups => "the channels do not divide into the groups",
            Self::Section => "a section is outside the file or of the wrong length",
            Self::PadBits => "bits past the end of a row are not zero",
            Self::ThresholdForm => "thresholds or scales are stored in a form that is not valid",
            Self::ThresholdRange => "a threshold leaves 32 bits",
            Self::ThresholdOrder => "the thresholds of a channel do not ascend",
            Self::Bound => "the accumulators may leave 32 bits, or their stated bound is wrong",
            Self::Overlap => "a region overlaps a tensor that is still needed",
            Self::Arena => "the arena size is not what the layers need",
            Self::Name => "the layer's name is too long or not UTF-8",
            Self::Coder => "weight kind, coder and parameters do not fit each other",
            Self::WeightCode => "the coded weights end early or name a weight that does not exist",
            Self::Requant => "a shift or an offset is out of range",
            Self::Score => "a scaled score may leave 32 bits",
            Self::Interface => "what is said of the input and the classes does not fit the model",
            Self::Coding => "a coding of the input has a field out of range",
            Self::Extension => "the block of further planes does not fit the model",
            Self::LeftOut => "a kind of weights or a transform that this program was built without",
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, byte {}: {}", self.place, self.at, self.reason.text())
    }
}

impl core::error::Error for FormatError {}
