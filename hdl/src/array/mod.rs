//! The array: activation memory, weights, lanes, packer.

mod core;
mod lane_text;
mod lanes;
mod leaf;
mod text;

pub(crate) use core::Array;
pub use leaf::ArrayBlock;
