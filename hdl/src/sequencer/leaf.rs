//! The sequencer as a block of the circuit.

use std::sync::Arc;

use rust_hdl::prelude::*;

use super::core::Sequencer;
use super::state::Status;
use super::text;
use crate::program::Program;

/// Walks the layer table; `bitfab_hdl::Engine` connects it.
#[derive(LogicBlock)]
pub struct SequencerBlock {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A patch is complete.
    pub patch_ready: Signal<In, Bit>,
    /// The sender has room for a group.
    pub room: Signal<In, Bit>,
    /// The array has finished everything.
    pub idle: Signal<In, Bit>,
    /// The word after the last one that was issued is the last of its list.
    pub list_end: Signal<In, Bit>,
    /// Row of the layer table.
    pub row_index: Signal<Out, Bits<8>>,
    /// Word of the activation memory.
    pub x: Signal<Out, Bits<32>>,
    /// Address of weights.
    pub w: Signal<Out, Bits<32>>,
    /// Address of biases.
    pub b: Signal<Out, Bits<32>>,
    /// What to do with them.
    pub flags: Signal<Out, Bits<32>>,
    /// The patch may be filled again.
    pub release_patch: Signal<Out, Bit>,
    _state: Sequencer,
    _program: Arc<Program>,
}

impl SequencerBlock {
    /// The sequencer of `program`.
    pub(crate) fn new(program: &Arc<Program>) -> Self {
        Self {
            clock: Signal::default(),
            patch_ready: Signal::default(),
            room: Signal::default(),
            idle: Signal::default(),
            list_end: Signal::default(),
            row_index: Signal::default(),
            x: Signal::default(),
            w: Signal::default(),
            b: Signal::default(),
            flags: Signal::default(),
            release_patch: Signal::default(),
            _state: Sequencer::new(Arc::clone(program)),
            _program: Arc::clone(program),
        }
    }

    /// The registers behind the ports.
    pub(crate) fn state(&self) -> &Sequencer {
        &self._state
    }
}

impl Logic for SequencerBlock {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let status = Status {
                patch_ready: self.patch_ready.val(),
                room: self.room.val(),
                idle: self.idle.val(),
                list_end: self.list_end.val(),
            };
            self._state.step(status);
        }
        let issue = self._state.issue();
        self.row_index.next = (self._state.row() as u64).into();
        self.x.next = u64::from(issue.x).into();
        self.w.next = u64::from(issue.w).into();
        self.b.next = u64::from(issue.b).into();
        self.flags.next = u64::from(issue.flags).into();
        self.release_patch.next = self._state.release();
    }

    fn connect(&mut self) {
        self.row_index.connect();
        self.x.connect();
        self.w.connect();
        self.b.connect();
        self.flags.connect();
        self.release_patch.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(text::text(&self._program))
    }
}
