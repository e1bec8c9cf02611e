//! UART: 8N1, frames by SLIP.

use embedded_hal::delay::DelayNs;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{Read, Write};

use crate::protocol::SLIP_END;
use crate::slip::{Decoder, escape};
use crate::{Frame, Patience, Received, Request, Wire};

/// An accelerator, or another microcontroller, behind a UART.
///
/// Bytes that arrive while nobody asks are lost where the UART has no buffer, so the pause of its patience should be
/// shorter than a byte takes.
#[derive(Clone, Debug)]
pub struct UartWire<U, D> {
    /// How long to wait for each byte.
    pub patience: Patience,
    uart: U,
    delay: D,
}

impl<U, D> UartWire<U, D> {
    /// Takes the UART and what waits.
    pub const fn new(uart: U, delay: D, patience: Patience) -> Self {
        Self { patience, uart, delay }
    }

    /// Gives back the UART and what waits.
    pub fn release(self) -> (U, D) {
        (self.uart, self.delay)
    }
}

impl<E, U: Read<u8, Error = E> + Write<u8, Error = E>, D: DelayNs> UartWire<U, D> {
    /// Sends a byte; `false` where the UART takes none in time.
    fn put(&mut self, byte: u8) -> Result<bool, E> {
        for _ in 0..self.patience.polls.max(1) {
            match self.uart.write(byte) {
                Ok(()) => return Ok(true),
                Err(nb::Error::WouldBlock) => self.delay.delay_us(self.patience.pause_us),
                Err(nb::Error::Other(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The next byte, if one comes in time; `Some(None)` for one that the UART found damaged.
    fn get(&mut self) -> Option<Option<u8>> {
        for _ in 0..self.patience.polls.max(1) {
            match self.uart.read() {
                Ok(byte) => return Some(Some(byte)),
                Err(nb::Error::WouldBlock) => self.delay.delay_us(self.patience.pause_us),
                // Noise of the wire is no fault of the bus: the frame's checksum sees it.
                Err(nb::Error::Other(_)) => return Some(None),
            }
        }
        None
    }
}

impl<E, U: Read<u8, Error = E> + Write<u8, Error = E>, D: DelayNs> Wire for UartWire<U, D> {
    type Error = E;

    fn send(&mut self, request: &Request<'_>) -> Result<(), E> {
        // A line that never falls silent must not keep the request back.
        for _ in 0..self.patience.polls {
            if matches!(self.uart.read(), Err(nb::Error::WouldBlock)) {
                break;
            }
        }
        let mut is_taken = self.put(SLIP_END)?;
        for part in request.parts() {
            for byte in part {
                let (first, second) = escape(*byte);
                // Where a byte is not taken no answer will come either.
                is_taken = is_taken && self.put(first)? && second.map_or(Ok(true), |second| self.put(second))?;
            }
        }
        if is_taken {
            self.put(SLIP_END)?;
        }
        Ok(())
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, E> {
        let mut decoder = Decoder::new(frame);
        while let Some(raw) = self.get() {
            if let Some(received) = decoder.push(raw) {
                return Ok(received);
            }
        }
        Ok(decoder.silence())
    }
}
