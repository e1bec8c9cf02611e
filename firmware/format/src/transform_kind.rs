//! The kinds of output transforms, by code.

use crate::Transform;

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
