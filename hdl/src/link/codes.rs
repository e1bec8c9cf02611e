//! The numbers of the link's protocol.

/// The version of the protocol.
pub(crate) const VERSION: u8 = 1;

/// Requests, by their first byte: who are you, compute, forget what is under way.
pub(crate) const IDENTIFY: u8 = 0x11;
pub(crate) const INFER: u8 = 0x12;
pub(crate) const DRAIN: u8 = 0x13;

/// Answers are this and a status of two bits: done, not whole, not known, no weights.
pub(crate) const STATUS: u8 = 0xa0;

/// States that SPI shows, any two of them at least three bits apart.
pub(crate) const IDLE: u8 = 0x1d;
pub(crate) const BUSY: u8 = 0xb5;
pub(crate) const READY: u8 = 0xd1;

/// What a transaction of SPI begins with.
pub(crate) const WRITE: u8 = 0x57;
pub(crate) const READ: u8 = 0x52;

/// SLIP (RFC 1055): what ends a frame, what precedes a replaced byte, and what replaces the two.
pub(crate) const END: u8 = 0xc0;
pub(crate) const ESCAPE: u8 = 0xdb;
pub(crate) const ESCAPED_END: u8 = 0xdc;
pub(crate) const ESCAPED_ESCAPE: u8 = 0xdd;
