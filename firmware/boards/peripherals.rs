//! A bus, a UART and a timer of no chip: what the driver is linked with where nothing is run.

use core::convert::Infallible;
use core::hint::black_box;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{self, OutputPin};
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use embedded_hal_nb::{nb, serial};

/// Each byte is one that the compiler cannot know.
#[derive(Clone, Copy)]
pub struct Peripheral;

impl ErrorType for Peripheral {
    type Error = Infallible;
}

impl SpiDevice for Peripheral {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        black_box(operations);
        Ok(())
    }
}

impl serial::ErrorType for Peripheral {
    type Error = serial::ErrorKind;
}

impl serial::Read for Peripheral {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        black_box(Err(nb::Error::WouldBlock))
    }
}

impl serial::Write for Peripheral {
    fn write(&mut self, byte: u8) -> nb::Result<(), serial::ErrorKind> {
        black_box(byte);
        black_box(Ok(()))
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        black_box(Ok(()))
    }
}

impl DelayNs for Peripheral {
    fn delay_ns(&mut self, nanoseconds: u32) {
        black_box(nanoseconds);
    }
}

impl digital::ErrorType for Peripheral {
    type Error = Infallible;
}

impl OutputPin for Peripheral {
    fn set_low(&mut self) -> Result<(), Infallible> {
        black_box(Ok(()))
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        black_box(Ok(()))
    }
}
