//! The twins that wait without blocking, through the same campaigns.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bitfab_format::arbitrary::Random;
use bitfab_link::asynch::{Accelerator, Link, SpiWire, UartWire, Wire};
use bitfab_link::server::Slip;
use bitfab_link::{LinkError, Patience};
use bitfab_runtime::Inference;
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::spi::{Operation, SpiDevice};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

use crate::chip::{Chip, Far};
use crate::over_spi::OverSpi;
use crate::over_uart::OverUart;
use crate::served::{Served, server};
use crate::wires::line::{Rates, Shared, Spi, SpiClock};
use crate::wires::serial::{Serial, Uart};
use crate::{INPUT, LAYERS, MODEL, PATIENT, WORDS, machine};

/// An executor of one task that never sleeps.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

impl<S: Spi> SpiDevice for Shared<S> {
    async fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        embedded_hal::spi::SpiDevice::transaction(self, operations)
    }
}

/// Yields once, so that others run.
async fn next_poll() {
    let mut is_second = false;
    poll_fn(|_| if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl<S: Spi> DelayNs for SpiClock<S> {
    async fn delay_ns(&mut self, _: u32) {
        next_poll().await;
        self.0.0.borrow_mut().far.tick();
    }
}

/// The awaited UART: what arrives wakes the reader, and every microsecond a byte may.
struct Port<U>(Serial<U>);

impl<U: Uart> DelayNs for Port<U> {
    async fn delay_ns(&mut self, nanoseconds: u32) {
        for _ in 0..nanoseconds / 1_000 {
            next_poll().await;
            self.0.tick();
        }
    }
}

impl<U> ErrorType for Port<U> {
    type Error = ErrorKind;
}

impl<U: Uart> Read for Port<U> {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| match self.0.fifo.borrow_mut().pop_front() {
            Some(Some(byte)) => {
                bytes[0] = byte;
                Poll::Ready(Ok(1))
            }
            Some(None) => Poll::Ready(Err(ErrorKind::InvalidData)),
            None => Poll::Pending,
        })
        .await
    }
}

impl<U: Uart> Write for Port<U> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        next_poll().await;
        self.0.put(bytes[0]);
        self.0.tick();
        Ok(1)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Inferences through faulty wires, digests where there are some: how many are equal.
async fn campaign<W: Wire>(wire: W, begin: impl FnOnce()) -> u32 {
    let Ok(mut engine) = Accelerator::<_, WORDS>::new(Link::new(wire), MODEL.model().unwrap()).await else {
        panic!("a sound wire connects")
    };
    engine.session_mut().tries = 16;
    begin();
    let has_digests = engine.link().identity().is_some_and(|identity| identity.has_digests());
    let (mut random, mut equal) = (Random::new(3), 0);
    for _ in 0..1_000 {
        let input: [u8; INPUT] = std::array::from_fn(|_| random.word() as u8);
        let (mut digests, mut own) = ([0; LAYERS], [0; LAYERS]);
        let asked = if has_digests { &mut digests[..] } else { &mut [] };
        let Ok(output) = engine.infer(&input, asked).await else { continue };
        let mut machine = machine();
        let expected = machine.infer(&input, &mut own).unwrap();
        assert_eq!(output, expected);
        assert!(!has_digests || digests == own);
        equal += 1;
    }
    assert!(engine.link().session.counts.retries > 100, "{:?}", engine.link().session.counts);
    equal
}

fn over_spi<F: Far>(far: F) -> u32 {
    let shared = Shared::new(OverSpi::new(far), 2);
    let wire = SpiWire::new(shared.clone(), SpiClock(shared.clone()), PATIENT);
    block_on(campaign(wire, || shared.set(Rates::all(1_000))))
}

fn over_uart<U: Uart>(far: U) -> u32 {
    let shared = Shared::new(far, 2);
    let serial = Serial::new(shared.clone());
    let wire = UartWire::new(Port(serial.clone()), Port(serial), PATIENT);
    block_on(campaign(wire, || shared.set(Rates::all(1_000))))
}

#[test]
fn awaited_inferences_over_faulty_wires_are_all_equal() {
    assert_eq!(over_spi(Chip::new(None)), 1_000);
    assert_eq!(over_spi(Served::of(server(), 20)), 1_000);
    assert_eq!(over_uart(OverUart::new(Chip::new(None))), 1_000);
    assert_eq!(over_uart(Slip::new(server())), 1_000);
}

#[test]
fn what_arrived_before_a_request_is_thrown_away() {
    let serial = Serial::new(Shared::new(Slip::new(server()), 0));
    serial.fifo.borrow_mut().extend((0..50).map(|at| Some(if at % 2 == 0 { 0xC0 } else { at })));
    let mut link = Link::new(UartWire::new(Port(serial.clone()), Port(serial), PATIENT));
    link.session.tries = 1;
    assert_eq!(block_on(link.drain()), Ok(()));
}

/// A UART on which nothing moves.
struct Dead;

impl Uart for Dead {
    fn reset(&mut self) {}
    fn tick(&mut self) {}
    fn put(&mut self, _: Option<u8>) {}
    fn get(&mut self) -> Option<u8> {
        None
    }
}

/// A transmitter that never takes a byte.
struct Stuck;

impl ErrorType for Stuck {
    type Error = ErrorKind;
}

impl Read for Stuck {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        std::future::pending().await
    }
}

impl Write for Stuck {
    async fn write(&mut self, _: &[u8]) -> Result<usize, ErrorKind> {
        std::future::pending().await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        std::future::pending().await
    }
}

#[test]
fn an_awaited_line_that_is_dead_ends_in_time() {
    let serial = Serial::new(Shared::new(Dead, 0));
    let patience = Patience { polls: 50, pause_us: 1 };
    let silent = Err(LinkError::Silent { tries: 8 });
    let mut link = Link::new(UartWire::new(Port(serial.clone()), Port(serial.clone()), patience));
    assert_eq!(block_on(link.drain()), silent);
    let mut link = Link::new(UartWire::new(Stuck, Port(serial), patience));
    assert_eq!(block_on(link.drain()), silent);
}
