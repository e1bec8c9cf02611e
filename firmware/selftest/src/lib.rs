#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "build")]
extern crate std;

#[cfg(feature = "build")]
pub mod build;
mod check;
mod serve;
mod signs;

pub use check::SelfTest;
pub use signs::{Health, halt};
