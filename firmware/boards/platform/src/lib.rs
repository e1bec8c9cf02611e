//! The few lines of a board that Rust cannot check: partitions, arena, counting markers.
//!
//! Everything else under `boards/` forbids `unsafe`.
//! The addresses come from the board's linker script alone: `memory.x` defines `__model_start`, `__model_end`,
//! `__images_start`, `__images_end`, `__arena_start` and `__arena_end`, all multiples of 4.
#![no_std]

mod arch;
mod memory;

pub use arch::{begin, end, lap};
pub use memory::{images, model, take_arena};
