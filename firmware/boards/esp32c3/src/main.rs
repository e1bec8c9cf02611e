//! An ESP32-C3: a self-test, then an accelerator behind SPI2 against the software, told over UART0, which
//! then serves the model.
//!
//! Pins: 2 MISO, 6 clock, 7 MOSI, 10 chip select, 21 what is told and 20 what is asked (115,200 baud, a DevKit's USB); a
//! LED at 8 blinks slowly if all is well (the DevKit's own there takes colours, and stays dark).
#![no_std]
#![no_main]

use bitfab_link::{Patience, SpiWire};
use bitfab_selftest::halt;
use embedded_hal::delay::DelayNs;
use embedded_hal_bus::spi::ExclusiveDevice;
use esp_hal::delay::Delay;
use esp_hal::gpio::{Level, Output, OutputConfig};
use esp_hal::spi::Mode;
use esp_hal::spi::master::{self, Spi};
use esp_hal::time::Rate;
use esp_hal::uart::{self, Uart};
use panic_halt as _;

// SELF_TEST, which build.rs made of the model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));
// What the second-stage boot loader reads.
esp_bootloader_esp_idf::esp_app_desc!();

#[esp_hal::main]
fn main() -> ! {
    let chip = esp_hal::init(esp_hal::Config::default());
    let mut delay = Delay::new();
    let mut led = Output::new(chip.GPIO8, Level::Low, OutputConfig::default());
    let Ok(out) = Uart::new(chip.UART0, uart::Config::default().with_baudrate(115_200)) else { halt() };
    let mut out = out.with_tx(chip.GPIO21).with_rx(chip.GPIO20);

    // An eighth of an accelerator's 12 MHz.
    let config = master::Config::default().with_frequency(Rate::from_khz(1_500)).with_mode(Mode::_0);
    let Ok(bus) = Spi::new(chip.SPI2, config) else { halt() };
    let bus = bus.with_sck(chip.GPIO6).with_mosi(chip.GPIO7).with_miso(chip.GPIO2);
    let select = Output::new(chip.GPIO10, Level::High, OutputConfig::default());
    let Ok(device) = ExclusiveDevice::new_no_delay(bus, select);

    delay.delay_ms(100); // the FPGA configures itself
    let health = SELF_TEST.check(SpiWire::new(device, delay, Patience::default()), &mut out);
    let exchange = |byte: Option<u8>| {
        // A UART of this chip takes every byte.
        let _ = byte.map(|byte| out.write(&[byte]));
        let mut byte = [0];
        let came = out.read_ready() && out.read(&mut byte).is_ok();
        came.then_some(byte[0])
    };
    #[cfg(not(feature = "sensor"))]
    SELF_TEST.serve(health, &mut led, &mut delay, exchange);
    #[cfg(feature = "sensor")]
    {
        let config = esp_hal::i2c::master::Config::default().with_frequency(Rate::from_khz(400));
        let Ok(bus) = esp_hal::i2c::master::I2c::new(chip.I2C0, config) else { halt() };
        let bus = bus.with_sda(chip.GPIO4).with_scl(chip.GPIO5);
        let sensor = bitfab_selftest::Mpu6050::new(bus, &mut delay, SENSOR);
        SELF_TEST.sense::<VALUES, _>(health, &mut led, &mut delay, exchange, sensor)
    }
}
