//! The sender: keeps finished words until the caller takes them, byte by byte.

mod core;
mod leaf;
mod text;

pub(crate) use core::Sender;
pub use leaf::SenderBlock;
