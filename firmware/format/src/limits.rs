//! How large each thing of a file may be: stated once, for readers, writers and whoever plans a model.
//!
//! SPEC.md says the same in its clauses; a number that another crate needs is taken from here.

/// Most layers of one model: tensors are numbered by a byte (SPEC 3).
pub const MAX_LAYERS: u32 = 255;
/// Most bytes of a layer's name (SPEC 3).
pub const MAX_NAME: u32 = 64;
/// Most values and most words of a tensor, most words of an arena (SPEC 1).
pub const MAX_VOLUME: u32 = 1 << 28;
/// Most bits of an output that has thresholds (SPEC 4.3): for more, a requantisation takes less memory.
pub const MAX_THRESHOLD_BITS: u32 = 4;
/// Largest left shift of a residual (SPEC 3) and of a sparse-binary layer (SPEC 6.8).
pub const MAX_LEFT_SHIFT: u32 = 15;
/// Most planes of a weight, most bits of an integer weight (SPEC 6.10, 6.11).
pub const MAX_WEIGHT_BITS: u32 = 8;
/// Weights of one segment of a list, so that a position in it is a byte (SPEC 6.8).
pub const LIST_SEGMENT: u32 = 256;
/// Largest shift of a requantisation or a scaled score (SPEC 7.3, 7.4).
pub const MAX_RESCALE_SHIFT: u32 = 47;
/// How far the shifts of one layer may lie apart (SPEC 7.3).
pub const MAX_SHIFT_SPREAD: u32 = 16;
/// Largest magnitude of the offset of a requantisation or a scaled score (SPEC 7.3).
pub const MAX_OFFSET: i64 = 1 << 61;
/// Largest shift of the coding of an input value, and of a sensor's count (SPEC 10.3).
pub const MAX_CODING_SHIFT: u32 = 47;
/// Bits of the multiplier of a coding (SPEC 10.3).
pub const CODING_MULTIPLIER_BITS: u32 = 30;
/// Largest magnitude of the exponent of a coding's unit (SPEC 10.3).
pub const MAX_CODING_FRACTION: i32 = 64;
