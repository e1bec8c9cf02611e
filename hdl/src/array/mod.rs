//! The array: activation memory, weights, lanes, packer.

mod core;
mod lane_text;
mod lanes;
mod leaf;
mod reads_text;
mod scaler;
mod scaler_text;
mod text;

pub(crate) use core::Array;
pub use lane_text::lane_verilog;
pub use leaf::ArrayBlock;
