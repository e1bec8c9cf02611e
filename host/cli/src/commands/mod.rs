//! One file a command: its arguments, its examples, and one run.

mod accelerator;
pub mod bench;
pub mod bitstream;
pub mod compile;
pub mod cosim;
pub mod data;
pub mod demo;
pub mod eval;
pub mod import;
pub mod inspect;
pub mod new;
pub mod run;
pub mod synth;
pub mod train;
pub mod uf2;
pub mod verify;
pub mod verilog;
