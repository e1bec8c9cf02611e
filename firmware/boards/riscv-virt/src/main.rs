//! RV32IMAC: QEMU's virt machine without firmware.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use riscv as _;

#[riscv_rt::entry]
fn main() -> ! {
    bitfab_board::run(env!("CARGO_PKG_NAME"))
}
