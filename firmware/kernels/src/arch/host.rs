//! Laptops (x86-64): the popcount instructions that the processor turns out to have.

use crate::arch::portable;
use crate::dot::Join;

/// See [`crate::dot::add_counts`].
pub(crate) fn add_counts(
    join: Join,
    scale: i32,
    window: &[u32],
    rows: &[u32],
    stride: usize,
    accumulators: &mut [i32],
) {
    portable::add_counts(join, scale, window, rows, stride, accumulators);
}
