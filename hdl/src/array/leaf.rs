//! The array as a block of the circuit.

use std::sync::Arc;

use rust_hdl::prelude::*;

use super::core::{Array, Store};
use super::text;
use crate::machine::Byte;
use crate::program::Program;
use crate::sequencer::Issue;

/// Memories, lanes and packer; `bitfab_hdl::Engine` connects it.
#[derive(LogicBlock)]
pub struct ArrayBlock {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Row of the layer table.
    pub row_index: Signal<In, Bits<8>>,
    /// Word of the activation memory.
    pub x: Signal<In, Bits<32>>,
    /// Address of weights.
    pub w: Signal<In, Bits<32>>,
    /// Address of biases.
    pub b: Signal<In, Bits<32>>,
    /// What to do with them.
    pub flags: Signal<In, Bits<32>>,
    /// A byte of a patch is offered.
    pub byte_valid: Signal<In, Bit>,
    /// Its word.
    pub byte_address: Signal<In, Bits<32>>,
    /// The byte.
    pub byte_value: Signal<In, Bits<8>>,
    /// Its position in the word.
    pub byte_position: Signal<In, Bits<2>>,
    /// It is stored.
    pub byte_ready: Signal<Out, Bit>,
    /// Nothing is on its way.
    pub idle: Signal<Out, Bit>,
    /// The word after the last one that was issued is the last of its list.
    pub list_end: Signal<Out, Bit>,
    /// A word for the sender.
    pub result_valid: Signal<Out, Bit>,
    /// The word.
    pub result: Signal<Out, Bits<32>>,
    _state: Array,
    _stored: Option<Store>,
    _program: Arc<Program>,
}

impl ArrayBlock {
    /// The array of `program`.
    pub(crate) fn new(program: &Arc<Program>) -> Self {
        Self {
            clock: Signal::default(),
            row_index: Signal::default(),
            x: Signal::default(),
            w: Signal::default(),
            b: Signal::default(),
            flags: Signal::default(),
            byte_valid: Signal::default(),
            byte_address: Signal::default(),
            byte_value: Signal::default(),
            byte_position: Signal::default(),
            byte_ready: Signal::default(),
            idle: Signal::default(),
            list_end: Signal::default(),
            result_valid: Signal::default(),
            result: Signal::default(),
            _state: Array::new(Arc::clone(program)),
            _stored: None,
            _program: Arc::clone(program),
        }
    }

    /// The output word that the last edge stored.
    pub(crate) fn stored(&self) -> Option<Store> {
        self._stored
    }

    fn step(&mut self) {
        let issue = Issue {
            x: self.x.val().to_u32(),
            w: self.w.val().to_u32(),
            b: self.b.val().to_u32(),
            flags: self.flags.val().to_u32(),
        };
        let byte = self.byte_valid.val().then(|| Byte {
            address: self.byte_address.val().to_u32(),
            value: self.byte_value.val().to_u8(),
            position: u32::from(self.byte_position.val().to_u8()),
        });
        let row = usize::from(self.row_index.val().to_u8());
        self._stored = self._state.step(row, issue, byte);
    }
}

impl Logic for ArrayBlock {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.step();
        }
        let row = usize::from(self.row_index.val().to_u8());
        let result = self._state.result(row);
        self.byte_ready.next = self._state.takes_byte(row);
        self.idle.next = self._state.idle();
        self.list_end.next = self._state.list_end();
        self.result_valid.next = result.is_some();
        self.result.next = u64::from(result.unwrap_or(0)).into();
    }

    fn connect(&mut self) {
        self.byte_ready.connect();
        self.idle.connect();
        self.list_end.connect();
        self.result_valid.connect();
        self.result.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(text::text(&self._program))
    }
}
