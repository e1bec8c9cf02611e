//! Cortex-M: carry-save adders over four words, scheduled by hand for the registers there are.
//!
//! The method is that of `portable.rs`; the compiler's version of it spills.
//! ARMv6-M does 4 words in 41 instructions with its eight low registers, ARMv7-M and ARMv8-M in 32: the two loops share
//! their method and no line, since two-address instructions on low registers need another order and other spills.

#[cfg(thumb = "1")]
#[path = "arm/thumb1.rs"]
mod assembly;
#[cfg(thumb = "2")]
#[path = "arm/thumb2.rs"]
mod assembly;
#[cfg(all(thumb_dsp, feature = "integer"))]
mod dsp;

use super::Core;
use crate::arch::portable::MASKS;
#[cfg(all(thumb = "2", any(feature = "sparse-binary", feature = "ternary")))]
use crate::arch::portable::{self, Lists};
use crate::join::Join;

/// A Cortex-M; which instructions it has, `build.rs` says.
pub(crate) struct Cortex;

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

/// As [`Job`], for lists of positions.
#[cfg(all(thumb = "2", any(feature = "sparse-binary", feature = "ternary")))]
#[repr(C)]
struct ListJob {
    /// Multiplies the sum of the selected bytes. (offset 0)
    scale: i32,
    /// Multiplies the number of ones, less the negative ones. (4)
    each: i32,
    /// Added to every accumulator. (8)
    base: i32,
    /// Whole segments of a row. (12)
    whole: usize,
    /// The lists of the next row. (16)
    next: *const u8,
    /// The last byte that a row may end before, so that the counts of the next segment can be read. (20)
    end: *const u8,
    /// The next accumulator. (24)
    accumulator: *mut i32,
    /// Rows to come, at least 1. (28)
    count: usize,
    /// The first segment, 256 bytes each; the tail if there is no whole one. (32)
    window: *const [u8; 256],
    /// The last segment, or null. (36)
    tail: *const [u8; 256],
}

impl Core for Cortex {
    fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
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

    fn add_bytes(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
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

    #[cfg(all(thumb = "2", any(feature = "sparse-binary", feature = "ternary")))]
    fn add_listed(lists: &mut Lists<'_, '_>, worth: [i32; 3], accumulators: &mut [i32]) {
        /// Most counts of a segment.
        const COUNTS: usize = 2;
        let tail = lists.tail.map_or(core::ptr::null(), |tail| &raw const *tail);
        let window = if lists.whole.is_empty() { tail } else { lists.whole.as_ptr() };
        let mut done = 0;
        if let (Some(safe), false) = (lists.rest.len().checked_sub(COUNTS), accumulators.is_empty() || window.is_null())
        {
            let next = lists.rest.as_ptr();
            let [scale, each, base] = worth;
            let mut job = ListJob {
                scale,
                each,
                base,
                whole: lists.whole.len(),
                next,
                end: next.wrapping_add(safe),
                accumulator: accumulators.as_mut_ptr(),
                count: accumulators.len(),
                window,
                tail,
            };
            // SAFETY: the assembly writes `count` accumulators, borrowed mutably. It reads segments of 256 bytes: `whole`
            // ones from `window` on and the tail, or the tail alone where there is no whole one; both are borrowed.
            // It reads the lists from `next` on: counts only at or before `end`, two bytes before the end of the slice,
            // and positions only where they end at or before `end`; else it stops before the row.
            unsafe {
                match lists.is_signed {
                    #[cfg(feature = "ternary")]
                    true => assembly::signed_list_rows(&mut job),
                    #[cfg(feature = "sparse-binary")]
                    false => assembly::list_rows(&mut job),
                    #[cfg(not(all(feature = "ternary", feature = "sparse-binary")))]
                    _ => {}
                }
            }
            done = accumulators.len().wrapping_sub(job.count);
            lists.rest = lists.rest.get(job.next.addr().wrapping_sub(next.addr())..).unwrap_or_default();
        }
        // The last rows, whose ends are checked byte by byte.
        portable::add_listed(lists, worth, accumulators.get_mut(done..).unwrap_or_default());
    }

    #[cfg(all(thumb_dsp, feature = "integer"))]
    fn dot(window: &[u32], weights: &[u32], bias: i32) -> i32 {
        let words = window.len().min(weights.len());
        if words == 0 {
            return 0;
        }
        // In both halves, taken off.
        let less = (bias.wrapping_neg() as u32 & 0xffff).wrapping_mul(0x0001_0001);
        // SAFETY: both slices have at least `words` words, which is not 0; the assembly writes nothing.
        unsafe { dsp::dot(window.as_ptr(), weights.as_ptr(), words, less) }
    }
}
