//! The engine with its command block: frames of the link in, answers out.

use std::sync::Arc;

use bitfab_link::Identity;
use rust_hdl::prelude::*;

use super::command::{self, CommandBlock};
use super::flash::{self, FlashBlock};
use crate::engine::signals;
use crate::program::Program;
use crate::{HdlError, SequencedEngine};

/// What both wires have in common.
#[derive(LogicBlock)]
pub(crate) struct LinkedEngine {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub rx_start: Signal<In, Bit>,
    pub rx_valid: Signal<In, Bit>,
    pub rx_data: Signal<In, Bits<8>>,
    pub rx_end: Signal<In, Bit>,
    pub tx_begin: Signal<In, Bit>,
    pub tx_end: Signal<In, Bit>,
    pub tx_next: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub busy: Signal<Out, Bit>,
    pub tx_ready: Signal<Out, Bit>,
    pub tx_data: Signal<Out, Bits<8>>,
    pub tx_last: Signal<Out, Bit>,
    /// The pins of the board's flash, where weights are loaded.
    pub flash_miso: Vec<Signal<In, Bit>>,
    pub flash_cs_n: Vec<Signal<Out, Bit>>,
    pub flash_sck: Vec<Signal<Out, Bit>>,
    pub flash_mosi: Vec<Signal<Out, Bit>>,
    command: CommandBlock,
    /// One where weights are loaded.
    flash: Vec<FlashBlock>,
    engine: SequencedEngine,
    /// One where digests are kept.
    _digests: Vec<()>,
    /// One where they are not.
    _no_digests: Vec<()>,
}

impl Logic for LinkedEngine {
    #[hdl_gen]
    fn update(&mut self) {
        self.command.clock.next = self.clock.val();
        self.command.reset.next = self.reset.val();
        self.command.rx_start.next = self.rx_start.val();
        self.command.rx_valid.next = self.rx_valid.val();
        self.command.rx_data.next = self.rx_data.val();
        self.command.rx_end.next = self.rx_end.val();
        self.command.tx_begin.next = self.tx_begin.val();
        self.command.tx_end.next = self.tx_end.val();
        self.command.tx_next.next = self.tx_next.val();
        self.ready.next = self.command.ready.val();
        self.busy.next = self.command.busy.val();
        self.tx_ready.next = self.command.tx_ready.val();
        self.tx_data.next = self.command.tx_data.val();
        self.tx_last.next = self.command.tx_last.val();
        self.engine.clock.next = self.clock.val();
        self.engine.reset.next = self.reset.val();
        self.engine.in_valid.next = self.command.in_valid.val();
        self.engine.in_data.next = self.command.in_data.val();
        self.engine.in_last.next = self.command.in_last.val();
        self.command.in_ready.next = self.engine.in_ready.val();
        self.command.frame_error.next = self.engine.frame_error.val();
        self.command.out_valid.next = self.engine.out_valid.val();
        self.command.out_data.next = self.engine.out_data.val();
        self.command.out_last.next = self.engine.out_last.val();
        self.engine.out_ready.next = self.command.out_ready.val();
        for i in 0..self.flash.len() {
            self.flash[i].clock.next = self.clock.val();
            self.flash[i].reset.next = self.reset.val();
            self.flash[i].link_valid.next = self.command.load_valid[i].val();
            self.flash[i].link_data.next = self.command.in_data.val();
            self.flash[i].link_last.next = self.command.in_last.val();
            self.command.link_ready[i].next = self.flash[i].link_ready.val();
            self.command.has_weights[i].next = self.engine.loaded[i].val();
            self.engine.load_valid[i].next = self.flash[i].load_valid.val();
            self.engine.load_data[i].next = self.flash[i].load_data.val();
            self.engine.load_last[i].next = self.flash[i].load_last.val();
            self.flash[i].load_ready.next = self.engine.load_ready[i].val();
            self.flash[i].load_error.next = self.engine.load_error[i].val();
            self.flash[i].miso.next = self.flash_miso[i].val();
            self.flash_cs_n[i].next = self.flash[i].cs_n.val();
            self.flash_sck[i].next = self.flash[i].sck.val();
            self.flash_mosi[i].next = self.flash[i].mosi.val();
        }
        for i in 0..self._digests.len() {
            self.engine.digest_index[i].next = self.command.digest_index.val();
            self.command.digest_data.next = self.engine.digest_data[i].val();
        }
        for _i in 0..self._no_digests.len() {
            // Nothing reads it.
            self.command.digest_data.next = self.command.digest_index.val();
        }
    }
}

impl LinkedEngine {
    /// The engine and its command block, which has a result wait for so many clocks; the chip connects them.
    ///
    /// # Errors
    /// [`HdlError::Identity`] where the chip would tell of another engine.
    pub fn new(
        engine: SequencedEngine,
        identity: &Identity,
        patience: impl FnOnce(&Arc<Program>) -> Result<u32, HdlError>,
    ) -> Result<Self, HdlError> {
        let program = engine.program();
        let sizes = [program.input_bytes, 4 * program.output_words, program.options.lanes];
        let told: [u32; 3] = [identity.input.into(), identity.output.into(), identity.lanes.into()];
        let has = [engine.has_digests(), program.is_loaded()];
        if sizes != told || has != [identity.has_digests(), identity.has_loader()] {
            return Err(HdlError::Identity);
        }
        let patience = patience(program)?;
        let image_bytes = program.is_loaded().then(|| program.image_bytes());
        // Without a clock that is told the flash rests as long as with the fastest one.
        let kilohertz = if identity.kilohertz == 0 { u16::MAX } else { identity.kilohertz };
        let flash = image_bytes.map(|bytes| FlashBlock::of(flash::circuit(bytes, kilohertz.into())));
        let flash: Vec<FlashBlock> = flash.into_iter().collect();
        Ok(Self {
            clock: Signal::default(),
            reset: Signal::default(),
            rx_start: Signal::default(),
            rx_valid: Signal::default(),
            rx_data: Signal::default(),
            rx_end: Signal::default(),
            tx_begin: Signal::default(),
            tx_end: Signal::default(),
            tx_next: Signal::default(),
            ready: Signal::default(),
            busy: Signal::default(),
            tx_ready: Signal::default(),
            tx_data: Signal::default(),
            tx_last: Signal::default(),
            flash_miso: signals(flash.len()),
            flash_cs_n: signals(flash.len()),
            flash_sck: signals(flash.len()),
            flash_mosi: signals(flash.len()),
            command: CommandBlock::of(command::circuit(identity, patience, image_bytes)),
            flash,
            _digests: vec![(); usize::from(engine.has_digests())],
            _no_digests: vec![(); usize::from(!engine.has_digests())],
            engine,
        })
    }

    pub fn is_at_start(&self) -> bool {
        self.command.is_at_start() && self.engine.is_at_start() && self.flash.iter().all(FlashBlock::is_at_start)
    }
}
