//! What can go wrong between a model and its result in QEMU.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Board;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QemuError {
    /// A program is not installed.
    #[error("`{program}` was not found: install the Debian package `{package}`")]
    Missing {
        /// The program.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// The boards' sources are gone.
    #[error("the boards' sources are not at {}: run bitfab from a checkout", .path.display())]
    Sources {
        /// Where they were when this program was built.
        path: PathBuf,
    },
    /// The firmware did not build.
    #[error("the firmware `{package}` does not build for {target}{hint}:\n{output}")]
    Build {
        /// Package under `firmware/boards`.
        package: String,
        /// Rust target.
        target: String,
        /// What to do about it, where that is known.
        hint: String,
        /// What Cargo said.
        output: String,
    },
    /// The counting plugin did not compile.
    #[error("the counting plugin sim/qemu/count.c does not compile:\n{output}")]
    Plugin {
        /// What the compiler said.
        output: String,
    },
    /// The firmware's ELF file is not what the linker scripts make.
    #[error("{}: {what}", .path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The model or an image is larger than the board's partition.
    #[error("{board}: {what} takes {need} bytes, the board's partition holds {have}: choose a board with more memory")]
    TooLarge {
        /// The board.
        board: Board,
        /// `the model` or `one image`.
        what: &'static str,
        /// Its bytes.
        need: usize,
        /// Bytes of the partition.
        have: usize,
    },
    /// The firmware refused the model or the images.
    #[error("{board}: {message}")]
    Refused {
        /// The board.
        board: Board,
        /// The firmware's error line.
        message: String,
    },
    /// QEMU or the firmware stopped unexpectedly.
    #[error("{board}: {what}; it printed:\n{output}")]
    Crashed {
        /// The board.
        board: Board,
        /// How it ended.
        what: String,
        /// All that it printed.
        output: String,
    },
    /// It ran for too long.
    #[error("{board}: no end after {} s: give fewer images or a longer timeout", .limit.as_secs())]
    Timeout {
        /// The board.
        board: Board,
        /// The time it had.
        limit: Duration,
    },
    /// The output is not what the firmware prints.
    #[error("{board}: unexpected output, {what}: `{line}`")]
    Output {
        /// The board.
        board: Board,
        /// What is wrong.
        what: &'static str,
        /// The line.
        line: String,
    },
}
