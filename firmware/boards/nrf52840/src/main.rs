//! An nRF52840 on Nordic's DK: a self-test, then an accelerator behind SPIM2 against the software, told over UARTE0,
//! which then serves the model.
//!
//! Pins: P1.12 (D10) chip select, P1.13 (D11) MOSI, P1.14 (D12) MISO, P1.15 (D13) clock, P0.06 what is told and P0.08 what
//! is asked (115,200 baud, the DK's USB); LED1 (P0.13) blinks slowly if all is well.
#![no_std]
#![no_main]

use bitfab_link::{Patience, SpiWire};
use bitfab_selftest::halt;
use cortex_m::singleton;
use cortex_m_rt::entry;
use embedded_hal::delay::DelayNs;
use embedded_hal_bus::spi::ExclusiveDevice;
use embedded_io::{Read, ReadReady, Write};
use nrf52840_hal::gpio::{Level, p0, p1};
use nrf52840_hal::pac::Peripherals;
use nrf52840_hal::spim::{self, Frequency, MODE_0, Spim};
#[cfg(feature = "sensor")]
use nrf52840_hal::twim;
use nrf52840_hal::uarte::{self, Baudrate, Parity, Uarte};
use nrf52840_hal::{Clocks, Timer};
use panic_halt as _;

// SELF_TEST, which build.rs made of the model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));

#[entry]
fn main() -> ! {
    let Some(chip) = Peripherals::take() else { halt() };
    let _clocks = Clocks::new(chip.CLOCK).enable_ext_hfosc(); // the crystal, for the UART
    let (a, b) = (p0::Parts::new(chip.P0), p1::Parts::new(chip.P1));
    let mut timer = Timer::new(chip.TIMER0);
    let mut led = a.p0_13.into_push_pull_output(Level::High);

    let txd = a.p0_06.into_push_pull_output(Level::High).degrade();
    let pins = uarte::Pins { txd, rxd: a.p0_08.into_floating_input().degrade(), cts: None, rts: None };
    let uart = Uarte::new(chip.UARTE0, pins, Parity::EXCLUDED, Baudrate::BAUD115200);
    let (Some(sent), Some(came)) = (singleton!(: [u8; 1] = [0]), singleton!(: [u8; 1] = [0])) else { halt() };
    let Ok((mut out, mut rx)) = uart.split(sent, came) else { halt() };

    let pins = spim::Pins {
        sck: Some(b.p1_15.into_push_pull_output(Level::Low).degrade()),
        mosi: Some(b.p1_13.into_push_pull_output(Level::Low).degrade()),
        miso: Some(b.p1_14.into_floating_input().degrade()),
    };
    // At most an eighth of an accelerator's 12 MHz.
    let bus = Spim::new(chip.SPIM2, pins, Frequency::M1, MODE_0, 0);
    let Ok(device) = ExclusiveDevice::new_no_delay(bus, b.p1_12.into_push_pull_output(Level::High));

    timer.delay_ms(100); // the FPGA configures itself
    let health = SELF_TEST.check(SpiWire::new(device, &mut timer, Patience::default()), &mut out);
    let exchange = |byte: Option<u8>| {
        // A UART of this chip takes every byte.
        let _ = byte.map(|byte| out.write(&[byte]));
        let mut byte = [0];
        let came = rx.read_ready().is_ok_and(|is_ready| is_ready) && rx.read(&mut byte).is_ok();
        came.then_some(byte[0])
    };
    #[cfg(not(feature = "sensor"))]
    SELF_TEST.serve(health, &mut led, &mut timer, exchange);
    #[cfg(feature = "sensor")]
    {
        let pins =
            twim::Pins { sda: a.p0_26.into_floating_input().degrade(), scl: a.p0_27.into_floating_input().degrade() };
        let bus = twim::Twim::new(chip.TWIM0, pins, twim::Frequency::K400);
        let sensor = bitfab_selftest::Mpu6050::new(bus, &mut timer, SENSOR);
        SELF_TEST.sense::<VALUES, _>(health, &mut led, &mut timer, exchange, sensor)
    }
}
