//! Twins that wait without blocking: the same protocol, frames and bounds, driven by an executor.
//!
//! What is sent, awaited and given up is decided by the same code; here bytes are moved alone.
#![allow(async_fn_in_trait, reason = "executors of microcontrollers do not move tasks between threads")]

#[cfg(feature = "runtime")]
mod accelerator;
mod link;
mod spi;
mod uart;
mod wire;

#[cfg(feature = "runtime")]
pub use accelerator::Accelerator;
pub use link::Link;
pub use spi::SpiWire;
pub use uart::UartWire;
pub use wire::Wire;
