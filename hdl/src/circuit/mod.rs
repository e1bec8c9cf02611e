//! A circuit as a value: one description from which come the Verilog text, the simulation's step and every mutant.
//!
//! A [`Builder`] makes [`Wire`]s of exact widths; nothing is extended or cut in silence, and a mistake panics where the
//! circuit is described, before anything is simulated or printed.
//! Constants fold while the description runs, and what no output needs is gone when it is finished.

mod block;
mod builder;
mod code;
mod compute;
mod fold;
mod literal;
mod logic;
mod memory;
mod mutant;
mod names;
mod node;
mod op;
mod part;
mod rows;
mod step;
mod store;
mod verilog;
mod wire;

pub(crate) use block::{Port, block, with_ports};
pub use builder::Builder;
pub(crate) use logic::count as count_logic;
pub use logic::{LogicCells, Placement};
pub use memory::Memory;
pub use mutant::Mutant;
pub(crate) use names::keyword;
pub use node::Circuit;
pub(crate) use part::{LOADED, LOGIC, NO_COLLISION};
pub(crate) use rows::Rows;
pub use step::Simulation;
pub(crate) use verilog::memory_macros;
pub use wire::Wire;

/// Bits that hold `max`, at least one.
pub(crate) fn width(max: u64) -> u32 {
    (64 - max.leading_zeros()).max(1)
}
