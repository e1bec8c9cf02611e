//! The instructions of each core: the only unsafe code of the crate.
//!
//! A core is a type that implements [`Core`]: what it does not do better is done by [`portable`]. [`Native`] is the one
//! that the crate is built for.
#![allow(unsafe_code)]

#[cfg(thumb)]
mod arm;
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
mod host;
mod portable;

use crate::join::Join;
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
pub(crate) use portable::{Lists, SEGMENT};

/// The core that this crate is built for.
#[cfg(thumb)]
pub(crate) type Native = arm::Cortex;
/// The core that this crate is built for.
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
pub(crate) type Native = host::Laptop;
/// The core that this crate is built for.
#[cfg(not(any(thumb, all(not(target_os = "none"), target_arch = "x86_64"))))]
pub(crate) type Native = Portable;

/// Any core: no instruction but those that Rust knows.
#[allow(dead_code)] // cores with a file of their own replace it
pub(crate) struct Portable;

impl Core for Portable {}

/// The inner loops of all kernels. Rows that are missing or too short leave their accumulators as they are.
///
/// Whatever a core does instead must give the same bits; `tests/fast_is_reference.rs` runs it against the reference, on
/// a laptop and in an emulator of the core.
pub(crate) trait Core {
    /// Most words of a window of [`Core::add`].
    const LIMIT: usize = portable::LIMIT;
    /// Most words of weights of [`Core::add_bytes`].
    const BYTES_LIMIT: usize = portable::BYTES_LIMIT;

    /// The contract of [`crate::dot::add_counts`] for windows of at most `LIMIT` words.
    #[inline(always)]
    fn add(join: Join, scale: i32, window: &[u32], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
        portable::add(join, scale, window, rows, stride, accumulators);
    }

    /// Adds to each accumulator twice the sum of the bytes of the window where its row has a one, for windows of at most
    /// `BYTES_LIMIT` words of weights; byte `i` of the window meets bit `i % 32` of word `i / 32` of a row.
    #[inline(always)]
    fn add_bytes(window: &[[u32; 8]], rows: &[u32], stride: usize, accumulators: &mut [i32]) {
        portable::add_bytes(window, rows, stride, accumulators);
    }

    /// Fills each accumulator with `scale x sum + each x ones + base`: the sum of the bytes at the listed positions and
    /// the number of these, each less the negative ones.
    #[cfg(any(feature = "sparse-binary", feature = "ternary"))]
    #[inline(always)]
    fn add_listed(lists: &mut Lists<'_, '_>, scale_each_base: [i32; 3], accumulators: &mut [i32]) {
        portable::add_listed(lists, scale_each_base, accumulators);
    }

    /// The sum of the products of the bytes of the window, less the bias, and the weights, signed bytes, as far as there
    /// are both.
    #[cfg(feature = "integer")]
    #[inline(always)]
    fn dot(window: &[u32], weights: &[u32], bias: i32) -> i32 {
        portable::dot(window, weights, bias)
    }
}
