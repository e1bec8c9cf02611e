//! What a wire must do, awaited.

use crate::{Frame, Received, Request};

/// [`crate::Wire`], awaited.
pub trait Wire {
    /// The error of the bus.
    type Error;

    /// Sends one request, after throwing away what arrived before.
    ///
    /// # Errors
    /// What the bus reports.
    async fn send(&mut self, request: &Request<'_>) -> Result<(), Self::Error>;

    /// Waits for one frame, for a bounded time.
    ///
    /// # Errors
    /// What the bus reports.
    async fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Self::Error>;
}

/// A wire that is lent outlives a link that could not be made.
impl<W: Wire> Wire for &mut W {
    type Error = W::Error;

    async fn send(&mut self, request: &Request<'_>) -> Result<(), Self::Error> {
        (**self).send(request).await
    }

    async fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Self::Error> {
        (**self).receive(frame).await
    }
}
