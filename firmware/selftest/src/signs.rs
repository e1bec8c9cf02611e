//! What a board shows without words.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

/// What a board found of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Well,
    /// The software is well; the accelerator is missing, or another one, or wrong.
    Alone,
    /// The software is wrong: no answer of it may be used.
    Ill,
}

impl Health {
    /// Microseconds between two changes of the LED.
    const fn pause_us(self) -> u32 {
        match self {
            Self::Well => 500_000,
            Self::Alone => 250_000,
            Self::Ill => 100_000,
        }
    }
}

/// A LED that says how a board is: once a second that all is well, twice that it is alone, five times that it is ill.
pub(crate) struct Light<'l, P> {
    led: &'l mut P,
    pause_us: u32,
    left_us: u32,
    is_lit: bool,
}

impl<'l, P: OutputPin> Light<'l, P> {
    pub fn new(led: &'l mut P, health: Health) -> Self {
        Self { led, pause_us: health.pause_us(), left_us: 0, is_lit: false }
    }

    /// Lets so many microseconds pass.
    pub fn wait(&mut self, delay: &mut impl DelayNs, micros: u32) {
        if self.left_us < micros {
            self.left_us = self.pause_us;
            self.is_lit = !self.is_lit;
            // Where the pin fails, there is nothing to tell it by.
            let _ = self.led.set_state(self.is_lit.into());
        }
        self.left_us -= micros;
        delay.delay_us(micros);
    }
}

/// Does nothing for ever: without clocks or a UART nothing can be told.
pub fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
