//! The program of every bench board: each package beside this folder builds it for its core and memory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[cfg(target_arch = "arm")]
use {cortex_m as _, cortex_m_rt::entry};
#[cfg(target_arch = "riscv32")]
use {riscv as _, riscv_rt::entry};

#[entry]
fn main() -> ! {
    bitfab_board_bench::run(env!("CARGO_PKG_NAME"))
}
