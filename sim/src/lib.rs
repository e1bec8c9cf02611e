#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod asked;
pub mod board;
pub mod chip;
pub mod cosim;
pub mod device;
pub mod engine;
pub mod error;
pub mod linked;
pub mod netlist;
pub mod programs;
pub mod qemu;
pub mod replay;
pub mod rtl;
pub mod software;
pub mod synth;
pub mod uf2;
pub mod verify;

pub use engine::{CodedRow, Engine, Evidence, Rows, Run};
pub use error::SimError;
