//! Cortex-M3: QEMU's mps2-an385; built for thumbv6m it also stands in for a large Cortex-M0.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cortex_m as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    bitfab_board::run(env!("CARGO_PKG_NAME"))
}
