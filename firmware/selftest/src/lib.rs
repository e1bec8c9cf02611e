#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "build")]
extern crate std;

#[cfg(feature = "build")]
pub mod build;
mod check;
#[cfg(feature = "sensor")]
mod mpu6050;
#[cfg(feature = "sensor")]
mod sense;
mod serve;
mod signs;

pub use check::SelfTest;
#[cfg(feature = "sensor")]
pub use mpu6050::{Mpu6050, SensorError, Settings};
#[cfg(feature = "sensor")]
pub use sense::Sensor;
pub use signs::{Health, halt};
