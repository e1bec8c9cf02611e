//! The driver of `bitfab-link` at the pins of an FPGA that was turned back from its bitstream.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use bitfab_format::Model;
use bitfab_hdl::{Options, cycles};
use bitfab_link::{Patience, SpiWire};
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{Error, ErrorKind, ErrorType, Operation, SpiDevice};

use super::{BOARD, Fpga};
use crate::asked::ask;
use crate::board::{Board, BoardWire, BuildOptions, build};
use crate::chip::each_byte;
use crate::engine::{Engine, Run};
use crate::error::SimError;
use crate::linked::sound;
use crate::replay::io as io_error;
use crate::rtl::unsupported;

/// Clocks of half a bit on SPI, and around chip select.
const HALF: u16 = 4;
/// How long the board keeps its chip in reset, and more.
const REST_US: u32 = 100;
/// How often the driver looks at the chip.
const PAUSE_US: u32 = 20;

/// The bitstream of an iCEBreaker, turned back into Verilog, at whose pins the driver asks; the chip keeps the digest of
/// every layer.
#[derive(Clone, Copy, Debug)]
pub struct Bitstream {
    /// The engine of the chip.
    pub options: Options,
}

impl Bitstream {
    /// The file for `model`: one placement, at the clock of the board.
    ///
    /// # Errors
    /// As [`build`].
    pub fn file(&self, model: &Model<'_>) -> Result<Vec<u8>, SimError> {
        let board = Board::named(BOARD).expect("the tests find it");
        let kilohertz = Some(1000 * board.clock.megahertz);
        let asked = BuildOptions { options: self.options, wire: BoardWire::Spi, digests: true, kilohertz, seeds: 1 };
        let built = build(model, &board, &asked, &|_| {})?;
        Ok(built.files.into_iter().next_back().map(|file| file.bytes).unwrap_or_default())
    }

    /// What an FPGA computes of each input, by the driver over SPI.
    ///
    /// # Errors
    /// [`SimError::Tool`] in the driver's words where it holds another model or does not answer at once.
    pub fn asked(
        &self,
        fpga: &Fpga,
        model: &Model<'_>,
        inputs: &[&[u8]],
        done: &mut dyn FnMut(usize),
    ) -> Result<Vec<Run>, SimError> {
        let pins = fpga.start().map_err(|source| io_error("starting the FPGA", source))?;
        let cycles = cycles(model, &self.options).map_err(|error| unsupported(&self.name(), &error))?;
        // Twice the time of an inference.
        let micros = 200 + 2 * cycles.latency * 1000 / u64::from(fpga.kilohertz());
        let polls = (micros / u64::from(PAUSE_US)).try_into().unwrap_or(u32::MAX);
        let mut delay = pins.clone();
        delay.delay_us(REST_US);
        let wire = SpiWire::new(pins, delay, Patience { polls, pause_us: PAUSE_US });
        ask(self, sound(wire), model, inputs, done)
    }
}

impl Engine for Bitstream {
    fn name(&self) -> String {
        "bitstream-ice40".into()
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let fpga = Fpga::new(&self.file(model)?, &|bits| bits)?;
        self.asked(&fpga, model, inputs, done)
    }
}

impl Fpga {
    /// One of it, as after configuration.
    fn start(&self) -> io::Result<Pins> {
        let mut command = Command::new(self.folder.path().join("obj_dir/fpga"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process { child, input, output, waits: 0 };
        Ok(Pins { process: Rc::new(RefCell::new(process)), kilohertz: self.kilohertz })
    }
}

/// The program around the FPGA's pins (`fpga.cpp`).
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    /// Clocks that pass before the next request.
    waits: u32,
}

impl Process {
    fn ask(&mut self, what: u8, byte: u8) -> Result<u8, PinError> {
        let ([low, high], clocks) = (HALF.to_le_bytes(), std::mem::take(&mut self.waits).to_le_bytes());
        let (Some(input), Some(output)) = (&mut self.input, &mut self.output) else { return Err(PinError::Gone) };
        let request = [what, byte, low, high, clocks[0], clocks[1], clocks[2], clocks[3]];
        let mut answer = [0];
        let asked = input.write_all(&request).and_then(|()| output.read_exact(&mut answer));
        asked.map(|()| answer[0]).map_err(|_| PinError::Gone)
    }

    fn select(&mut self, level: u8) -> Result<(), PinError> {
        self.waits = self.waits.saturating_add(2 * u32::from(HALF));
        self.ask(b'C', level)?;
        self.waits = 2 * u32::from(HALF);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None; // it ends
        let _ = self.child.wait(); // what it ends with says nothing
    }
}

/// The program behind the pins has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PinError {
    Gone,
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the FPGA has ended")
    }
}

impl std::error::Error for PinError {}

impl Error for PinError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// The pins: an SPI device, and the time that passes at them.
#[derive(Clone)]
struct Pins {
    process: Rc<RefCell<Process>>,
    kilohertz: u32,
}

impl ErrorType for Pins {
    type Error = PinError;
}

impl SpiDevice for Pins {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), PinError> {
        let mut process = self.process.borrow_mut();
        process.select(0)?;
        each_byte(operations, |out| process.ask(b'X', out))?;
        process.select(1)
    }
}

impl DelayNs for Pins {
    fn delay_ns(&mut self, ns: u32) {
        let clocks = (u64::from(ns) * u64::from(self.kilohertz)).div_ceil(1_000_000);
        let mut process = self.process.borrow_mut();
        process.waits = process.waits.saturating_add(clocks.try_into().unwrap_or(u32::MAX));
    }
}
