//! Programs for real chips: every image is what its chip starts, and tests itself where it can be started.
#![forbid(unsafe_code)]

mod booted;
mod images;
mod qemu;
mod sensed;
mod served;

use bitfab_format::{align, digest};

/// The model of a board for which nobody chooses one.
const MODEL: &[u8] = include_bytes!("../../../tests/vectors/chain_of_2.bfab");

/// What every program tells first.
fn greeting(board: &str) -> String {
    format!("bitfab {} {board} model {:08x}\n", env!("CARGO_PKG_VERSION"), digest(&align(MODEL)))
}
