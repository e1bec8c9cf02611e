//! The samples of a sensor, window by window through the model, beside what the UART is asked.

use core::fmt::{self, Write};

use bitfab_runtime::Machine;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

use crate::{Health, SelfTest};

/// A sensor of which a sample is so many counts of 16 bits.
pub trait Sensor {
    /// What its bus says.
    type Error: fmt::Debug;

    /// Counts of a sample.
    const COUNTS: usize;

    /// Writes the sample that came since the last one, if one did, to `counts`, which has room for it.
    ///
    /// # Errors
    /// Those of the bus.
    fn sample(&mut self, counts: &mut [i16]) -> Result<bool, Self::Error>;
}

/// Most counts of a sample.
const MOST_COUNTS: usize = 16;

/// The last samples; every second half of a window begins the next one.
struct Window<const VALUES: usize> {
    counts: [i16; VALUES],
    filled: usize,
}

impl<const VALUES: usize> Window<VALUES> {
    const fn new() -> Self {
        Self { counts: [0; VALUES], filled: 0 }
    }

    /// Takes a sample; whether the window is full.
    fn push(&mut self, sample: &[i16]) -> bool {
        let free = self.counts.iter_mut().skip(self.filled);
        self.filled = VALUES.min(self.filled + sample.len());
        free.zip(sample).for_each(|(place, count)| *place = *count);
        self.filled == VALUES
    }

    /// Forgets the first half, in whole samples of so many counts, at least one.
    fn advance(&mut self, counts: usize) {
        let half = VALUES / 2;
        let forgotten = (half - half % counts.max(1)).max(counts);
        for at in 0..VALUES {
            let Some(count) = self.counts.get(at + forgotten).copied() else { break };
            if let Some(place) = self.counts.get_mut(at) {
                *place = count;
            }
        }
        self.filled = VALUES.saturating_sub(forgotten);
    }
}

/// Tells by the UART.
struct Teller<'x, X>(&'x mut X);

impl<X: FnMut(Option<u8>) -> Option<u8>> Write for Teller<'_, X> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // What comes meanwhile is lost; whoever asks asks again.
            let _ = (self.0)(Some(byte));
        }
        Ok(())
    }
}

impl<const LAYERS: usize, const ARENA: usize, const WORDS: usize, const FRAME: usize>
    SelfTest<LAYERS, ARENA, WORDS, FRAME>
{
    /// As [`SelfTest::serve`]; while the UART asks nothing, windows of `sensor` run through the model, each with half of the
    /// one before, and a line tells the class of each: `class 3 walking`, and how many values were beyond what the model
    /// has learned, or once that the sensor fails.
    ///
    /// `VALUES` are the bytes of an input, whole samples of the sensor.
    pub fn sense<const VALUES: usize, S: Sensor>(
        &self,
        health: Health,
        led: &mut impl OutputPin,
        delay: &mut impl DelayNs,
        exchange: impl FnMut(Option<u8>) -> Option<u8>,
        sensor: Result<S, S::Error>,
    ) -> ! {
        let (mut sensor, mut window) = (Some(sensor), Window::<VALUES>::new());
        self.answer::<VALUES, _>(health, led, delay, exchange, |machine, exchange| {
            let out = &mut Teller(exchange);
            let failed = match sensor.as_mut() {
                None => return,
                Some(Ok(working)) => step(working, &mut window, machine, out),
                Some(Err(error)) => writeln!(out, "sensor: {error:?}\r").and(Err(fmt::Error)),
            };
            if failed.is_err() {
                sensor = None;
            }
        })
    }
}

/// Looks for a sample, and runs the window that it fills.
fn step<const ARENA: usize, const VALUES: usize, S: Sensor>(
    sensor: &mut S,
    window: &mut Window<VALUES>,
    machine: &mut Machine<'_, ARENA, VALUES>,
    out: &mut impl Write,
) -> fmt::Result {
    let mut sample = [0; MOST_COUNTS];
    let Some(sample) = sample.get_mut(..S::COUNTS) else { return Err(fmt::Error) };
    match sensor.sample(sample) {
        Ok(true) if window.push(sample) => {}
        Ok(_) => return Ok(()),
        Err(error) => return writeln!(out, "sensor: {error:?}\r").and(Err(fmt::Error)),
    }
    match machine.run_counts(&window.counts) {
        Ok(output) => {
            write!(out, "class {}", output.class())?;
            output.class_name().map_or(Ok(()), |name| write!(out, " {name}"))?;
            match output.clamped() {
                0 => out.write_str("\r\n"),
                some => write!(out, ", {some} of {VALUES} values out of range\r\n"),
            }?;
        }
        Err(error) => return writeln!(out, "model: {error}\r").and(Err(fmt::Error)),
    }
    window.advance(S::COUNTS);
    Ok(())
}
