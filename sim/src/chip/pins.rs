//! Pins, and the time that passes at them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use bitfab_hdl::{HdlError, SpiChip, UartChip};
use embedded_hal::delay::DelayNs;

use super::Flash;

/// The wires of a simulated chip do not settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsettled;

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the wires of the chip do not settle")
    }
}

impl std::error::Error for Unsettled {}

impl embedded_hal::spi::Error for Unsettled {
    fn kind(&self) -> embedded_hal::spi::ErrorKind {
        embedded_hal::spi::ErrorKind::Other
    }
}

impl embedded_hal_nb::serial::Error for Unsettled {
    fn kind(&self) -> embedded_hal_nb::serial::ErrorKind {
        embedded_hal_nb::serial::ErrorKind::Other
    }
}

/// A chip whose pins are bits of a number.
pub trait Chip {
    /// The pins that go in, the lowest bit first.
    const INPUTS: &'static [&'static str];
    /// The pins that come out.
    const OUTPUTS: &'static [&'static str];
    /// What the inputs carry while nothing happens.
    const REST: u32;

    /// One clock; returns what the outputs showed before its edge.
    ///
    /// # Errors
    /// [`Unsettled`].
    fn step(&mut self, inputs: u32) -> Result<u32, Unsettled>;

    /// The pins `cs_n`, `sck` and `mosi` of a flash, where the chip reads one.
    fn flash(&self) -> Option<[bool; 3]>;

    /// The bit that the flash shows from now on.
    fn set_flash(&mut self, miso: bool);
}

fn settled<T>(result: Result<T, HdlError>) -> Result<T, Unsettled> {
    result.map_err(|_| Unsettled)
}

impl Chip for SpiChip {
    const INPUTS: &'static [&'static str] = &["sck", "cs_n", "mosi"];
    const OUTPUTS: &'static [&'static str] = &["miso", "ready"];
    const REST: u32 = 0b010;

    fn step(&mut self, inputs: u32) -> Result<u32, Unsettled> {
        let [miso, ready] = settled(Self::step(self, [0, 1, 2].map(|bit| inputs >> bit & 1 == 1)))?;
        Ok(u32::from(miso) | u32::from(ready) << 1)
    }

    fn flash(&self) -> Option<[bool; 3]> {
        Self::flash(self)
    }

    fn set_flash(&mut self, miso: bool) {
        Self::set_flash(self, miso);
    }
}

impl Chip for UartChip {
    const INPUTS: &'static [&'static str] = &["rx"];
    const OUTPUTS: &'static [&'static str] = &["tx", "ready"];
    const REST: u32 = 1;

    fn step(&mut self, inputs: u32) -> Result<u32, Unsettled> {
        let [tx, ready] = settled(Self::step(self, inputs & 1 == 1))?;
        Ok(u32::from(tx) | u32::from(ready) << 1)
    }

    fn flash(&self) -> Option<[bool; 3]> {
        Self::flash(self)
    }

    fn set_flash(&mut self, miso: bool) {
        Self::set_flash(self, miso);
    }
}

/// A chip with a clock that runs, and all that its pins carried.
pub struct Clocked<C> {
    chip: C,
    /// The clocks that have passed.
    pub clocks: u64,
    /// Inputs and outputs of each clock, where they are kept.
    pub trace: Option<Vec<[u32; 2]>>,
    /// The flash that its weights come from.
    pub flash: Option<Flash>,
    inputs: u32,
    outputs: u32,
}

impl<C: Chip> Clocked<C> {
    /// One clock; returns the outputs before its edge.
    pub(super) fn step(&mut self) -> Result<u32, Unsettled> {
        if let (Some(flash), Some(pins)) = (&mut self.flash, self.chip.flash()) {
            self.chip.set_flash(flash.step(pins));
        }
        self.outputs = self.chip.step(self.inputs)?;
        self.clocks += 1;
        if let Some(trace) = &mut self.trace {
            trace.push([self.inputs, self.outputs]);
        }
        Ok(self.outputs)
    }

    pub(super) const fn set(&mut self, bit: u32, level: bool) {
        self.inputs = self.inputs & !(1 << bit) | (level as u32) << bit;
    }
}

/// A chip that several parts of a host share: the bus and the delay.
pub struct Bench<C>(Rc<RefCell<Clocked<C>>>);

impl<C> Clone for Bench<C> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<C: Chip> Bench<C> {
    /// A chip as after configuration; keeps what its pins carry where `keeps`.
    pub fn new(chip: C, keeps: bool) -> Self {
        let trace = keeps.then(Vec::new);
        Self(Rc::new(RefCell::new(Clocked { chip, clocks: 0, trace, flash: None, inputs: C::REST, outputs: 0 })))
    }

    /// Does something with the chip.
    pub fn with<T>(&self, work: impl FnOnce(&mut Clocked<C>) -> T) -> T {
        work(&mut self.0.borrow_mut())
    }
}

/// Time that passes for the chip.
pub struct SimDelay<C> {
    bench: Bench<C>,
    kilohertz: u32,
}

impl<C: Chip> SimDelay<C> {
    /// Of a chip with a clock of so many kHz.
    pub const fn new(bench: Bench<C>, kilohertz: u32) -> Self {
        Self { bench, kilohertz }
    }
}

impl<C: Chip> DelayNs for SimDelay<C> {
    fn delay_ns(&mut self, ns: u32) {
        let clocks = (u64::from(ns) * u64::from(self.kilohertz)).div_ceil(1_000_000);
        // What does not settle is told by the bus, which can.
        let _ = (0..clocks).try_for_each(|_| self.bench.with(|chip| chip.step().map(|_| ())));
    }
}
