//! How large each thing of a graph may be.
//!
//! The graph knows nothing of the file; where the file has the same limit, `bitfab-compile` asserts that it is equal.

/// Most values of an input or of what one node yields.
pub const MAX_ELEMENTS: u64 = 1 << 24;
/// Most weights of one layer.
pub const MAX_WEIGHTS: u64 = 1 << 26;
/// Most nodes of one graph.
pub const MAX_NODES: usize = 4096;
/// Most planes of a weight, most bits of an integer weight.
pub const MAX_WEIGHT_BITS: u32 = 8;
/// Largest exponent of a weight that is a power of two.
pub const MAX_EXPONENT: u32 = 6;
/// Largest left shift of a sparse-binary layer.
pub const MAX_LEFT_SHIFT: u32 = 15;
/// Largest shift of the coding of an input value, and of a sensor's count.
pub const MAX_CODING_SHIFT: u32 = 47;
/// Bits of the multiplier of a coding.
pub const CODING_MULTIPLIER_BITS: u32 = 30;
/// Largest magnitude of the exponent of a coding's unit.
pub const MAX_CODING_FRACTION: i32 = 64;
