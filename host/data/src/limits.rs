//! How much is read at all.

/// The most bytes that one unpacked part of a data set may have (1 GiB).
pub const MAX_BYTES: u64 = 1 << 30;
