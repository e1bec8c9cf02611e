//! The engine behind the ports of AXI4-Stream (AMBA IHI 0051): the same handshakes, under the names and with the reset
//! that tools and other cores expect.

use std::sync::Arc;

use rust_hdl::prelude::*;

use crate::engine::{settle, signals};
use crate::machine::Written;
use crate::program::Program;
use crate::{HdlError, LoadPorts, Ports, SequencedEngine, Stimulus, StreamByte};

/// The accelerator with a subordinate and a manager port of AXI4-Stream, eight bits each.
#[derive(LogicBlock)]
pub struct AxiStream {
    /// Clock; everything happens at its rising edge.
    pub aclk: Signal<In, Clock>,
    /// Low returns every register to its start at the next edge.
    pub aresetn: Signal<In, Bit>,
    /// A byte of the input.
    pub s_axis_tdata: Signal<In, Bits<8>>,
    /// It is valid.
    pub s_axis_tvalid: Signal<In, Bit>,
    /// It is the last of its frame.
    pub s_axis_tlast: Signal<In, Bit>,
    /// It is taken at the next edge.
    pub s_axis_tready: Signal<Out, Bit>,
    /// The last frame had a wrong length and was dropped.
    pub frame_error: Signal<Out, Bit>,
    /// A byte of the result.
    pub m_axis_tdata: Signal<Out, Bits<8>>,
    /// It is valid.
    pub m_axis_tvalid: Signal<Out, Bit>,
    /// It is the last of its result.
    pub m_axis_tlast: Signal<Out, Bit>,
    /// It is taken at the next edge.
    pub m_axis_tready: Signal<In, Bit>,
    /// The load port, where weights are loaded: a byte of their image.
    pub s_axis_load_tdata: Vec<Signal<In, Bits<8>>>,
    /// It is valid.
    pub s_axis_load_tvalid: Vec<Signal<In, Bit>>,
    /// It is the last one.
    pub s_axis_load_tlast: Vec<Signal<In, Bit>>,
    /// It is taken at the next edge.
    pub s_axis_load_tready: Vec<Signal<Out, Bit>>,
    /// The image has come, and its CRC was right.
    pub loaded: Vec<Signal<Out, Bit>>,
    /// The load was too short, too long or damaged.
    pub load_error: Vec<Signal<Out, Bit>>,
    engine: SequencedEngine,
}

impl Logic for AxiStream {
    #[hdl_gen]
    fn update(&mut self) {
        self.engine.clock.next = self.aclk.val();
        self.engine.reset.next = !self.aresetn.val();
        self.engine.in_data.next = self.s_axis_tdata.val();
        self.engine.in_valid.next = self.s_axis_tvalid.val();
        self.engine.in_last.next = self.s_axis_tlast.val();
        self.s_axis_tready.next = self.engine.in_ready.val();
        self.frame_error.next = self.engine.frame_error.val();
        self.m_axis_tdata.next = self.engine.out_data.val();
        self.m_axis_tvalid.next = self.engine.out_valid.val();
        self.m_axis_tlast.next = self.engine.out_last.val();
        self.engine.out_ready.next = self.m_axis_tready.val();
        for i in 0..self.loaded.len() {
            self.engine.load_data[i].next = self.s_axis_load_tdata[i].val();
            self.engine.load_valid[i].next = self.s_axis_load_tvalid[i].val();
            self.engine.load_last[i].next = self.s_axis_load_tlast[i].val();
            self.s_axis_load_tready[i].next = self.engine.load_ready[i].val();
            self.loaded[i].next = self.engine.loaded[i].val();
            self.load_error[i].next = self.engine.load_error[i].val();
        }
    }
}

impl AxiStream {
    /// The accelerator for a program that has been planned, connected, as after configuration of the FPGA.
    pub fn of(program: &Arc<Program>) -> Self {
        Self::around(SequencedEngine::of(program))
    }

    /// These ports around an engine.
    pub(crate) fn around(engine: SequencedEngine) -> Self {
        let loads = engine.loaded.len();
        let mut top = Self {
            aclk: Signal::default(),
            aresetn: Signal::default(),
            s_axis_tdata: Signal::default(),
            s_axis_tvalid: Signal::default(),
            s_axis_tlast: Signal::default(),
            s_axis_tready: Signal::default(),
            frame_error: Signal::default(),
            m_axis_tdata: Signal::default(),
            m_axis_tvalid: Signal::default(),
            m_axis_tlast: Signal::default(),
            m_axis_tready: Signal::default(),
            s_axis_load_tdata: signals(loads),
            s_axis_load_tvalid: signals(loads),
            s_axis_load_tlast: signals(loads),
            s_axis_load_tready: signals(loads),
            loaded: signals(loads),
            load_error: signals(loads),
            engine,
        };
        top.connect_all();
        top
    }

    /// Sets the inputs and lets the wires settle: the clock is low, the ports show what the next edge will see.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if they do not settle.
    pub fn offer(&mut self, stimulus: Stimulus) -> Result<Ports, HdlError> {
        let input = stimulus.input;
        self.aresetn.next = !stimulus.reset;
        self.s_axis_tvalid.next = input.is_some();
        self.s_axis_tdata.next = u64::from(input.map_or(0, |byte| byte.value)).into();
        self.s_axis_tlast.next = input.is_some_and(|byte| byte.last);
        self.m_axis_tready.next = stimulus.out_ready;
        self.offer_load(stimulus.load);
        self.aclk.next = Clock { clk: false };
        settle(self)?;
        let offered = StreamByte { value: self.m_axis_tdata.val().to_u8(), last: self.m_axis_tlast.val() };
        Ok(Ports {
            in_ready: self.s_axis_tready.val(),
            out: self.m_axis_tvalid.val().then_some(offered),
            frame_error: self.frame_error.val(),
            load: self.load_ports(),
        })
    }

    fn offer_load(&mut self, byte: Option<StreamByte>) {
        for i in 0..self.loaded.len() {
            self.s_axis_load_tvalid[i].next = byte.is_some();
            self.s_axis_load_tdata[i].next = u64::from(byte.map_or(0, |byte| byte.value)).into();
            self.s_axis_load_tlast[i].next = byte.is_some_and(|byte| byte.last);
        }
    }

    fn load_ports(&self) -> Option<LoadPorts> {
        let (ready, loaded, error) = (self.s_axis_load_tready.first()?, self.loaded.first()?, self.load_error.first()?);
        Some(LoadPorts { ready: ready.val(), loaded: loaded.val(), error: error.val() })
    }

    /// One rising edge; returns the output word that it finished.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if the wires do not settle.
    pub fn tick(&mut self) -> Result<Option<Written>, HdlError> {
        self.aclk.next = Clock { clk: true };
        settle(self)?;
        Ok(self.engine.written())
    }
}
