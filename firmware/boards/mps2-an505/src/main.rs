//! Cortex-M33: QEMU's mps2-an505.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cortex_m as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    bitfab_board::run(env!("CARGO_PKG_NAME"))
}
