//! Cortex-M: carry-save adders over four words, scheduled by hand for the registers there are.
//!
//! The method is that of `portable.rs`; the compiler's version of it spills.
//! ARMv6-M does 4 words in 41 instructions with its eight low registers, ARMv7-M and ARMv8-M in 32.

#[cfg(thumb = "1")]
#[path = "arm/thumb1.rs"]
mod assembly;
#[cfg(thumb = "2")]
#[path = "arm/thumb2.rs"]
mod assembly;

use crate::arch::portable::MASKS;
use crate::dot::Join;

/// What the assembly reads, and writes as it goes on.
#[repr(C)]
struct Job {
    /// First word of the window. (offset 0)
    window: *const u32,
    /// First word of the next row. (4)
    row: *const u32,
    /// Bytes from row to row. (8)
    stride: usize,
    /// Words of the window, 1 to 124. (12)
    words: usize,
    /// Multiplies each count. (16)
    scale: i32,
    /// The next accumulator. (20)
    accumulator: *mut i32,
    /// Rows to come, at least 1. (24)
    count: usize,
}

/// See [`crate::dot::add_counts`].
pub(crate) fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    let words = window.len();
    let count = whole_rows(words, rows, stride, accumulators.len());
    if words == 0 || count == 0 {
        return;
    }
    let accumulator = accumulators.as_mut_ptr();
    let mut job = Job {
        window: window.as_ptr(),
        row: rows.as_ptr(),
        stride: stride.wrapping_mul(4),
        words,
        scale,
        accumulator,
        count,
    };
    // SAFETY: the assembly reads `words` words from `window` and from each of `count` rows, `stride` words apart,
    // and reads and writes `count` accumulators. The window has `words` words, `rows` has
    // `(count - 1) * stride + words` or more, and there are at least `count` accumulators, borrowed mutably;
    // the stride in bytes cannot overflow where it is used, since the second row starts inside a slice.
    // `words` and `count` are at least 1, and `dot::add_counts` passes at most `LIMIT` words.
    unsafe {
        match join {
            Join::Xor => assembly::xor_rows(&mut job),
            Join::And => assembly::and_rows(&mut job),
        }
    }
}

/// How many of `count` rows, `stride` words apart, have all of their `words` in `rows`.
fn whole_rows(words: usize, rows: &[u32], stride: usize, mut count: usize) -> usize {
    let end = |count: usize| count.checked_mul(stride).and_then(|start| start.checked_add(words));
    while count != 0 && end(count - 1).is_none_or(|end| end > rows.len()) {
        count -= 1; // only where the caller's rows are too short
    }
    count
}

/// As [`Job`], for bytes.
#[repr(C)]
struct ByteJob {
    /// First of the bytes, 32 a word of weights. (offset 0)
    window: *const [u32; 8],
    /// First word of the next row. (4)
    row: *const u32,
    /// Bytes from row to row. (8)
    stride: usize,
    /// Words of weights, 1 to 32. (12)
    words: usize,
    /// The bytes that four weights select. (16)
    masks: *const [u32; 16],
    /// The next accumulator. (20)
    accumulator: *mut i32,
    /// Rows to come, at least 1. (24)
    count: usize,
}

/// See [`crate::arch`].
pub(crate) fn add_bytes(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
    let words = window.len();
    let count = whole_rows(words, rows, stride, accumulators.len());
    if words == 0 || count == 0 {
        return;
    }
    let mut job = ByteJob {
        window: window.as_ptr(),
        row: rows.as_ptr(),
        stride: stride.wrapping_mul(4),
        words,
        masks: &raw const MASKS,
        accumulator: accumulators.as_mut_ptr(),
        count,
    };
    // SAFETY: as in `add`, with 32 bytes of the window a word of weights; `masks` is a static of 16 words, and
    // `window/bytes.rs` passes at most `BYTES_LIMIT` words.
    unsafe { assembly::byte_rows(&mut job) }
}
