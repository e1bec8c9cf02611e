//! The instructions of each core: the only unsafe code of the crate.
//!
//! Every core has one function, `add`, with the contract of [`crate::dot::add_counts`] for windows of at most
//! `LIMIT` words.
#![allow(unsafe_code)]

#[cfg(thumb)]
mod arm;
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
mod host;
mod portable;

#[cfg(thumb)]
pub(crate) use arm::add;
#[cfg(all(not(target_os = "none"), target_arch = "x86_64"))]
pub(crate) use host::add;
pub(crate) use portable::LIMIT;
#[cfg(not(any(thumb, all(not(target_os = "none"), target_arch = "x86_64"))))]
pub(crate) use portable::add;
