//! Cortex-M4F: QEMU's mps2-an386, logging through defmt.
//!
//! The same partitions as the plain program, but the output is a stream of defmt frames: the runtime logs every
//! layer at level `trace`, this program every image at level `info`.
//! `defmt-print -e ELF` decodes them.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use bitfab_board_bench::{Images, Stop};
use bitfab_board_platform as platform;
use bitfab_runtime::{Model, run};
use cortex_m as _;
use defmt_semihosting as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    let code = match log_images() {
        Ok(()) => 0,
        Err(stop) => {
            defmt::error!("{}", defmt::Display2Format(&stop));
            stop.code()
        }
    };
    semihosting::process::exit(code)
}

/// Runs every image and logs its class.
fn log_images() -> Result<(), Stop> {
    let model = Model::at_start(platform::model())?;
    let arena = platform::take_arena().ok_or(Stop::ArenaTaken)?;
    defmt::info!("model of {} layers, arena of {} words", model.layer_count(), model.arena_words());
    for (index, image) in Images::new(platform::images())?.iter().enumerate() {
        let output = run(&model, image, arena, &mut ())?;
        defmt::info!("image {}: class {}", index, output.arg_max());
    }
    Ok(())
}
