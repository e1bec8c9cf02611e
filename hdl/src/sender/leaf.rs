//! The sender as a block of the circuit.

use std::sync::Arc;

use rust_hdl::prelude::*;

use super::core::Sender;
use super::text;
use crate::program::Program;

/// Offers the result byte by byte; `bitfab_hdl::Engine` connects it.
#[derive(LogicBlock)]
pub struct SenderBlock {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word of the result.
    pub result_valid: Signal<In, Bit>,
    /// The word.
    pub result: Signal<In, Bits<32>>,
    /// There is room for a group.
    pub room: Signal<Out, Bit>,
    /// A byte of the result.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is valid.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    _state: Sender,
    _program: Arc<Program>,
}

impl SenderBlock {
    /// The sender of `program`.
    pub(crate) fn new(program: &Arc<Program>) -> Self {
        Self {
            clock: Signal::default(),
            result_valid: Signal::default(),
            result: Signal::default(),
            room: Signal::default(),
            out_data: Signal::default(),
            out_valid: Signal::default(),
            out_ready: Signal::default(),
            _state: Sender::new(program),
            _program: Arc::clone(program),
        }
    }
}

impl Logic for SenderBlock {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let word = self.result_valid.val().then(|| self.result.val().to_u32());
            self._state.step(word, self.out_ready.val());
        }
        let byte = self._state.byte();
        self.room.next = self._state.room();
        self.out_valid.next = byte.is_some();
        self.out_data.next = u64::from(byte.unwrap_or(0)).into();
    }

    fn connect(&mut self) {
        self.room.connect();
        self.out_data.connect();
        self.out_valid.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(text::text(&self._program))
    }
}
