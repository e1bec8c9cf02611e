//! The sequencer: walks the layer table and issues one read of activations and weights a cycle.

mod core;
mod issue;
mod layout;
mod leaf;
mod state;
mod text;

pub(crate) use core::Sequencer;
pub(crate) use issue::{Issue, flag};
pub use leaf::SequencerBlock;
pub(crate) use state::{State, Status};
