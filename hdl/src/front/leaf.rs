//! The front as a block of the circuit.

use std::sync::Arc;

use rust_hdl::prelude::*;

use super::core::Front;
use super::text;
use crate::program::Program;

/// Makes patches of the input's bytes; `bitfab_hdl::Engine` connects it.
#[derive(LogicBlock)]
pub struct FrontBlock {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A byte of the input.
    pub in_data: Signal<In, Bits<8>>,
    /// It is valid.
    pub in_valid: Signal<In, Bit>,
    /// It is taken.
    pub in_ready: Signal<Out, Bit>,
    /// A byte of a patch is offered.
    pub byte_valid: Signal<Out, Bit>,
    /// Its word.
    pub byte_address: Signal<Out, Bits<32>>,
    /// The byte.
    pub byte_value: Signal<Out, Bits<8>>,
    /// Its position in the word.
    pub byte_position: Signal<Out, Bits<2>>,
    /// It is stored.
    pub byte_ready: Signal<In, Bit>,
    /// A patch is complete.
    pub patch_ready: Signal<Out, Bit>,
    /// The patch may be filled again.
    pub release_patch: Signal<In, Bit>,
    _state: Front,
    _program: Arc<Program>,
}

impl FrontBlock {
    /// The front of `program`.
    pub(crate) fn new(program: &Arc<Program>) -> Self {
        Self {
            clock: Signal::default(),
            in_data: Signal::default(),
            in_valid: Signal::default(),
            in_ready: Signal::default(),
            byte_valid: Signal::default(),
            byte_address: Signal::default(),
            byte_value: Signal::default(),
            byte_position: Signal::default(),
            byte_ready: Signal::default(),
            patch_ready: Signal::default(),
            release_patch: Signal::default(),
            _state: Front::new(Arc::clone(program)),
            _program: Arc::clone(program),
        }
    }
}

impl Logic for FrontBlock {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let input = self.in_valid.val().then(|| self.in_data.val().to_u8());
            self._state.step(input, self.byte_ready.val(), self.release_patch.val());
        }
        let byte = self._state.byte();
        self.in_ready.next = self._state.ready();
        self.patch_ready.next = self._state.patch_ready();
        self.byte_valid.next = byte.is_some();
        let byte = byte.unwrap_or_default();
        self.byte_address.next = u64::from(byte.address).into();
        self.byte_value.next = u64::from(byte.value).into();
        self.byte_position.next = u64::from(byte.position).into();
    }

    fn connect(&mut self) {
        self.in_ready.connect();
        self.byte_valid.connect();
        self.byte_address.connect();
        self.byte_value.connect();
        self.byte_position.connect();
        self.patch_ready.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(text::text(&self._program))
    }
}
