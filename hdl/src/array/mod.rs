//! The array: activation memory, weights, lanes, packer.

mod core;
mod lanes;
//mod leaf;
//mod text;

pub(crate) use core::{Array, Store};
//pub use leaf::ArrayBlock;
//pub(crate) use text::{count_text, lane_text};
