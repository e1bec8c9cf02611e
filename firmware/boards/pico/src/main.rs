//! A Raspberry Pi Pico: a self-test, then an accelerator behind SPI0 against the software, told over UART0.
//!
//! Pins: 16 MISO, 17 chip select, 18 clock, 19 MOSI, 0 what is told (115,200 baud); the LED blinks slowly if all is well.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::num::NonZeroU32;

use bitfab_link::{Accelerator, Link, Patience, SpiWire, Wire};
use bitfab_runtime::{Checked, Inference, Machine, Model, ModelFile, digest, model};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::StatefulOutputPin;
use embedded_hal::spi::MODE_0;
use embedded_hal_bus::spi::ExclusiveDevice;
use fugit::RateExtU32;
use panic_halt as _;
use rp2040_hal::clocks::{Clock, init_clocks_and_plls};
use rp2040_hal::gpio::{FunctionSpi, PinState, Pins};
use rp2040_hal::pac::Peripherals;
use rp2040_hal::uart::{DataBits, StopBits, UartConfig, UartPeripheral};
use rp2040_hal::{Sio, Spi, Timer, Watchdog};

/// The model: build with `BITFAB_MODEL=/path/to/yours.bfab`.
const MODEL: ModelFile = model!(env!("BITFAB_MODEL_FILE"));
include!(concat!(env!("OUT_DIR"), "/self_test.rs"));

/// How often the accelerator gets each input.
const ROUNDS: usize = 5;
/// Of the board.
const CRYSTAL: u32 = 12_000_000;

/// The first stage of the boot ROM starts these 256 bytes, and they start the flash.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

type Software = Machine<'static, { MODEL.arena_words() }>;

/// Every layer of every input has the digest that the laptop computed.
fn self_test(machine: &mut Software, out: &mut impl Write) -> Result<(), fmt::Error> {
    let mut digests = [0; LAYERS];
    for (row, (input, expected)) in SELF_TEST.iter().enumerate() {
        if let Err(error) = machine.infer(input, &mut digests) {
            write!(out, "input {row}: {error}\r\n")?;
            return Err(fmt::Error);
        }
        let mut pairs = digests.iter().zip(expected).enumerate();
        if let Some((layer, (found, expected))) = pairs.find(|(_, (found, expected))| found != expected) {
            write!(out, "input {row} layer {layer}: {found:08x}, not {expected:08x}\r\n")?;
            return Err(fmt::Error);
        }
    }
    write!(out, "self-test ok {} inputs {} digests\r\n", SELF_TEST.len(), SELF_TEST.len() * LAYERS)
}

/// The accelerator computes what the software on this core does.
fn check_link<W: Wire>(model: Model<'static>, machine: Software, wire: W, out: &mut impl Write) -> fmt::Result
where
    W::Error: fmt::Debug,
{
    let accelerator = match Accelerator::<_, WORDS>::new(Link::new(wire), model) {
        Ok(accelerator) => accelerator,
        Err(error) => {
            write!(out, "link: {error}\r\n")?;
            return Err(fmt::Error);
        }
    };
    if let Some(who) = accelerator.link().identity() {
        let (lanes, input, output) = (who.lanes, who.input, who.output);
        write!(out, "link {lanes} lanes {input} in {output} out model {:08x}\r\n", who.model)?;
    }
    let Ok(mut both) = Checked::<_, _, 0>::new(accelerator, machine, NonZeroU32::MIN) else { return Err(fmt::Error) };
    let mut equal = 0;
    for (input, _) in core::iter::repeat_n(&SELF_TEST, ROUNDS).flatten() {
        if let Err(error) = both.infer(input, &mut []) {
            write!(out, "link: after {equal} equal: {error}\r\n")?;
            return Err(fmt::Error);
        }
        equal += 1;
    }
    write!(out, "link ok {equal} equal\r\n")
}

#[rp2040_hal::entry]
fn main() -> ! {
    let Some(mut chip) = Peripherals::take() else { halt() };
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let (pll_sys, pll_usb) = (chip.PLL_SYS, chip.PLL_USB);
    let clocks =
        init_clocks_and_plls(CRYSTAL, chip.XOSC, chip.CLOCKS, pll_sys, pll_usb, &mut chip.RESETS, &mut watchdog);
    let Ok(clocks) = clocks else { halt() };
    let (sio, peripheral) = (Sio::new(chip.SIO), clocks.peripheral_clock.freq());
    let pins = Pins::new(chip.IO_BANK0, chip.PADS_BANK0, sio.gpio_bank0, &mut chip.RESETS);
    let mut timer = Timer::new(chip.TIMER, &mut chip.RESETS, &clocks);
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
    let is_well = check(SpiWire::new(device, timer, Patience::default()), &mut out).is_ok();
    loop {
        let Ok(()) = led.toggle();
        timer.delay_ms(if is_well { 500 } else { 100 });
    }
}

/// All that is checked, as lines of `out`.
fn check<W: Wire>(wire: W, out: &mut impl Write) -> fmt::Result
where
    W::Error: fmt::Debug,
{
    let Ok(model) = MODEL.model() else { return Err(fmt::Error) };
    write!(out, "bitfab {} pico model {:08x}\r\n", env!("CARGO_PKG_VERSION"), digest(MODEL.words()))?;
    let Ok(mut machine) = Software::new(model) else { return Err(fmt::Error) };
    self_test(&mut machine, out)?;
    check_link(model, machine, wire, out)
}

/// Without clocks nothing can be told.
fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
