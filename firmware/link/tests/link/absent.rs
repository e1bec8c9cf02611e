//! Nothing sane on the wire: what the caller is told, and that it is told at all.

use std::convert::Infallible;

use bitfab_format::arbitrary::Random;
use bitfab_link::protocol::{SLIP_END, STATE_BUSY, STATE_IDLE, STATE_READY};
use bitfab_link::{Link, LinkError, Patience, SpiWire, UartWire, Wire};
use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use embedded_hal_nb::{nb, serial};

const TRIES: u8 = 8;
const PATIENCE: Patience = Patience { polls: 50, pause_us: 1 };

/// Counts what is waited, since all of it must end.
#[derive(Default)]
struct Waited(u32);

impl DelayNs for Waited {
    fn delay_ns(&mut self, _: u32) {
        self.0 += 1;
    }
}

/// A bus whose every byte comes from a function.
struct Pin<F>(F);

impl<F> ErrorType for Pin<F> {
    type Error = Infallible;
}

impl<F: FnMut() -> u8> SpiDevice for Pin<F> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in operations {
            if let Operation::Read(bytes) | Operation::TransferInPlace(bytes) = operation {
                bytes.iter_mut().for_each(|byte| *byte = self.0());
            }
        }
        Ok(())
    }
}

/// A UART whose every byte comes from a function.
struct Line<F>(F);

impl<F> serial::ErrorType for Line<F> {
    type Error = serial::ErrorKind;
}

impl<F: FnMut() -> nb::Result<u8, serial::ErrorKind>> serial::Read for Line<F> {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        self.0()
    }
}

impl<F> serial::Write for Line<F> {
    fn write(&mut self, _: u8) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }
}

fn refused<W: Wire>(wire: W) -> (LinkError<W::Error>, W) {
    let mut link = Link::new(wire);
    link.session.tries = TRIES;
    let error = link.connect(0).unwrap_err();
    assert_eq!(link.session.counts.requests, u32::from(TRIES));
    (error, link.wire)
}

fn of_pin(byte: impl FnMut() -> u8) -> LinkError<Infallible> {
    let (error, wire) = refused(SpiWire::new(Pin(byte), Waited::default(), PATIENCE));
    let waited = wire.release().1.0;
    assert!(waited <= u32::from(TRIES) * 4 * PATIENCE.polls, "{waited} waits");
    error
}

fn of_line(byte: impl FnMut() -> nb::Result<u8, serial::ErrorKind>) -> LinkError<serial::ErrorKind> {
    let (error, wire) = refused(UartWire::new(Line(byte), Waited::default(), PATIENCE));
    let waited = wire.release().1.0;
    assert!(waited <= u32::from(TRIES) * 4 * PATIENCE.polls, "{waited} waits");
    error
}

#[test]
fn over_spi_each_thing_that_is_wrong_has_its_name() {
    let (silent, busy) = (LinkError::Silent { tries: TRIES }, LinkError::Busy { tries: TRIES });
    let corrupt = LinkError::Corrupt { tries: TRIES };
    assert_eq!(of_pin(|| 0x00), silent, "a pin that hangs low");
    assert_eq!(of_pin(|| 0xFF), silent, "a pin that hangs high");
    assert_eq!(of_pin(|| STATE_IDLE), silent, "requests do not arrive");
    assert_eq!(of_pin(|| STATE_BUSY), busy, "an accelerator that never finishes");
    assert_eq!(of_pin(|| STATE_READY), corrupt, "ready, and no answer");
    let mut random = Random::new(3);
    assert_eq!(of_pin(|| random.word() as u8), corrupt, "noise");
    let mut random = Random::new(4);
    let mostly_busy = || if random.once_in(20) { random.word() as u8 | 2 } else { STATE_BUSY };
    assert_eq!(of_pin(mostly_busy), busy, "busy on a wire that is not clean");
}

#[test]
fn over_uart_each_thing_that_is_wrong_has_its_name() {
    let corrupt = LinkError::Corrupt { tries: TRIES };
    assert_eq!(of_line(|| Err(nb::Error::WouldBlock)), LinkError::Silent { tries: TRIES }, "a mute line");
    assert_eq!(of_line(|| Err(nb::Error::Other(serial::ErrorKind::Overrun))), corrupt, "a line at another rate");
    assert_eq!(of_line(|| Ok(SLIP_END)), corrupt, "ends without frames");
    assert_eq!(of_line(|| Ok(0x55)), corrupt, "a frame without end");
    let mut random = Random::new(3);
    assert_eq!(of_line(|| Ok(random.word() as u8)), corrupt, "noise without a pause");
    let mut random = Random::new(3);
    let noise = || if random.once_in(30) { Ok(random.word() as u8) } else { Err(nb::Error::WouldBlock) };
    assert_eq!(of_line(noise), corrupt, "noise with pauses");
}

/// A UART that takes no byte, or fails at it.
struct Full(Option<serial::ErrorKind>);

impl serial::ErrorType for Full {
    type Error = serial::ErrorKind;
}

impl serial::Read for Full {
    fn read(&mut self) -> nb::Result<u8, serial::ErrorKind> {
        Err(nb::Error::WouldBlock)
    }
}

impl serial::Write for Full {
    fn write(&mut self, _: u8) -> nb::Result<(), serial::ErrorKind> {
        Err(self.0.map_or(nb::Error::WouldBlock, nb::Error::Other))
    }

    fn flush(&mut self) -> nb::Result<(), serial::ErrorKind> {
        Ok(())
    }
}

#[test]
fn a_transmitter_that_takes_nothing_ends_too() {
    let (error, wire) = refused(UartWire::new(Full(None), Waited::default(), PATIENCE));
    assert_eq!(error, LinkError::Silent { tries: TRIES });
    assert_eq!(wire.release().1.0, u32::from(TRIES) * 2 * PATIENCE.polls);
    let mut link = Link::new(UartWire::new(Full(Some(serial::ErrorKind::Other)), Waited::default(), PATIENCE));
    assert_eq!(link.drain(), Err(LinkError::Bus(serial::ErrorKind::Other)));
}
