//! A Raspberry Pi Pico 2, on its Cortex-M33: a self-test, then an accelerator behind SPI0 against the software, told over UART0,
//! which then serves the model.
//!
//! Pins: 16 MISO, 17 chip select, 18 clock, 19 MOSI, 0 what is told and 1 what is asked (115,200 baud);
//! 4 SDA and 5 SCL of an MPU-6050 with the feature `sensor`; the LED blinks slowly if all is well.
#![no_std]
#![no_main]

use bitfab_link::{Patience, SpiWire};
use bitfab_selftest::halt;
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::MODE_0;
use embedded_hal_bus::spi::ExclusiveDevice;
use embedded_hal_nb::nb::block;
use embedded_hal_nb::serial::{Read, Write};
use panic_halt as _;
use rp235x_hal::block::ImageDef;
use rp235x_hal::clocks::{Clock, init_clocks_and_plls};
use rp235x_hal::fugit::RateExtU32;
use rp235x_hal::gpio::{FunctionSpi, PinState, Pins};
use rp235x_hal::pac::Peripherals;
use rp235x_hal::uart::{DataBits, StopBits, UartConfig, UartPeripheral};
use rp235x_hal::{Sio, Spi, Timer, Watchdog};

// SELF_TEST, which build.rs made of the model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));

/// Of the board.
const CRYSTAL: u32 = 12_000_000;

/// What the boot ROM looks for.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

#[rp235x_hal::entry]
fn main() -> ! {
    let Some(mut chip) = Peripherals::take() else { halt() };
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let (pll_sys, pll_usb) = (chip.PLL_SYS, chip.PLL_USB);
    let clocks =
        init_clocks_and_plls(CRYSTAL, chip.XOSC, chip.CLOCKS, pll_sys, pll_usb, &mut chip.RESETS, &mut watchdog);
    let Ok(clocks) = clocks else { halt() };
    let (sio, peripheral) = (Sio::new(chip.SIO), clocks.peripheral_clock.freq());
    let pins = Pins::new(chip.IO_BANK0, chip.PADS_BANK0, sio.gpio_bank0, &mut chip.RESETS);
    let mut timer = Timer::new_timer0(chip.TIMER0, &mut chip.RESETS, &clocks);
    let mut led = pins.gpio25.into_push_pull_output();

    let uart =
        UartPeripheral::new(chip.UART0, (pins.gpio0.into_function(), pins.gpio1.into_function()), &mut chip.RESETS);
    let Ok(mut out) = uart.enable(UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One), peripheral)
    else {
        halt()
    };

    let (mosi, miso) = (pins.gpio19.into_function::<FunctionSpi>(), pins.gpio16.into_function::<FunctionSpi>());
    let bus = Spi::<_, _, _, 8>::new(chip.SPI0, (mosi, miso, pins.gpio18.into_function::<FunctionSpi>()));
    // An eighth of an accelerator's 12 MHz.
    let bus = bus.init(&mut chip.RESETS, peripheral, 1_500_000.Hz(), MODE_0);
    let Ok(device) = ExclusiveDevice::new(bus, pins.gpio17.into_push_pull_output_in_state(PinState::High), timer);

    timer.delay_ms(100); // the FPGA configures itself
    let health = SELF_TEST.check(SpiWire::new(device, timer, Patience::default()), &mut out);
    let exchange = |byte: Option<u8>| {
        let _ = byte.map(|byte| block!(out.write(byte))); // this UART takes every byte
        out.read().ok()
    };
    #[cfg(not(feature = "sensor"))]
    SELF_TEST.serve(health, &mut led, &mut timer, exchange);
    #[cfg(feature = "sensor")]
    {
        let pins = (pins.gpio4.reconfigure(), pins.gpio5.reconfigure());
        let bus =
            rp235x_hal::I2C::i2c0(chip.I2C0, pins.0, pins.1, 400_000.Hz(), &mut chip.RESETS, &clocks.system_clock);
        let sensor = bitfab_selftest::Mpu6050::new(bus, &mut timer, SENSOR);
        SELF_TEST.sense::<VALUES, _>(health, &mut led, &mut timer, exchange, sensor)
    }
}
