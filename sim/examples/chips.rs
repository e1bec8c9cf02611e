//! Bytes of every microcontroller board's image with a model: `cargo run --release -p bitfab-sim --example chips -- MODEL`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::absolute;

use bitfab_sim::qemu::{Chip, loaded};

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args().nth(1).map(absolute).transpose()?;
    println!("| board | chip | core | bytes |\n| --- | --- | --- | --- |");
    for chip in Chip::ALL {
        let elf = std::fs::read(chip.build(model.as_deref(), None)?)?;
        let bytes: usize = loaded(&elf).iter().map(|(_, bytes)| bytes.len()).sum();
        println!("| `{}` | {} | {} | {bytes} |", chip.name, chip.chip, chip.core);
    }
    Ok(())
}
