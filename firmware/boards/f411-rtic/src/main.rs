//! RTIC on an STM32F411: asks an accelerator behind SPI1 in a task of low priority, and software checks every tenth answer.
//!
//! Pins: A4 chip select, A5 clock, A6 MISO, A7 MOSI; the LED at C13 lights while accelerator and software agree.
#![no_std]
#![no_main]

use bitfab_runtime::{ModelFile, model};
use panic_halt as _;

/// Replace with your model.
const MODEL: ModelFile = model!("../../../../tests/vectors/chain_of_2.bfab");
/// Words of its output.
const WORDS: usize = 2;

#[rtic::app(device = stm32f4xx_hal::pac, dispatchers = [EXTI0])]
mod app {
    use core::hint::black_box;
    use core::num::NonZeroU32;

    use bitfab_link::{Accelerator, Link, Patience, SpiWire};
    use bitfab_runtime::{Checked, Inference, Machine};
    use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
    use stm32f4xx_hal::gpio::{Output, Pin};
    use stm32f4xx_hal::pac::SPI1;
    use stm32f4xx_hal::prelude::*;
    use stm32f4xx_hal::rcc::Config;
    use stm32f4xx_hal::spi::{Mode, Phase, Polarity, Spi};
    use stm32f4xx_hal::timer::SysDelay;

    use crate::{MODEL, WORDS};

    type Device = ExclusiveDevice<Spi<SPI1>, Pin<'A', 4, Output>, NoDelay>;

    #[shared]
    struct Shared {}

    #[local]
    struct Local {
        wire: SpiWire<Device, SysDelay>,
        led: Pin<'C', 13, Output>,
    }

    #[init]
    fn init(context: init::Context) -> (Shared, Local) {
        let mut clocks = context.device.RCC.freeze(Config::hsi().sysclk(84.MHz()));
        let (a, c) = (context.device.GPIOA.split(&mut clocks), context.device.GPIOC.split(&mut clocks));
        let mode = Mode { polarity: Polarity::IdleLow, phase: Phase::CaptureOnFirstTransition };
        let pins = (Some(a.pa5), Some(a.pa6), Some(a.pa7));
        let bus = Spi::new(context.device.SPI1, pins, mode, 1_500.kHz(), &mut clocks);
        let Ok(device) = ExclusiveDevice::new_no_delay(bus, a.pa4.into_push_pull_output());
        let delay = context.core.SYST.delay(&clocks.clocks);
        let wire = SpiWire::new(device, delay, Patience::default());
        let is_first = ask::spawn().is_ok();
        debug_assert!(is_first, "the task is spawned once");
        (Shared {}, Local { wire, led: c.pc13.into_push_pull_output() })
    }

    /// Ends when the accelerator is missing, another one, or wrong: the LED goes off.
    #[task(priority = 1, local = [wire, led])]
    async fn ask(context: ask::Context) {
        let ask::LocalResources { wire, led, .. } = context.local;
        led.set_low();
        let Ok(model) = MODEL.model() else { return led.set_high() };
        let Ok(accelerator) = Accelerator::<_, WORDS>::new(Link::new(wire), model) else { return led.set_high() };
        let Ok(machine) = Machine::<{ MODEL.arena_words() }>::new(model) else { return led.set_high() };
        let every = NonZeroU32::MIN.saturating_add(9);
        let Ok(mut pair) = Checked::<_, _, 0>::new(accelerator, machine, every) else { return led.set_high() };
        while let Ok(output) = pair.infer(&black_box([0; MODEL.input_bytes()]), &mut []) {
            black_box(output.class());
        }
        led.set_high();
    }
}
