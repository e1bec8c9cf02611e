//! Microcontrollers in QEMU: the same firmware as on a board, run on any model.
//!
//! ```no_run
//! use bitfab_sim::qemu::{Board, RunOptions, Qemu};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = std::fs::read("digits.bfab")?;
//! let image = vec![0; 64];
//! let inferences = Qemu::new(Board::M4)?.run(&model, &[&image], &RunOptions::default())?;
//! println!("{:?}", inferences[0]);
//! # Ok(())
//! # }
//! ```
//!
//! Instructions are counted exactly by an own QEMU plugin (`sim/qemu/count.c`), which a C compiler builds when it is
//! first needed.
//! They are retired instructions of an emulator without a pipeline, never cycles.
//! Without a plugin (a QEMU built without them, or newer than 8.2) set [`RunOptions::counted`] to 0; a count can then
//! still be had by hand with `-icount shift=7` and a timer, as `firmware/boards/README.md` explains.

pub mod bench;
mod board;
mod build;
mod chip;
mod emulator;
mod engine;
mod error;
mod files;
mod output;
mod plugin;
mod process;
mod told;
mod tool;

pub use board::Board;
pub use build::{Profile, boards_folder, build, target_folder};
pub use chip::{Chip, loaded};
pub use emulator::{Qemu, RunOptions};
pub use error::QemuError;
pub use output::{Count, Counts, Inference, Scores};
pub use told::{emulated, told};
