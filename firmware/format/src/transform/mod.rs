//! What turns an accumulator into an output value, and how its numbers are stored (SPEC.md 7).

pub(crate) mod codes;
#[cfg(feature = "alloc")]
pub(crate) mod fit;
#[cfg(feature = "alloc")]
pub(crate) mod pack;
pub(crate) mod parts;
mod rescale;
mod scales;
mod thresholds;

pub use codes::Codes;
#[cfg(feature = "alloc")]
pub use fit::choose_thresholds;
pub use parts::Form;
pub use rescale::Rescale;
pub use scales::Scales;
pub use thresholds::Thresholds;

/// What turns an accumulator into an output value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Transform<'a> {
    /// There is no accumulator (max-pool).
    None,
    /// `x >= t` for each of `per_channel` thresholds a byte; one byte each, signed for [`crate::Kind::I8`].
    Encode {
        /// Thresholds of one input channel.
        per_channel: u32,
        /// Channel by channel, zero padded to a whole word.
        thresholds: &'a [u8],
    },
    /// The accumulator itself.
    Raw,
    /// The number of thresholds that the accumulator is not below, or of those that it is.
    Thresholds(Thresholds<'a>),
    /// A [`Rescale`] a channel; its values are clamped ([`Rescale::apply`]).
    Requant {
        /// Channel by channel.
        scales: Scales<'a>,
    },
    /// A [`Rescale`] a channel; its values are scores of 32 bits ([`Rescale::score`]).
    Affine {
        /// Channel by channel.
        scales: Scales<'a>,
    },
}

impl Transform<'_> {
    /// Its name in tables, that of SPEC 4.3.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Encode { .. } => "encode",
            Self::Raw => "raw",
            Self::Thresholds(_) => "thresholds",
            Self::Requant { .. } => "requant",
            Self::Affine { .. } => "affine",
        }
    }
}

/// The kinds of output transforms (SPEC 4.3); the tag of a layer's [`Transform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TransformKind {
    /// There is no accumulator.
    None,
    /// Bytes against thresholds.
    Encode,
    /// The accumulator itself.
    Raw,
    /// The number of thresholds that the accumulator reaches.
    Thresholds,
    /// Scaled, rounded and clamped.
    Requant,
    /// Scores with a factor and an offset a class.
    Affine,
}

impl TransformKind {
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Encode),
            2 => Some(Self::Raw),
            3 => Some(Self::Thresholds),
            4 => Some(Self::Requant),
            5 => Some(Self::Affine),
            _ => None,
        }
    }
}

impl Transform<'_> {
    /// The kind.
    pub const fn kind(&self) -> TransformKind {
        match self {
            Self::None => TransformKind::None,
            Self::Encode { .. } => TransformKind::Encode,
            Self::Raw => TransformKind::Raw,
            Self::Thresholds { .. } => TransformKind::Thresholds,
            Self::Requant { .. } => TransformKind::Requant,
            Self::Affine { .. } => TransformKind::Affine,
        }
    }
}
