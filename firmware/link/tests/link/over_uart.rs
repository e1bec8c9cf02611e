//! A UART in memory, with everything that goes wrong on its wire.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bitfab_link::protocol::{SLIP_END, SLIP_ESCAPE, SLIP_ESCAPED_END, SLIP_ESCAPED_ESCAPE};
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::{nb, serial};

use crate::chip::Far;
use crate::wires::{Shared, World};

/// The far end of a UART.
pub trait Uart {
    fn reset(&mut self);
    fn tick(&mut self);
    /// Takes a byte; `None` is one without a stop bit.
    fn put(&mut self, byte: Option<u8>);
    fn get(&mut self) -> Option<u8>;
    fn overhear(&mut self, _sequence: u8) {}
}

/// Frames over UART as the FPGA's side makes them (`PROTOCOL.md`, P-24 to P-27).
pub struct OverUart<F> {
    pub far: F,
    is_inside: bool,
    is_escaped: bool,
    is_damaged: bool,
    // What is sent: whether a frame is open, whether its end is due, the second half of a byte.
    is_open: bool,
    ends: bool,
    half: Option<(u8, bool)>,
}

impl<F: Far> OverUart<F> {
    pub fn new(far: F) -> Self {
        Self { far, is_inside: false, is_escaped: false, is_damaged: false, is_open: false, ends: false, half: None }
    }
}

impl<F: Far> Uart for OverUart<F> {
    fn reset(&mut self) {
        self.far.reset();
        (self.is_inside, self.is_escaped, self.is_damaged) = (false, false, false);
        (self.is_open, self.ends, self.half) = (false, false, None);
    }

    fn tick(&mut self) {
        self.far.tick();
    }

    fn overhear(&mut self, sequence: u8) {
        self.far.overhear(sequence);
    }

    fn put(&mut self, byte: Option<u8>) {
        let Some(byte) = byte else { return self.is_damaged = true };
        if byte == SLIP_END {
            if std::mem::take(&mut self.is_inside) {
                self.far.end(std::mem::take(&mut self.is_damaged) || self.is_escaped);
            }
            return self.is_escaped = false;
        }
        if !std::mem::replace(&mut self.is_inside, true) {
            (self.is_damaged, self.half) = (false, None);
            self.ends |= self.is_open;
            self.far.begin();
        }
        match (std::mem::take(&mut self.is_escaped), byte) {
            (false, SLIP_ESCAPE) => self.is_escaped = true,
            (true, SLIP_ESCAPED_END) => self.far.push(SLIP_END),
            (true, SLIP_ESCAPED_ESCAPE) => self.far.push(SLIP_ESCAPE),
            (is_escaped, byte) => {
                self.is_damaged |= is_escaped;
                self.far.push(byte);
            }
        }
    }

    fn get(&mut self) -> Option<u8> {
        if std::mem::take(&mut self.ends) {
            self.is_open = false;
            return Some(SLIP_END);
        }
        if let Some((half, is_last)) = self.half.take() {
            self.ends = is_last;
            return Some(half);
        }
        if !self.is_open {
            self.is_open = self.far.state().1;
            return self.is_open.then_some(SLIP_END);
        }
        let (byte, is_last) = self.far.next()?;
        let escaped = match byte {
            SLIP_END => Some(SLIP_ESCAPED_END),
            SLIP_ESCAPE => Some(SLIP_ESCAPED_ESCAPE),
            _ => None,
        };
        self.half = escaped.map(|half| (half, is_last));
        self.ends = is_last && escaped.is_none();
        Some(if escaped.is_some() { SLIP_ESCAPE } else { byte })
    }
}

/// The near end: what arrived and was not yet read.
pub struct Serial<U> {
    pub shared: Shared<U>,
    pub fifo: Rc<RefCell<VecDeque<Option<u8>>>>,
}

impl<U> Clone for Serial<U> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), fifo: Rc::clone(&self.fifo) }
    }
}

impl<U: Uart> Serial<U> {
    pub fn new(shared: Shared<U>) -> Self {
        Self { shared, fifo: Rc::default() }
    }

    /// The time of a byte passes: one may arrive.
    pub fn tick(&self) {
        let World { far, line } = &mut *self.shared.0.borrow_mut();
        far.tick();
        if line.strikes(line.rates.reset) {
            line.resets += 1;
            far.reset();
        }
        let Some(byte) = far.get() else { return };
        let (byte, times) = line.pass(byte, line.rates.flip_from);
        // Some flips hit the stop bit.
        let is_damaged = line.strikes(line.rates.flip_from.saturating_mul(4));
        (0..times).for_each(|_| self.fifo.borrow_mut().push_back((!is_damaged).then_some(byte)));
    }

    /// A byte leaves.
    pub fn put(&self, byte: u8) {
        let World { far, line } = &mut *self.shared.0.borrow_mut();
        line.place = if byte == SLIP_END { 0 } else { line.place + 1 };
        if line.place == 2 {
            far.overhear(byte);
        }
        let (byte, times) = line.pass_to(byte);
        let is_damaged = line.strikes(line.rates.flip_to.saturating_mul(4));
        (0..times).for_each(|_| far.put((!is_damaged).then_some(byte)));
    }
}

impl<U> serial::ErrorType for Serial<U> {
    type Error = serial::ErrorKind;
}

impl<U: Uart> serial::Read for Serial<U> {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        match self.fifo.borrow_mut().pop_front() {
            Some(Some(byte)) => Ok(byte),
            Some(None) => Err(nb::Error::Other(serial::ErrorKind::FrameFormat)),
            None => Err(nb::Error::WouldBlock),
        }
    }
}

impl<U: Uart> serial::Write for Serial<U> {
    fn write(&mut self, byte: u8) -> nb::Result<(), serial::ErrorKind> {
        self.put(byte);
        self.tick();
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }
}

impl<U: Uart> DelayNs for Serial<U> {
    fn delay_ns(&mut self, _: u32) {
        self.tick();
    }
}
