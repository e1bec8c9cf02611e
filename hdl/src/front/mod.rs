//! The front: takes the bytes of frames and makes patches of them, planes or thermometer codes,
//! while the array still works on the frame before.

mod core;
mod leaf;
mod source;
mod source_text;
mod text;

pub(crate) use core::{Byte, Front};
pub use leaf::FrontBlock;
