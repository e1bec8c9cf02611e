//! SPI: mode 0, chip select ends a transaction, the first byte out is always the state.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{Operation, SpiDevice};

use crate::protocol::{SPI_READ, SPI_REQUEST, STATE_BUSY, STATE_IDLE, STATE_READY};
use crate::{Frame, Patience, Received, Request, Wire};

/// An accelerator behind a device of an SPI bus, mode 0, at most an eighth of the accelerator's clock.
#[derive(Clone, Debug)]
pub struct SpiWire<S, D> {
    /// How often to ask for the state.
    pub patience: Patience,
    pub(crate) device: S,
    pub(crate) delay: D,
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

/// The operations of a request.
pub(crate) const fn request<'r>(request: &'r Request<'_>) -> [Operation<'r, u8>; 4] {
    let [head, payload, tail] = request.parts();
    [Operation::Write(&[SPI_REQUEST]), Operation::Write(head), Operation::Write(payload), Operation::Write(tail)]
}

/// The operations that read an answer; the state comes first.
pub(crate) fn answer<'r>(state: &'r mut [u8; 1], frame: &'r mut Frame<'_>) -> [Operation<'r, u8>; 4] {
    let [head, payload, tail] = frame.parts();
    *state = [SPI_READ];
    // Drivers with DMA (nrf52840-hal) panic on bytes to read that do not lie in RAM, and an empty slice lies nowhere.
    let payload = if payload.is_empty() { Operation::Write(&[]) } else { Operation::Read(payload) };
    [Operation::TransferInPlace(state), Operation::Read(head), payload, Operation::Read(tail)]
}

/// What to do after a look at the state.
pub(crate) enum Poll {
    /// Wait, then look again.
    Wait,
    /// Read the answer.
    Read,
    /// Look no more.
    End(Received),
}

/// Looks at the state a bounded number of times.
pub(crate) struct Poller {
    left: u32,
    idle: u8,
    busy: u32,
    noise: u32,
}

impl Poller {
    pub(crate) const fn new(patience: Patience) -> Self {
        Self { left: patience.polls, idle: 0, busy: 0, noise: 0 }
    }

    /// Takes a state.
    pub(crate) const fn see(&mut self, state: u8) -> Poll {
        self.left = self.left.saturating_sub(1);
        match state {
            STATE_READY => return Poll::Read,
            // The request never arrived; twice, since the state itself may be damaged.
            STATE_IDLE if self.idle > 0 => return Poll::End(Received::Silence),
            STATE_IDLE => self.idle = 1,
            STATE_BUSY => self.busy += 1,
            // A pin that hangs high or low says nothing.
            0x00 | 0xFF => {}
            _ => self.noise += 1,
        }
        match (self.left, self.busy > self.noise, self.noise > 0) {
            (0, true, _) => Poll::End(Received::Busy),
            (0, _, true) => Poll::End(Received::Noise),
            (0, ..) => Poll::End(Received::Silence),
            _ => Poll::Wait,
        }
    }
}

impl<S: SpiDevice, D: DelayNs> Wire for SpiWire<S, D> {
    type Error = S::Error;

    fn send(&mut self, request: &Request<'_>) -> Result<(), S::Error> {
        self.device.transaction(&mut self::request(request))
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, S::Error> {
        let mut poller = Poller::new(self.patience);
        loop {
            let mut state = [SPI_READ];
            self.device.transaction(&mut [Operation::TransferInPlace(&mut state)])?;
            match poller.see(state[0]) {
                Poll::Wait => self.delay.delay_us(self.patience.pause_us),
                Poll::Read => break,
                Poll::End(received) => return Ok(received),
            }
        }
        self.device.transaction(&mut answer(&mut [0], frame))?;
        Ok(Received::Frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of states that are seen one after the other.
    fn seen(states: &[u8]) -> Option<Received> {
        let mut poller = Poller::new(Patience { polls: 4, pause_us: 0 });
        states.iter().find_map(|state| match poller.see(*state) {
            Poll::Wait => None,
            Poll::Read => Some(Received::Frame),
            Poll::End(received) => Some(received),
        })
    }

    #[test]
    fn nothing_is_read_into_an_empty_payload() {
        let nothing = answer(&mut [0], &mut Frame::new(&mut [])).map(|part| matches!(part, Operation::Read(_)));
        assert_eq!(nothing, [false, true, false, true]);
        let word = answer(&mut [0], &mut Frame::new(&mut [0; 4])).map(|part| matches!(part, Operation::Read(_)));
        assert_eq!(word, [false, true, true, true]);
    }

    #[test]
    fn a_single_idle_may_be_a_damaged_state() {
        assert_eq!(seen(&[STATE_IDLE, STATE_READY]), Some(Received::Frame));
        assert_eq!(seen(&[STATE_BUSY, STATE_IDLE, STATE_BUSY, STATE_IDLE]), Some(Received::Silence));
    }

    #[test]
    fn patience_ends_with_what_was_seen_most() {
        assert_eq!(seen(&[STATE_BUSY, STATE_BUSY, STATE_BUSY]), None);
        assert_eq!(seen(&[STATE_BUSY, STATE_BUSY, 0x42, 0xFF]), Some(Received::Busy));
        assert_eq!(seen(&[STATE_BUSY, 0x42, 0x42, 0xFF]), Some(Received::Noise));
        assert_eq!(seen(&[0, 0xFF, 0, 0xFF]), Some(Received::Silence));
        assert_eq!(seen(&[0, 0, 0, STATE_READY]), Some(Received::Frame));
    }
}
