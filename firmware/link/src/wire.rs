//! What a wire must do, whatever it is made of.

use crate::{Frame, Request};

/// What came after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Received {
    /// A frame, which may be damaged.
    Frame,
    /// The end of something that is no frame; another may follow.
    Garbled,
    /// Bytes, and no frame in time.
    Noise,
    /// The other side says that an answer will come, and none came in time.
    Busy,
    /// Nothing in time, or word that nothing will come.
    Silence,
}

/// Moves frames; knows nothing of what they mean.
pub trait Wire {
    /// The error of the bus.
    type Error;

    /// Sends one request, after throwing away what arrived before.
    ///
    /// # Errors
    /// What the bus reports.
    fn send(&mut self, request: &Request<'_>) -> Result<(), Self::Error>;

    /// Waits for one frame, for a bounded time.
    ///
    /// # Errors
    /// What the bus reports.
    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Self::Error>;
}

/// A wire that is lent outlives a link that could not be made.
impl<W: Wire> Wire for &mut W {
    type Error = W::Error;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Self::Error> {
        (**self).send(request)
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Self::Error> {
        (**self).receive(frame)
    }
}

/// How long a wire waits: over SPI for an answer, over UART for each byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Patience {
    /// Times to ask.
    pub polls: u32,
    /// Microseconds between.
    pub pause_us: u32,
}

impl Patience {
    /// The whole time, in microseconds.
    #[cfg(feature = "async")]
    pub(crate) const fn total_us(self) -> u32 {
        self.polls.saturating_mul(self.pause_us)
    }
}

impl Default for Patience {
    /// 100 ms, in steps of 20 microseconds.
    fn default() -> Self {
        Self { polls: 5_000, pause_us: 20 }
    }
}
