//! The bytes of `PROTOCOL.md`, version 1.

/// The version that this crate speaks; the high four bits of every command.
pub const VERSION: u8 = 1;
/// Bytes of a frame that are no payload: command or status, sequence number, CRC-32.
pub const OVERHEAD: usize = 6;

/// Who is there: [`crate::Identity`].
pub const IDENTIFY: u8 = 0x11;
/// One inference.
pub const INFER: u8 = 0x12;
/// Answered once nothing of former requests is left.
pub const DRAIN: u8 = 0x13;
/// One digest a layer of the last inference.
pub const DIGESTS: u8 = 0x14;
/// The weights, from the microcontroller.
pub const LOAD: u8 = 0x15;

/// The answer to the request.
pub const OK: u8 = 0xA0;
/// The request did not arrive whole.
pub const CORRUPT: u8 = 0xA1;
/// The command is not known.
pub const UNKNOWN: u8 = 0xA2;
/// What the command needs is missing: weights, or an inference to give digests of.
pub const MISSING: u8 = 0xA3;

/// SPI: there is no answer, and none will come.
pub const STATE_IDLE: u8 = 0x1D;
/// SPI: an answer will come.
pub const STATE_BUSY: u8 = 0xB5;
/// SPI: an answer can be read.
pub const STATE_READY: u8 = 0xD1;
/// SPI: first byte of a transaction in which a request follows.
pub const SPI_REQUEST: u8 = 0x57;
/// SPI: first byte of a transaction that asks for the state, and reads the answer if it is longer.
pub const SPI_READ: u8 = 0x52;

/// SLIP: ends a frame.
pub const SLIP_END: u8 = 0xC0;
/// SLIP: the next byte stands for another.
pub const SLIP_ESCAPE: u8 = 0xDB;
/// SLIP: after the escape, [`SLIP_END`].
pub const SLIP_ESCAPED_END: u8 = 0xDC;
/// SLIP: after the escape, [`SLIP_ESCAPE`].
pub const SLIP_ESCAPED_ESCAPE: u8 = 0xDD;

/// Flag of [`crate::Identity`]: digests are there.
pub const FLAG_DIGESTS: u8 = 1;
/// Flag of [`crate::Identity`]: weights can be loaded.
pub const FLAG_LOADER: u8 = 2;
/// Flag of [`crate::Identity`]: software answers.
pub const FLAG_SOFTWARE: u8 = 4;
