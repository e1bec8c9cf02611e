//! The link: the accelerator behind the wires of a board, SPI or UART.
//!
//! An endpoint turns a wire into the bytes of frames, the command block turns frames into inferences; both are the same for
//! all models but for a few constants.

mod chip;
mod command;
mod crc;
pub(crate) mod digests;
mod flash;
mod identity;
mod linked;
mod pace;
mod spi;
mod uart;

pub use chip::{SpiChip, UartChip};
pub use flash::FLASH_OFFSET;
pub use identity::identity;
