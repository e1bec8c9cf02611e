//! The product's server behind the wires of the tests.

use bitfab_link::server::{Server, Slip};
use bitfab_runtime::Inference;

use crate::chip::Far;
use crate::wires::serial::Uart;
use crate::{LAYERS, Software, machine};

/// Memory that lives as long as the test, as a `static` does in firmware.
pub fn server() -> Server<'static, Software> {
    Server::new(machine(), Box::leak(Box::new([0; 64])), Box::leak(Box::new([0; LAYERS]))).unwrap()
}

/// Frames over SPI: an answer is ready a few ticks after its request, and is gone once its payload was touched.
pub struct Served<I: Inference> {
    server: Server<'static, I>,
    busy: u32,
    ticks: u32,
    at: usize,
}

impl<I: Inference> Served<I> {
    /// An answer takes `busy` ticks.
    pub fn of(server: Server<'static, I>, busy: u32) -> Self {
        Self { server, busy, ticks: 0, at: 0 }
    }
}

impl<I: Inference> Far for Served<I> {
    fn reset(&mut self) {
        self.server.restart();
        self.at = 0;
    }

    fn tick(&mut self) {
        self.ticks = self.ticks.saturating_sub(1);
    }

    fn begin(&mut self) {
        self.server.begin();
    }

    fn push(&mut self, byte: u8) {
        self.server.push(byte);
    }

    fn end(&mut self, is_damaged: bool) {
        if is_damaged {
            self.server.begin();
        }
        self.server.end();
        (self.at, self.ticks) = (0, self.busy);
    }

    fn state(&self) -> (bool, bool) {
        let has_answer = !self.server.answer().is_empty();
        (has_answer, has_answer && self.ticks == 0)
    }

    fn rewind(&mut self) {
        if self.at > 2 {
            self.server.begin();
        }
        self.at = 0;
    }

    fn next(&mut self) -> Option<(u8, bool)> {
        let answer = self.server.answer();
        let byte = *answer.get(self.at).filter(|_| self.ticks == 0)?;
        self.at += 1;
        let is_last = self.at == answer.len();
        if is_last {
            self.server.begin();
            self.at = 0;
        }
        Some((byte, is_last))
    }
}

impl Uart for Slip<'static, Software> {
    fn reset(&mut self) {
        *self = Slip::new(server());
    }

    fn tick(&mut self) {}

    fn put(&mut self, byte: Option<u8>) {
        match byte {
            Some(byte) => self.push(byte),
            None => self.damaged(),
        }
    }

    fn get(&mut self) -> Option<u8> {
        self.pull()
    }
}
