//! The driver of `bitfab-link` and the chip, the accelerator behind its wires, wired by rust-hdl: no tool, no file.

use std::fmt::Debug;
use std::sync::Arc;

use bitfab_format::Model;
use bitfab_hdl::{
    HdlError, Link as HdlLink, Options, Program, SequencedEngine, SpiChip, UartChip, Wire, cycles, identity,
};
use bitfab_link::{Identity, Link, Patience, SpiWire, UartWire};

use crate::asked::ask;
use crate::chip::{Bench, SimDelay, SimSpi, SimUart};
use crate::engine::{Engine, Run};
use crate::error::SimError;
use crate::rtl::unsupported;

/// The clock that the chip says it has: of no matter here, where waiting is counted in clocks.
const KILOHERTZ: u32 = 12_000;
/// Clocks of half a bit on SPI: the fastest that the protocol allows.
const HALF: u32 = 4;
/// Clocks of a bit on a UART.
const DIVISOR: u32 = 8;

/// Which wires there are between the driver and the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkedWire {
    /// SPI, mode 0.
    Spi,
    /// UART, 8N1.
    Uart,
}

/// The driver and the chip on sound wires, the digest of every layer kept by the chip itself.
#[derive(Clone, Copy, Debug)]
pub struct Linked {
    /// Their wires.
    pub wire: LinkedWire,
    /// The engine of the chip.
    pub options: Options,
}

impl Linked {
    /// The chip's engine, and what the chip says of itself.
    fn engine(&self, model: &Model<'_>) -> Result<(SequencedEngine, Identity), HdlError> {
        let wire = match self.wire {
            LinkedWire::Spi => Wire::Spi,
            LinkedWire::Uart => Wire::Uart { divisor: DIVISOR },
        };
        let identity = identity(model, &self.options, &HdlLink { wire, kilohertz: KILOHERTZ, digests: true })?;
        let program = Arc::new(Program::new(model, &self.options)?);
        Ok((SequencedEngine::with_digests(&program)?, identity))
    }

    /// Twice the time of an inference, in steps of which the driver looks at the chip.
    fn patience(&self, model: &Model<'_>, pause_us: u32) -> Result<Patience, HdlError> {
        let micros = 200 + 2 * cycles(model, &self.options)?.latency * 1000 / u64::from(KILOHERTZ);
        Ok(Patience { polls: (micros / u64::from(pause_us)).try_into().unwrap_or(u32::MAX), pause_us })
    }

    fn spi(&self, model: &Model<'_>) -> Result<SpiWire<SimSpi, SimDelay<SpiChip>>, HdlError> {
        let (engine, identity) = self.engine(model)?;
        let bench = Bench::new(SpiChip::around(engine, &identity)?, false);
        let device = SimSpi::new(bench.clone(), HALF, |byte| byte);
        Ok(SpiWire::new(device, SimDelay::new(bench, KILOHERTZ), self.patience(model, 20)?))
    }

    fn uart(&self, model: &Model<'_>) -> Result<UartWire<SimUart, SimUart>, HdlError> {
        let (engine, identity) = self.engine(model)?;
        let bench = Bench::new(UartChip::around(engine, &identity, DIVISOR)?, false);
        let uart = SimUart::new(bench, (DIVISOR, KILOHERTZ), |byte| vec![byte]);
        // Shorter than a byte takes.
        Ok(UartWire::new(uart.clone(), uart, self.patience(model, 2)?))
    }

    fn asked<W: bitfab_link::Wire<Error: Debug>>(
        &self,
        wire: Result<W, HdlError>,
        model: &Model<'_>,
        inputs: &[&[u8]],
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        let wire = wire.map_err(|error| unsupported(&self.name(), &error))?;
        ask(self, sound(wire), model, inputs, done)
    }
}

/// A link on a wire that damages nothing: what has to be asked for twice is a fault of one of both sides.
pub(crate) fn sound<W>(wire: W) -> Link<W> {
    let mut link = Link::new(wire);
    link.session.tries = 1;
    link
}

impl Engine for Linked {
    fn name(&self) -> String {
        let name = match self.wire {
            LinkedWire::Spi => "linked",
            LinkedWire::Uart => "linked-uart",
        };
        name.into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        match self.wire {
            LinkedWire::Spi => self.asked(self.spi(model), model, inputs, done),
            LinkedWire::Uart => self.asked(self.uart(model), model, inputs, done),
        }
    }
}
