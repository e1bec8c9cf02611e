//! What goes wrong on a wire, between the driver and the other side; SPI.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use bitfab_format::arbitrary::Random;
use bitfab_link::protocol::SPI_REQUEST;
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{self, Operation, SpiDevice};

/// Chances of what goes wrong, a byte, each once in so many; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub flip_to: u32,
    pub flip_from: u32,
    pub lose: u32,
    pub double: u32,
    pub burst: u32,
    pub reset: u32,
    /// A byte is cut in its midst.
    pub cut: u32,
}

impl Rates {
    /// All of them, each once in so many bytes, resets rarer.
    pub const fn all(once_in: u32) -> Self {
        let (burst, reset) = (once_in * 2, once_in * 3);
        let cut = burst;
        Self { flip_to: once_in, flip_from: once_in, lose: once_in, double: once_in, burst, reset, cut }
    }
}

/// What goes wrong, and how often it did.
pub struct Line {
    pub rates: Rates,
    random: Random,
    burst: u32,
    /// Bytes of a request that a UART sent.
    pub place: u32,
    pub faults: u32,
    pub resets: u32,
}

impl Line {
    pub fn strikes(&mut self, once_in: u32) -> bool {
        let strikes = once_in > 0 && self.random.once_in(once_in);
        self.faults += u32::from(strikes);
        strikes
    }

    /// How many bits are left of a byte that is cut.
    pub fn cut(&mut self) -> Option<u32> {
        let bits = 1 + self.random.word() % 7;
        self.strikes(self.rates.cut).then_some(bits)
    }

    fn flip(&mut self, byte: u8, once_in: u32) -> u8 {
        let bit = 1 << (self.random.word() % 8);
        if self.strikes(once_in) { byte ^ bit } else { byte }
    }

    /// What becomes of a byte on its way: it arrives this many times.
    pub fn pass(&mut self, byte: u8, flip: u32) -> (u8, u32) {
        let byte = self.flip(byte, flip);
        let (is_lost, is_doubled) = (self.strikes(self.rates.lose), self.strikes(self.rates.double));
        (byte, if is_lost { 0 } else { 1 + u32::from(is_doubled) })
    }

    /// The same to the other side, from which whole bursts are kept, as by a driver that dies in a request.
    pub fn pass_to(&mut self, byte: u8) -> (u8, u32) {
        if self.burst > 0 {
            self.burst -= 1;
            return (byte, 0);
        }
        if self.strikes(self.rates.burst) {
            self.burst = self.random.word() % 100;
        }
        self.pass(byte, self.rates.flip_to)
    }
}

/// The other side and the line to it.
pub struct World<F> {
    pub far: F,
    pub line: Line,
    /// The host has died within a byte, and its bus with it.
    is_cut: bool,
}

/// A handle on them: the bus, and time.
pub struct Shared<F>(pub Rc<RefCell<World<F>>>);

impl<F> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<F> Shared<F> {
    pub fn new(far: F, seed: u64) -> Self {
        let line =
            Line { rates: Rates::default(), random: Random::new(seed), burst: 0, place: 0, faults: 0, resets: 0 };
        Self(Rc::new(RefCell::new(World { far, line, is_cut: false })))
    }

    pub fn set(&self, rates: Rates) {
        let line = &mut self.0.borrow_mut().line;
        line.rates = rates;
        line.burst = 0;
    }
}

/// The far end of an SPI bus.
pub trait Spi {
    fn select(&mut self);
    fn transfer(&mut self, byte: u8) -> u8;
    fn deselect(&mut self);
    /// A few bits of a byte, where there are bits.
    fn cut(&mut self, _bits: u32) {}
    fn tick(&mut self);
    fn reset(&mut self);
    fn overhear(&mut self, _sequence: u8) {}
}

impl<F> spi::ErrorType for Shared<F> {
    type Error = Infallible;
}

impl<S: Spi> World<S> {
    fn transfer(&mut self, byte: u8) -> u8 {
        if self.is_cut {
            return 0xFF;
        }
        if let Some(bits) = self.line.cut() {
            self.far.cut(bits);
            self.is_cut = true;
            return 0xFF;
        }
        let (byte, times) = self.line.pass_to(byte);
        // A clock that is lost reads as a line that hangs high.
        let back = (0..times).fold(0xFF, |_, _| self.far.transfer(byte));
        if self.line.strikes(self.line.rates.reset) {
            self.line.resets += 1;
            self.far.reset();
        }
        self.far.tick();
        self.line.flip(back, self.line.rates.flip_from)
    }
}

impl<S: Spi> SpiDevice for Shared<S> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut world = self.0.borrow_mut();
        if let [Operation::Write([SPI_REQUEST]), Operation::Write([_, sequence]), ..] = &*operations {
            world.far.overhear(*sequence);
        }
        world.far.select();
        world.is_cut = false;
        for operation in operations {
            match operation {
                Operation::Read(bytes) => bytes.iter_mut().for_each(|byte| *byte = world.transfer(0)),
                Operation::Write(bytes) => bytes.iter().for_each(|byte| {
                    world.transfer(*byte);
                }),
                Operation::TransferInPlace(bytes) => bytes.iter_mut().for_each(|byte| *byte = world.transfer(*byte)),
                Operation::Transfer(..) | Operation::DelayNs(_) => unreachable!("the driver does not use it"),
            }
        }
        world.far.deselect();
        Ok(())
    }
}

/// Time, for a bus over SPI.
pub struct SpiClock<F>(pub Shared<F>);

impl<S: Spi> DelayNs for SpiClock<S> {
    fn delay_ns(&mut self, _: u32) {
        self.0.0.borrow_mut().far.tick();
    }
}
