//! UART, awaited: a delay bounds every wait.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::Wire;
use crate::protocol::SLIP_END;
use crate::slip::{Decoder, escape};
use crate::{Frame, Patience, Received, Request};

/// [`crate::UartWire`], awaited.
///
/// The UART should have a buffer: a read that is given up for its time must not lose bytes.
#[derive(Clone, Debug)]
pub struct UartWire<U, D> {
    /// How long to wait for each byte: `polls` times `pause_us`.
    pub patience: Patience,
    uart: U,
    delay: D,
}

/// What `future` yields, unless the delay ends before it.
async fn within<T>(delay: &mut impl DelayNs, microseconds: u32, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut delay) = (pin!(future), pin!(delay.delay_us(microseconds)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => delay.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// What `future` yields without waiting.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

impl<U, D> UartWire<U, D> {
    /// Takes the UART and what waits.
    pub const fn new(uart: U, delay: D, patience: Patience) -> Self {
        Self { patience, uart, delay }
    }

    /// Gives back the UART and what waits.
    pub fn release(self) -> (U, D) {
        (self.uart, self.delay)
    }
}

impl<U: Read + Write, D: DelayNs> Wire for UartWire<U, D> {
    type Error = U::Error;

    async fn send(&mut self, request: &Request<'_>) -> Result<(), U::Error> {
        let Self { patience, uart, delay } = self;
        let mut chunk = [0; 16];
        // A line that never falls silent must not keep the request back.
        for _ in 0..patience.polls {
            if at_once(uart.read(&mut chunk)).await.is_none() {
                break;
            }
        }
        let bytes = request.parts().into_iter().flatten().map(|byte| escape(*byte));
        let end = core::iter::once((SLIP_END, None));
        for (first, second) in end.clone().chain(bytes).chain(end) {
            let pair = [first, second.unwrap_or_default()];
            let piece = if second.is_some() { &pair[..] } else { &pair[..1] };
            match within(delay, patience.total_us(), uart.write_all(piece)).await {
                Some(end) => end?,
                None => return Ok(()), // no answer will come either
            }
        }
        within(delay, patience.total_us(), uart.flush()).await.unwrap_or(Ok(()))
    }

    async fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, U::Error> {
        let Self { patience, uart, delay } = self;
        let mut decoder = Decoder::new(frame);
        let mut byte = [0];
        while let Some(read) = within(delay, patience.total_us(), uart.read(&mut byte)).await {
            // Noise of the wire is no fault of the bus: the frame's checksum sees it.
            let raw = read.ok().filter(|count| *count > 0).map(|_| byte[0]);
            if let Some(received) = decoder.push(raw) {
                return Ok(received);
            }
        }
        Ok(decoder.silence())
    }
}
