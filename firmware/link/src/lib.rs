#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "runtime")]
mod accelerator;
#[cfg(feature = "async")]
pub mod asynch;
mod crc;
mod error;
mod exchange;
mod frame;
mod identity;
mod link;
pub mod protocol;
#[cfg(feature = "runtime")]
pub mod server;
#[cfg(any(feature = "uart", feature = "async", feature = "runtime"))]
mod slip;
mod spi;
#[cfg(feature = "uart")]
mod uart;
mod wire;

#[cfg(feature = "runtime")]
pub use accelerator::Accelerator;
pub use crc::crc32;
pub use error::LinkError;
pub use exchange::{Counts, Session};
pub use frame::{Frame, Request};
pub use identity::Identity;
pub use link::Link;
pub use spi::SpiWire;
#[cfg(feature = "uart")]
pub use uart::UartWire;
pub use wire::{Patience, Received, Wire};
