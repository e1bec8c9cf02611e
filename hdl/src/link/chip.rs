//! The whole chip: an endpoint, the command block and the engine.

use bitfab_link::Identity;
use rust_hdl::prelude::*;

use super::linked::LinkedEngine;
use super::spi::SpiBlock;
use super::uart::UartBlock;
use super::{pace, spi, uart};
use crate::engine::{settle, signals};
use crate::{HdlError, SequencedEngine};

/// Fewest clocks of a bit on a UART: a byte of the checksum takes nine clocks, a byte of the line ten bits.
const LEAST_DIVISOR: u32 = 4;
/// Most clocks of a bit.
const MOST_DIVISOR: u32 = 1 << 20;

/// The accelerator behind SPI, mode 0.
#[derive(LogicBlock)]
pub struct SpiChip {
    /// Clock; everything happens at its rising edge.
    pub clock: Signal<In, Clock>,
    /// Returns every register to its start at the next edge.
    pub reset: Signal<In, Bit>,
    /// Clock of the bus, of at most an eighth of the own clock.
    pub sck: Signal<In, Bit>,
    /// Low selects the chip.
    pub cs_n: Signal<In, Bit>,
    /// A bit from the host.
    pub mosi: Signal<In, Bit>,
    /// A bit to the host.
    pub miso: Signal<Out, Bit>,
    /// An answer can be read.
    pub ready: Signal<Out, Bit>,
    /// A bit from the board's flash, where weights are loaded.
    pub flash_miso: Vec<Signal<In, Bit>>,
    /// Low selects the flash.
    pub flash_cs_n: Vec<Signal<Out, Bit>>,
    /// The clock of the flash.
    pub flash_sck: Vec<Signal<Out, Bit>>,
    /// A bit to the flash.
    pub flash_mosi: Vec<Signal<Out, Bit>>,
    endpoint: SpiBlock,
    linked: LinkedEngine,
}

impl Logic for SpiChip {
    #[hdl_gen]
    fn update(&mut self) {
        self.endpoint.clock.next = self.clock.val();
        self.endpoint.reset.next = self.reset.val();
        self.endpoint.sck.next = self.sck.val();
        self.endpoint.cs_n.next = self.cs_n.val();
        self.endpoint.mosi.next = self.mosi.val();
        self.miso.next = self.endpoint.miso.val();
        self.ready.next = self.linked.ready.val();
        self.linked.clock.next = self.clock.val();
        self.linked.reset.next = self.reset.val();
        self.linked.rx_start.next = self.endpoint.rx_start.val();
        self.linked.rx_valid.next = self.endpoint.rx_valid.val();
        self.linked.rx_data.next = self.endpoint.rx_data.val();
        self.linked.rx_end.next = self.endpoint.rx_end.val();
        self.linked.tx_begin.next = self.endpoint.tx_begin.val();
        self.linked.tx_end.next = self.endpoint.tx_end.val();
        self.linked.tx_next.next = self.endpoint.tx_next.val();
        self.endpoint.tx_last.next = self.linked.tx_last.val();
        self.endpoint.ready.next = self.linked.ready.val();
        self.endpoint.busy.next = self.linked.busy.val();
        self.endpoint.tx_ready.next = self.linked.tx_ready.val();
        self.endpoint.tx_data.next = self.linked.tx_data.val();
        for i in 0..self.flash_miso.len() {
            self.linked.flash_miso[i].next = self.flash_miso[i].val();
            self.flash_cs_n[i].next = self.linked.flash_cs_n[i].val();
            self.flash_sck[i].next = self.linked.flash_sck[i].val();
            self.flash_mosi[i].next = self.linked.flash_mosi[i].val();
        }
    }
}

impl SpiChip {
    /// The chip around an engine, connected, as after configuration of the FPGA.
    ///
    /// # Errors
    /// [`HdlError::LinkedResult`], [`HdlError::Identity`], [`HdlError::TooLong`].
    pub fn around(engine: SequencedEngine, identity: &Identity) -> Result<Self, HdlError> {
        let flashes = usize::from(engine.program().is_loaded());
        let mut chip = Self {
            clock: Signal::default(),
            reset: Signal::default(),
            sck: Signal::default(),
            cs_n: Signal::default(),
            mosi: Signal::default(),
            miso: Signal::default(),
            ready: Signal::default(),
            flash_miso: signals(flashes),
            flash_cs_n: signals(flashes),
            flash_sck: signals(flashes),
            flash_mosi: signals(flashes),
            endpoint: SpiBlock::of(spi::circuit()),
            linked: LinkedEngine::new(engine, identity, pace::patience)?,
        };
        chip.connect_all();
        Ok(chip)
    }

    /// One clock with these pins (`sck`, `cs_n`, `mosi`); returns what `miso` and `ready` show before the edge.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if the wires do not settle.
    pub fn step(&mut self, [sck, cs_n, mosi]: [bool; 3]) -> Result<[bool; 2], HdlError> {
        (self.sck.next, self.cs_n.next, self.mosi.next) = (sck, cs_n, mosi);
        self.clock.next = Clock { clk: false };
        settle(self)?;
        let outputs = [self.miso.val(), self.ready.val()];
        self.clock.next = Clock { clk: true };
        settle(self)?;
        Ok(outputs)
    }

    /// What `flash_cs_n`, `flash_sck` and `flash_mosi` show, where weights are loaded.
    pub fn flash(&self) -> Option<[bool; 3]> {
        let (cs_n, sck, mosi) = (self.flash_cs_n.first()?, self.flash_sck.first()?, self.flash_mosi.first()?);
        Some([cs_n.val(), sck.val(), mosi.val()])
    }

    /// The bit that the flash shows from now on.
    pub fn set_flash(&mut self, miso: bool) {
        self.flash_miso.iter_mut().for_each(|pin| pin.next = miso);
    }

    /// Whether every register that a reset returns to its start is there.
    pub fn is_at_start(&self) -> bool {
        self.endpoint.is_at_start() && self.linked.is_at_start()
    }
}

/// The accelerator behind a UART, 8N1.
#[derive(LogicBlock)]
pub struct UartChip {
    /// Clock; everything happens at its rising edge.
    pub clock: Signal<In, Clock>,
    /// Returns every register to its start at the next edge.
    pub reset: Signal<In, Bit>,
    /// The line from the host.
    pub rx: Signal<In, Bit>,
    /// The line to the host.
    pub tx: Signal<Out, Bit>,
    /// An answer is ready or under way.
    pub ready: Signal<Out, Bit>,
    /// A bit from the board's flash, where weights are loaded.
    pub flash_miso: Vec<Signal<In, Bit>>,
    /// Low selects the flash.
    pub flash_cs_n: Vec<Signal<Out, Bit>>,
    /// The clock of the flash.
    pub flash_sck: Vec<Signal<Out, Bit>>,
    /// A bit to the flash.
    pub flash_mosi: Vec<Signal<Out, Bit>>,
    endpoint: UartBlock,
    linked: LinkedEngine,
}

impl Logic for UartChip {
    #[hdl_gen]
    fn update(&mut self) {
        self.endpoint.clock.next = self.clock.val();
        self.endpoint.reset.next = self.reset.val();
        self.endpoint.rx.next = self.rx.val();
        self.tx.next = self.endpoint.tx.val();
        self.ready.next = self.linked.ready.val();
        self.linked.clock.next = self.clock.val();
        self.linked.reset.next = self.reset.val();
        self.linked.rx_start.next = self.endpoint.rx_start.val();
        self.linked.rx_valid.next = self.endpoint.rx_valid.val();
        self.linked.rx_data.next = self.endpoint.rx_data.val();
        self.linked.rx_end.next = self.endpoint.rx_end.val();
        self.linked.tx_begin.next = false;
        self.linked.tx_end.next = false;
        self.endpoint.busy.next = self.linked.busy.val();
        self.linked.tx_next.next = self.endpoint.tx_next.val();
        self.endpoint.tx_ready.next = self.linked.tx_ready.val();
        self.endpoint.tx_data.next = self.linked.tx_data.val();
        self.endpoint.tx_last.next = self.linked.tx_last.val();
        for i in 0..self.flash_miso.len() {
            self.linked.flash_miso[i].next = self.flash_miso[i].val();
            self.flash_cs_n[i].next = self.linked.flash_cs_n[i].val();
            self.flash_sck[i].next = self.linked.flash_sck[i].val();
            self.flash_mosi[i].next = self.linked.flash_mosi[i].val();
        }
    }
}

impl UartChip {
    /// The chip around an engine, with `divisor` clocks a bit, connected, as after configuration of the FPGA.
    ///
    /// # Errors
    /// [`HdlError::Divisor`], [`HdlError::Identity`].
    pub fn around(engine: SequencedEngine, identity: &Identity, divisor: u32) -> Result<Self, HdlError> {
        if !(LEAST_DIVISOR..=MOST_DIVISOR).contains(&divisor) {
            return Err(HdlError::Divisor { divisor, least: LEAST_DIVISOR, most: MOST_DIVISOR });
        }
        let flashes = usize::from(engine.program().is_loaded());
        let mut chip = Self {
            clock: Signal::default(),
            reset: Signal::default(),
            rx: Signal::default(),
            tx: Signal::default(),
            ready: Signal::default(),
            flash_miso: signals(flashes),
            flash_cs_n: signals(flashes),
            flash_sck: signals(flashes),
            flash_mosi: signals(flashes),
            endpoint: UartBlock::of(uart::circuit(divisor)),
            // A UART waits for bytes that are late.
            linked: LinkedEngine::new(engine, identity, |_| Ok(0))?,
        };
        chip.connect_all();
        Ok(chip)
    }

    /// One clock with this level of `rx`; returns what `tx` and `ready` show before the edge.
    ///
    /// # Errors
    /// [`HdlError::Loop`] if the wires do not settle.
    pub fn step(&mut self, rx: bool) -> Result<[bool; 2], HdlError> {
        self.rx.next = rx;
        self.clock.next = Clock { clk: false };
        settle(self)?;
        let outputs = [self.tx.val(), self.ready.val()];
        self.clock.next = Clock { clk: true };
        settle(self)?;
        Ok(outputs)
    }

    /// What `flash_cs_n`, `flash_sck` and `flash_mosi` show, where weights are loaded.
    pub fn flash(&self) -> Option<[bool; 3]> {
        let (cs_n, sck, mosi) = (self.flash_cs_n.first()?, self.flash_sck.first()?, self.flash_mosi.first()?);
        Some([cs_n.val(), sck.val(), mosi.val()])
    }

    /// The bit that the flash shows from now on.
    pub fn set_flash(&mut self, miso: bool) {
        self.flash_miso.iter_mut().for_each(|pin| pin.next = miso);
    }

    /// Whether every register that a reset returns to its start is there.
    pub fn is_at_start(&self) -> bool {
        self.endpoint.is_at_start() && self.linked.is_at_start()
    }
}
