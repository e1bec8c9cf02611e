//! The sequencer: walks the layer table and issues one read of activations and weights a cycle.

mod core;
mod issue;
mod layout;
mod leaf;
mod text;

pub(crate) use core::{Sequencer, State, Status};
pub(crate) use issue::{Issue, flag};
pub use leaf::SequencerBlock;
