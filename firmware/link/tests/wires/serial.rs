//! A UART with everything that goes wrong on its wire.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bitfab_link::protocol::SLIP_END;
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::{nb, serial};

use super::line::{Shared, World};

/// The far end of a UART.
pub trait Uart {
    fn reset(&mut self);
    fn tick(&mut self);
    /// Takes a byte; `None` is one without a stop bit.
    fn put(&mut self, byte: Option<u8>);
    fn get(&mut self) -> Option<u8>;
    /// A line that is low for a moment, where there are bits.
    fn cut(&mut self, _bits: u32) {}
    fn overhear(&mut self, _sequence: u8) {}
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
        let World { far, line, .. } = &mut *self.shared.0.borrow_mut();
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
        let World { far, line, .. } = &mut *self.shared.0.borrow_mut();
        line.place = if byte == SLIP_END { 0 } else { line.place + 1 };
        if line.place == 2 {
            far.overhear(byte);
        }
        let (byte, times) = line.pass_to(byte);
        if let Some(bits) = line.cut() {
            return far.cut(bits);
        }
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
