//! The instructions of each core: the only unsafe code of the crate.
#![allow(unsafe_code)]

mod portable;

#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
mod host;

pub(crate) use portable::{count_and, count_xor};

#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
pub(crate) use host::add_counts;
#[cfg(not(all(not(target_os = "none"), target_arch = "x86_64")))]
pub(crate) use portable::add_counts;
