//! Frames over UART as the FPGA's side takes and makes them.

use bitfab_link::protocol::{SLIP_END, SLIP_ESCAPE, SLIP_ESCAPED_END, SLIP_ESCAPED_ESCAPE};

use crate::chip::Far;
use crate::wires::serial::Uart;

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
