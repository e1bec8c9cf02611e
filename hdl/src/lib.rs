#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod array;
pub mod circuit;
mod engine;
mod error;
mod front;
mod machine;
mod options;
mod program;
mod sender;
mod sequencer;
mod top;

pub use array::{ArrayBlock, lane_verilog};
pub use engine::{Engine, verilog};
pub use error::HdlError;
pub use front::FrontBlock;
pub use machine::{Activity, Cycles, Machine, Ports, Written, cycles};
pub use options::Options;
pub use program::{Job, Program, Row};
pub use sender::SenderBlock;
pub use sequencer::SequencerBlock;
