//! What every board does: read the model partition, run the images, print what came out.
//!
//! Nothing is linked in: a debugger or an emulator puts a model file and a file of images into two partitions,
//! so one program serves every model, as in a product that updates its model in the field.
//!
//! Output, one fact a line, through semihosting:
//!
//! ```text
//! board mps2-an386
//! model 4812 bytes 5 layers
//! arena 196 bytes of 4194304
//! digest 0 2 89abcdef             image, layer, CRC-32 of the layer's output
//! image 0 class 7 scores -3 12    or, for packed outputs: image 0 packed 0000ffff
//! input 0 89abcdef clamped 2      the CRC-32 of the bytes that a row of real values or counts was coded to on this
//!                                 core, filled up with zeros, and how many values were moved to a limit
//! done 1
//! ```
//!
//! An error is one line, `error: ...`, and an exit code: 2 the model, 3 the images, 4 the arena or the run.
#![no_std]
#![forbid(unsafe_code)]

mod console;
mod counted;
mod images;
mod row;
mod session;
mod stop;

pub use counted::counted;
pub use images::{Images, ImagesError, Values};
pub use row::{Memory, Row};
pub use stop::Stop;

use console::Console;

/// Runs every image through the model, prints, and ends the program.
pub fn run(board: &str) -> ! {
    let mut console = Console::new();
    let code = match session::run(board, &mut console) {
        Ok(()) => 0,
        Err(stop) => {
            console.line(format_args!("error: {stop}"));
            stop.code()
        }
    };
    semihosting::process::exit(code)
}
