//! The accelerator in rust-hdl.
#![forbid(unsafe_code)]

mod array;
mod error;
mod front;
mod machine;
mod options;
mod program;
mod sender;
mod sequencer;

pub use error::HdlError;
pub use machine::{Activity, Cycles, Machine, Ports, Written, cycles};
pub use options::Options;
pub use program::{Job, Program, Row};
