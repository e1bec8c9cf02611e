//! The smallest firmware that asks an accelerator, over SPI and over UART.
//!
//! A real board asks over one of them, through its own peripherals; both are here so that the size of both is seen.
//! `firmware/boards/size` holds what the driver takes.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../../peripherals.rs"]
mod peripherals;

use core::hint::black_box;

use bitfab_link::{Link, LinkError, Patience, SpiWire, UartWire, Wire};
use panic_never as _;
use peripherals::Peripheral;

#[cfg(target_arch = "arm")]
use {cortex_m as _, cortex_m_rt::entry};
#[cfg(target_arch = "riscv32")]
use {riscv as _, riscv_rt::entry};

/// CRC-32 of the model that the accelerator must hold, bytes of an input and of a result.
const MODEL: u32 = 0x72ad_2d8d;
const INPUT: usize = 64;
const OUTPUT: usize = 40;

#[entry]
fn main() -> ! {
    let mut spi = Link::new(SpiWire::new(Peripheral, Peripheral, Patience::default()));
    let mut uart = Link::new(UartWire::new(Peripheral, Peripheral, Patience::default()));
    let mut scores = [0; OUTPUT];
    loop {
        black_box(ask(&mut spi, &mut scores).is_ok());
        black_box(ask(&mut uart, &mut scores).is_ok());
        black_box(&scores);
    }
}

/// One inference, after the first question that an accelerator must be asked.
fn ask<W: Wire>(link: &mut Link<W>, scores: &mut [u8; OUTPUT]) -> Result<(), LinkError<W::Error>> {
    if link.identity().is_none() {
        link.connect(MODEL)?;
    }
    link.infer(&black_box([0; INPUT]), scores)
}
