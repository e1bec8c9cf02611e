//! A board on the laptop: its UART is two channels, its LED counts, its time passes at once.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bitfab_link::{Link, Patience, UartWire};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType as PinErrorType, OutputPin};
use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{ErrorKind, ErrorType, Read, Write};

/// One end of two wires.
pub struct End(pub Sender<u8>, pub Receiver<u8>);

impl ErrorType for End {
    type Error = ErrorKind;
}

impl Read for End {
    fn read(&mut self) -> nb::Result<u8, ErrorKind> {
        self.1.try_recv().map_err(|_| nb::Error::WouldBlock)
    }
}

impl Write for End {
    fn write(&mut self, byte: u8) -> nb::Result<(), ErrorKind> {
        let _ = self.0.send(byte); // the board may have been stopped
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), ErrorKind> {
        Ok(())
    }
}

/// A LED that counts how often it is lit, and time that passes at once.
#[derive(Default)]
pub struct Led {
    pub lit: AtomicU32,
    pub micros: AtomicU32,
}

pub struct Pin<'l>(pub &'l Led);
pub struct Time<'l>(pub &'l Led);

impl PinErrorType for Pin<'_> {
    type Error = Infallible;
}

impl OutputPin for Pin<'_> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.lit.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl DelayNs for Time<'_> {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.micros.fetch_add(nanoseconds / 1000, Ordering::Relaxed);
        std::thread::yield_now();
    }
}

/// What a board does with the bytes of its UART.
pub type Exchange<'x> = &'x mut dyn FnMut(Option<u8>) -> Option<u8>;

/// Does `work` at the other end of the UART of a board that runs for ever; how its LED blinked.
pub fn beside(
    runs: impl FnOnce(&mut Pin<'_>, &mut Time<'_>, Exchange<'_>) + Send,
    work: impl FnOnce(End, &Led),
) -> Led {
    let ((to, came), (back, answers)) = (channel(), channel());
    let (led, is_over) = (Led::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let board = scope.spawn(|| {
            let mut uart = End(back, came);
            let mut exchange = |byte: Option<u8>| {
                if is_over.load(Ordering::Relaxed) {
                    resume_unwind(Box::new("over"));
                }
                byte.map(|byte| uart.write(byte));
                uart.read().ok()
            };
            runs(&mut Pin(&led), &mut Time(&led), &mut exchange);
        });
        let worked = catch_unwind(AssertUnwindSafe(|| work(End(to, answers), &led)));
        is_over.store(true, Ordering::Relaxed);
        assert!(board.join().is_err());
        worked.unwrap_or_else(|panic| resume_unwind(panic));
    });
    led
}

/// The driver at this end.
pub fn driver(end: End) -> Link<UartWire<End, Pause>> {
    Link::new(UartWire::new(end, Pause, Patience { polls: 2_000, pause_us: 100 }))
}

/// Time of the laptop.
pub struct Pause;

impl DelayNs for Pause {
    fn delay_ns(&mut self, nanoseconds: u32) {
        std::thread::sleep(std::time::Duration::from_nanos(nanoseconds.into()));
    }
}
