#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod array;
mod axis;
mod checksum;
pub mod circuit;
mod engine;
mod error;
mod front;
mod interface;
mod link;
mod loader;
mod machine;
mod memories;
mod name;
mod options;
mod ports;
mod program;
mod reads;
mod rebuilder;
mod sender;
mod sequencer;
mod sources;
mod top;
mod verilog;

pub use array::lane_verilog;
pub use axis::AxiStream;
pub use engine::SequencedEngine;
pub use error::HdlError;
pub use interface::{Interface, TopPort};
pub use link::{FLASH_OFFSET, SpiChip, UartChip, identity};
pub use machine::{Activity, CycleMachine, Cycles, Written, cycles};
pub use memories::{MemorySize, Purpose};
pub use name::ModuleName;
pub use options::{Options, Weights};
pub use ports::{LoadPorts, Ports, Stimulus, StreamByte};
pub use program::{Job, Program, Rebuild, Row, row};
pub use reads::Reads;
pub use sources::{Chip, Link, Memories, MemoryFile, Sources, Style, Wire};
pub use verilog::{chip, sources, verilog};
