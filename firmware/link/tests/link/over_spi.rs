//! Frames over SPI as the FPGA's side takes and makes them.

use bitfab_link::protocol::{SPI_READ, SPI_REQUEST, STATE_BUSY, STATE_IDLE, STATE_READY};

use crate::chip::Far;
use crate::wires::line::Spi;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    First,
    Request,
    Answer,
    Nothing,
}

/// Frames over SPI (`PROTOCOL.md`, P-18 to P-22).
pub struct OverSpi<F> {
    pub far: F,
    phase: Phase,
    was_ready: bool,
}

impl<F: Far> OverSpi<F> {
    pub fn new(far: F) -> Self {
        Self { far, phase: Phase::Nothing, was_ready: false }
    }

    fn state(&self) -> u8 {
        match self.far.state() {
            (_, true) => STATE_READY,
            (true, false) => STATE_BUSY,
            (false, false) => STATE_IDLE,
        }
    }
}

impl<F: Far> Spi for OverSpi<F> {
    fn select(&mut self) {
        self.phase = Phase::First;
        self.was_ready = self.far.state().1;
    }

    fn transfer(&mut self, byte: u8) -> u8 {
        let state = self.state();
        match (self.phase, byte) {
            (Phase::First, SPI_REQUEST) => {
                self.phase = Phase::Request;
                self.far.begin();
            }
            (Phase::First, SPI_READ) if self.was_ready => {
                self.phase = Phase::Answer;
                self.far.rewind();
            }
            (Phase::First, _) => self.phase = Phase::Nothing,
            (Phase::Request, byte) => self.far.push(byte),
            (Phase::Answer, _) => return self.far.next().map_or(state, |(byte, _)| byte),
            (Phase::Nothing, _) => {}
        }
        state
    }

    fn deselect(&mut self) {
        if std::mem::replace(&mut self.phase, Phase::Nothing) == Phase::Request {
            self.far.end(false);
        }
    }

    fn tick(&mut self) {
        self.far.tick();
    }

    fn reset(&mut self) {
        self.far.reset();
        self.phase = Phase::Nothing;
    }

    fn overhear(&mut self, sequence: u8) {
        self.far.overhear(sequence);
    }
}
