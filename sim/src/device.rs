//! A board behind a serial port: an FPGA with the accelerator and a UART, or a microcontroller that serves the model.

use std::io::ErrorKind;
use std::time::Duration;

use bitfab_format::Model;
use bitfab_link::{Link, Patience, UartWire};
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{Error as SerialError, ErrorKind as SerialErrorKind, ErrorType, Read, Write};
use serial2::{SerialPort, Settings};

use crate::asked::ask;
use crate::engine::{Engine, Run};
use crate::error::SimError;

/// How long one look at the port takes, and how many there are until a byte is given up.
const LOOK: Duration = Duration::from_millis(1);
const LOOKS: u32 = 2_000;

/// A board behind a serial port.
#[derive(Clone, Debug)]
pub struct Device {
    /// The port, as the system names it.
    pub path: String,
    /// Bits a second.
    pub baud: u32,
}

/// A serial port as a UART of embedded-hal.
struct Port(SerialPort);

/// What the system says of a port.
#[derive(Debug)]
struct PortError(std::io::Error);

impl std::fmt::Display for PortError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for PortError {}

impl SerialError for PortError {
    fn kind(&self) -> SerialErrorKind {
        SerialErrorKind::Other
    }
}

impl ErrorType for Port {
    type Error = PortError;
}

impl Read for Port {
    fn read(&mut self) -> nb::Result<u8, PortError> {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(1) => Ok(byte[0]),
            Ok(_) => Err(nb::Error::WouldBlock),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                Err(nb::Error::WouldBlock)
            }
            Err(error) => Err(nb::Error::Other(PortError(error))),
        }
    }
}

impl Write for Port {
    fn write(&mut self, word: u8) -> nb::Result<(), PortError> {
        self.0.write_all(&[word]).map_err(|error| nb::Error::Other(PortError(error)))
    }

    fn flush(&mut self) -> nb::Result<(), PortError> {
        self.0.flush().map_err(|error| nb::Error::Other(PortError(error)))
    }
}

/// Time passes while the port is looked at.
struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

impl Device {
    fn open(&self) -> Result<Port, SimError> {
        let what = || format!("opening the serial port {}", self.path);
        let baud = self.baud;
        let settings = |mut settings: Settings| {
            settings.set_raw();
            settings.set_baud_rate(baud)?;
            Ok(settings)
        };
        let opened = SerialPort::open(&self.path, settings).and_then(|mut port| {
            port.set_read_timeout(LOOK)?;
            Ok(port)
        });
        opened.map(Port).map_err(|source| SimError::Io { what: what(), source })
    }
}

impl Engine for Device {
    fn name(&self) -> String {
        format!("device:{}", self.path)
    }

    fn run(&mut self, model: &Model<'_>, inputs: &[&[u8]], done: &mut dyn FnMut(usize)) -> Result<Vec<Run>, SimError> {
        let wire = UartWire::new(self.open()?, NoDelay, Patience { polls: LOOKS, pause_us: 0 });
        ask(self, Link::new(wire), model, inputs, done)
    }
}
