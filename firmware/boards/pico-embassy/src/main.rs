//! Embassy on an RP2040: awaits an accelerator behind SPI0, other tasks run meanwhile.
//!
//! Pins: 16 MISO, 17 chip select, 18 clock, 19 MOSI; the LED says whether an answer came.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::hint::black_box;

use bitfab_link::Patience;
use bitfab_link::asynch::{Accelerator, Link, SpiWire};
use bitfab_runtime::{ModelFile, model};
use cortex_m_rt as _;
use embassy_executor::Spawner;
use embassy_rp::gpio::{Level, Output};
use embassy_rp::spi::{Config, Spi};
use embassy_rp::{bind_interrupts, dma, peripherals};
use embassy_time::{Delay, Timer};
use embedded_hal_bus::spi::ExclusiveDevice;
use panic_halt as _;

/// Replace with your model.
const MODEL: ModelFile = model!("../../../../tests/vectors/chain_of_2.bfab");
/// Words of its output.
const WORDS: usize = 2;

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 => dma::InterruptHandler<peripherals::DMA_CH0>, dma::InterruptHandler<peripherals::DMA_CH1>;
});

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    let chip = embassy_rp::init(Default::default());
    let mut led = Output::new(chip.PIN_25, Level::Low);
    let mut config = Config::default();
    config.frequency = 1_500_000; // an eighth of an accelerator's 12 MHz
    let (clock, mosi, miso) = (chip.PIN_18, chip.PIN_19, chip.PIN_16);
    let bus = Spi::new(chip.SPI0, clock, mosi, miso, chip.DMA_CH0, chip.DMA_CH1, Interrupts, config);
    let Ok(device) = ExclusiveDevice::new(bus, Output::new(chip.PIN_17, Level::High), Delay);
    let mut wire = SpiWire::new(device, Delay, Patience::default());
    let Ok(model) = MODEL.model() else { return };
    loop {
        // Whatever is wrong may be mended: a cable, a bitstream that is still loading.
        let Ok(mut accelerator) = Accelerator::<_, WORDS>::new(Link::new(&mut wire), model).await else {
            Timer::after_millis(500).await;
            continue;
        };
        while let Ok(output) = accelerator.infer(&black_box([0; MODEL.input_bytes()]), &mut []).await {
            black_box(output.class());
            led.toggle();
            Timer::after_millis(20).await;
        }
    }
}
