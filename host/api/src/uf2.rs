//! A program for a microcontroller as the file that is dropped on its board.

use crate::Result;

/// Turns the ELF file of a program for an RP2040 into a UF2 file.
///
/// # Errors
/// [`Error::Program`](crate::Error::Program) for what is no such program, or one that the boot ROM would not start.
pub fn uf2(elf: &[u8]) -> Result<Vec<u8>> {
    Ok(bitfab_sim::uf2::uf2(elf)?)
}
