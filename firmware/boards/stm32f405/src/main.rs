//! An STM32F405 on a pyboard: a self-test, then an accelerator behind SPI1 against the software, told over USART1,
//! which then serves the model.
//!
//! Pins: A4 (X5) chip select, A5 (X6) clock, A6 (X7) MISO, A7 (X8) MOSI, B6 (X9) what is told and B7 (X10) what is asked
//! (115,200 baud); the blue LED (B4) blinks slowly if all is well.
#![no_std]
#![no_main]

use bitfab_link::{Patience, SpiWire};
use bitfab_selftest::halt;
use cortex_m_rt::entry;
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::MODE_0;
use embedded_hal_bus::spi::ExclusiveDevice;
use embedded_hal_nb::nb::block;
use embedded_hal_nb::serial::{Read, Write};
use panic_halt as _;
use stm32f4xx_hal::gpio::PinState;
use stm32f4xx_hal::pac::{CorePeripherals, Peripherals};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

// SELF_TEST, which build.rs made of the model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));

#[entry]
fn main() -> ! {
    let (Some(chip), Some(core)) = (Peripherals::take(), CorePeripherals::take()) else { halt() };
    // 16 MHz of the chip's own; `.sysclk(168.MHz())` is the PLL, for which an emulator would wait for ever.
    let mut clocks = chip.RCC.freeze(Config::hsi());
    let mut delay = core.SYST.delay(&clocks.clocks);
    let (a, b) = (chip.GPIOA.split(&mut clocks), chip.GPIOB.split(&mut clocks));
    let mut led = b.pb4.into_push_pull_output();
    let Ok(mut out) = chip.USART1.serial((b.pb6, b.pb7), 115_200.bps(), &mut clocks) else { halt() };

    // At most an eighth of an accelerator's 12 MHz.
    let bus = chip.SPI1.spi((Some(a.pa5), Some(a.pa6), Some(a.pa7)), MODE_0, 1.MHz(), &mut clocks);
    let Ok(device) = ExclusiveDevice::new_no_delay(bus, a.pa4.into_push_pull_output_in_state(PinState::High));

    delay.delay_ms(100); // the FPGA configures itself
    let health = SELF_TEST.check(SpiWire::new(device, &mut delay, Patience::default()), &mut out);
    let exchange = |byte: Option<u8>| {
        // A UART of this chip takes every byte.
        let _ = byte.map(|byte| block!(out.write(byte)));
        out.read().ok()
    };
    #[cfg(not(feature = "sensor"))]
    SELF_TEST.serve(health, &mut led, &mut delay, exchange);
    #[cfg(feature = "sensor")]
    {
        let bus = chip.I2C1.i2c((b.pb8, b.pb9), 400.kHz(), &mut clocks);
        let sensor = bitfab_selftest::Mpu6050::new(bus, &mut delay, SENSOR);
        SELF_TEST.sense::<VALUES, _>(health, &mut led, &mut delay, exchange, sensor)
    }
}
