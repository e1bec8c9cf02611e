//! SPI, awaited.

use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::spi::{Operation, SpiDevice};

use super::Wire;
use crate::protocol::SPI_READ;
use crate::spi::{Poll, Poller, answer, request};
use crate::{Frame, Patience, Received, Request};

/// [`crate::SpiWire`], awaited.
#[derive(Clone, Debug)]
pub struct SpiWire<S, D> {
    /// How often to ask for the state.
    pub patience: Patience,
    device: S,
    delay: D,
}

impl<S, D> SpiWire<S, D> {
    /// Takes the device and what waits.
    pub const fn new(device: S, delay: D, patience: Patience) -> Self {
        Self { patience, device, delay }
    }

    /// Gives back the device and what waits.
    pub fn release(self) -> (S, D) {
        (self.device, self.delay)
    }
}

impl<S: SpiDevice, D: DelayNs> Wire for SpiWire<S, D> {
    type Error = S::Error;

    async fn send(&mut self, frame: &Request<'_>) -> Result<(), S::Error> {
        self.device.transaction(&mut request(frame)).await
    }

    async fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, S::Error> {
        let mut poller = Poller::new(self.patience);
        loop {
            let mut state = [SPI_READ];
            self.device.transaction(&mut [Operation::TransferInPlace(&mut state)]).await?;
            match poller.see(state[0]) {
                Poll::Wait => self.delay.delay_us(self.patience.pause_us).await,
                Poll::Read => break,
                Poll::End(received) => return Ok(received),
            }
        }
        self.device.transaction(&mut answer(&mut [0], frame)).await?;
        Ok(Received::Frame)
    }
}
