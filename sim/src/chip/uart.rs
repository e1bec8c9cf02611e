//! UART, 8N1, at the pins of a chip.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bitfab_hdl::UartChip;
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{ErrorType, Read, Write};

use super::{Bench, Unsettled};

/// A line on which bits are sampled.
#[derive(Default)]
struct Receiver {
    /// Clocks to the next sample, and the bits that have come.
    byte: Option<(u32, Vec<bool>)>,
}

impl Receiver {
    /// One clock; a byte where one has come whole.
    fn step(&mut self, level: bool, divisor: u32) -> Option<u8> {
        match &mut self.byte {
            None => self.byte = (!level).then(|| (divisor / 2, Vec::new())),
            Some((0, bits)) if bits.len() == 9 => {
                let value = bits[1..].iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
                let is_whole = level && !bits[0];
                self.byte = None;
                return is_whole.then_some(value);
            }
            Some((left @ 0, bits)) => {
                bits.push(level);
                *left = divisor - 1;
            }
            Some((left, _)) => *left -= 1,
        }
        None
    }
}

struct Line {
    bench: Bench<UartChip>,
    divisor: u32,
    goes: VecDeque<bool>,
    receiver: Receiver,
    came: VecDeque<u8>,
    faults: Box<dyn FnMut(u8) -> Vec<u8>>,
}

impl Line {
    fn step(&mut self) -> Result<(), Unsettled> {
        let level = self.goes.pop_front().unwrap_or(true);
        let tx = self.bench.with(|chip| {
            chip.set(0, level);
            chip.step()
        })?;
        if let Some(byte) = self.receiver.step(tx & 1 == 1, self.divisor) {
            self.came.extend((self.faults)(byte));
        }
        Ok(())
    }

    fn put(&mut self, byte: u8) {
        for byte in (self.faults)(byte) {
            let bits = std::iter::once(false).chain((0..8).map(|at| byte >> at & 1 == 1)).chain([true]);
            self.goes.extend(bits.flat_map(|bit| std::iter::repeat_n(bit, self.divisor as usize)));
        }
    }
}

/// A UART whose other end is a chip; it is its own delay, since time passes on the line alone.
#[derive(Clone)]
pub struct SimUart {
    line: Rc<RefCell<Line>>,
    kilohertz: u32,
}

impl SimUart {
    /// The chip of `bench` with so many clocks a bit, over a line that makes other bytes, or none, of a byte.
    pub fn new(
        bench: Bench<UartChip>,
        (divisor, kilohertz): (u32, u32),
        faults: impl FnMut(u8) -> Vec<u8> + 'static,
    ) -> Self {
        let (goes, came) = (VecDeque::new(), VecDeque::new());
        let line = Line { bench, divisor, goes, receiver: Receiver::default(), came, faults: Box::new(faults) };
        Self { line: Rc::new(RefCell::new(line)), kilohertz }
    }
}

impl ErrorType for SimUart {
    type Error = Unsettled;
}

impl Read for SimUart {
    fn read(&mut self) -> nb::Result<u8, Unsettled> {
        self.line.borrow_mut().came.pop_front().ok_or(nb::Error::WouldBlock)
    }
}

impl Write for SimUart {
    fn write(&mut self, word: u8) -> nb::Result<(), Unsettled> {
        let mut line = self.line.borrow_mut();
        if !line.goes.is_empty() {
            return Err(nb::Error::WouldBlock);
        }
        line.put(word);
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), Unsettled> {
        if self.line.borrow().goes.is_empty() { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }
}

impl DelayNs for SimUart {
    fn delay_ns(&mut self, ns: u32) {
        let clocks = (u64::from(ns) * u64::from(self.kilohertz)).div_ceil(1_000_000);
        let mut line = self.line.borrow_mut();
        // What does not settle brings no byte, and the driver says so.
        let _ = (0..clocks).try_for_each(|_| line.step());
    }
}
