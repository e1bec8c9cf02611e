//! The instructions of each core: the only unsafe code of the crate.
//!
//! Every core has the same four functions:
//! `add` with the contract of [`crate::dot::add_counts`] for windows of at most `LIMIT` words, and
//! `add_bytes(window, rows, stride, accumulators)`, which adds to each accumulator twice the sum of the bytes of the
//! window where its row has a one, for windows of at most `BYTES_LIMIT` words of weights.
//! Byte `i` of the window meets bit `i % 32` of word `i / 32` of a row.
//! `add_listed(lists, [scale, each, base], accumulators)` fills each accumulator with `scale x sum + each x ones + base`:
//! the sum of the bytes at the listed positions and the number of these, each less the negative ones.
//! `dot(window, weights, bias)` is the sum of the products of the bytes of the window, less the bias, and the weights,
//! signed bytes, as far as there are both.
//! Rows that are missing or too short leave their accumulators as they are.
#![allow(unsafe_code)]

#[cfg(thumb)]
mod arm;
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
mod host;
mod portable;

#[cfg(thumb)]
pub(crate) use arm::{add, add_bytes};
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
pub(crate) use host::{add, add_bytes};
pub(crate) use portable::{BYTES_LIMIT, LIMIT};
#[cfg(not(any(thumb, all(not(target_os = "none"), target_arch = "x86_64"))))]
pub(crate) use portable::{add, add_bytes};

#[cfg(all(thumb = "2", any(feature = "sparse-binary", feature = "ternary")))]
pub(crate) use arm::add_listed;
#[cfg(all(thumb_dsp, feature = "integer"))]
pub(crate) use arm::dot;
#[cfg(all(not(thumb = "2"), any(feature = "sparse-binary", feature = "ternary")))]
pub(crate) use portable::add_listed;
#[cfg(all(not(thumb_dsp), feature = "integer"))]
pub(crate) use portable::dot;
#[cfg(any(feature = "sparse-binary", feature = "ternary"))]
pub(crate) use portable::{Lists, SEGMENT};
