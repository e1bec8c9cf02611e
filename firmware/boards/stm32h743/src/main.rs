//! An STM32H743 on a Nucleo-144: a self-test, then an accelerator behind SPI1 against the software, told over USART3,
//! which then serves the model.
//!
//! Pins: D14 (D10) chip select, B5 (D11) MOSI, A6 (D12) MISO, A5 (D13) clock, D8 what is told and D9 what is asked
//! (115,200 baud, the ST-LINK's USB); the green LED (B0) blinks slowly if all is well.
#![no_std]
#![no_main]

use bitfab_link::{Patience, SpiWire};
use bitfab_selftest::halt;
use cortex_m_rt::entry;
use embedded_hal::delay::DelayNs;
use embedded_hal_bus::spi::ExclusiveDevice;
use embedded_hal_compat::markers::ForwardOutputPin;
use embedded_hal_compat::{Forward, ForwardCompat};
use nb::block;
use panic_halt as _;
use stm32h7xx_hal::gpio::PinState;
use stm32h7xx_hal::pac::{CorePeripherals, Peripherals};
use stm32h7xx_hal::prelude::*;
use stm32h7xx_hal::spi::MODE_0;

// SELF_TEST, which build.rs made of the model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));

#[entry]
fn main() -> ! {
    let (Some(chip), Some(core)) = (Peripherals::take(), CorePeripherals::take()) else { halt() };
    let power = chip.PWR.constrain().freeze();
    let clocks = chip.RCC.constrain().sys_ck(400.MHz()).pll1_q_ck(50.MHz()).freeze(power, &chip.SYSCFG);
    let (parts, clocks) = (clocks.peripheral, clocks.clocks);
    let mut delay = core.SYST.delay(clocks).forward();
    let (a, b, d) = (chip.GPIOA.split(parts.GPIOA), chip.GPIOB.split(parts.GPIOB), chip.GPIOD.split(parts.GPIOD));
    let mut led: Forward<_, ForwardOutputPin> = b.pb0.into_push_pull_output().forward();
    let pins = (d.pd8.into_alternate::<7>(), d.pd9.into_alternate::<7>());
    let Ok(mut out) = chip.USART3.serial(pins, 115_200.bps(), parts.USART3, &clocks) else { halt() };

    let pins = (a.pa5.into_alternate::<5>(), a.pa6.into_alternate::<5>(), b.pb5.into_alternate::<5>());
    // At most an eighth of an accelerator's 12 MHz.
    let bus = chip.SPI1.spi(pins, MODE_0, 1.MHz(), parts.SPI1, &clocks).forward();
    let select: Forward<_, ForwardOutputPin> = d.pd14.into_push_pull_output_in_state(PinState::High).forward();
    let Ok(device) = ExclusiveDevice::new_no_delay(bus, select);

    delay.delay_ms(100); // the FPGA configures itself
    let health = SELF_TEST.check(SpiWire::new(device, &mut delay, Patience::default()), &mut out);
    SELF_TEST.serve(health, &mut led, &mut delay, |byte| {
        // A UART of this chip takes every byte.
        let _ = byte.map(|byte| block!(out.write(byte)));
        out.read().ok()
    })
}
