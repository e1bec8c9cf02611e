//! The smallest firmware that runs a model.
//!
//! A template for a real board: it takes the model and an image from their partitions and keeps the class.
//! `firmware/boards/size` holds what the library adds to its `.text`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use bitfab_board_platform as platform;
use bitfab_runtime::{Model, run};
use panic_never as _;

#[cfg(target_arch = "arm")]
use {cortex_m as _, cortex_m_rt::entry};
#[cfg(target_arch = "riscv32")]
use {riscv as _, riscv_rt::entry};

#[entry]
fn main() -> ! {
    black_box(classify());
    loop {
        core::hint::spin_loop();
    }
}

/// The class of the image; `None` where a partition does not hold what it should.
fn classify() -> Option<usize> {
    let model = Model::at_start(platform::model()).ok()?;
    let image = platform::images().get(..model.input_bytes())?;
    let output = run(&model, image, platform::take_arena()?, &mut ()).ok()?;
    Some(output.arg_max())
}
