//! Cortex-M0: QEMU's microbit, 256 KiB of flash and 16 KiB of RAM.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cortex_m as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    bitfab_board::run(env!("CARGO_PKG_NAME"))
}
