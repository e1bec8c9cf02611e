//! The driver, awaited.

use super::Wire;
use crate::exchange::Exchange;
use crate::protocol::{DIGESTS, DRAIN, IDENTIFY, INFER, LOAD};
use crate::{Identity, LinkError, Session};

/// [`crate::Link`], awaited: the same operations with the same errors.
///
/// One that is dropped before its end leaves an answer on the other side, which the next request throws away.
#[derive(Clone, Debug)]
pub struct Link<W> {
    /// The wire, with its settings.
    pub wire: W,
    /// Tries and counts.
    pub session: Session,
}

impl<W> Link<W> {
    /// Asks nothing yet.
    pub fn new(wire: W) -> Self {
        Self { wire, session: Session::default() }
    }

    /// Who answered last, where that was the right one.
    pub const fn identity(&self) -> Option<&Identity> {
        self.session.identity.as_ref()
    }
}

impl<W: Wire> Link<W> {
    /// Asks who is there, whatever it is.
    ///
    /// # Errors
    /// As [`crate::Link::identify`].
    pub async fn identify(&mut self) -> Result<Identity, LinkError<W::Error>> {
        let mut bytes = [0; Identity::BYTES];
        self.ask(IDENTIFY, &[], &mut bytes).await?;
        Ok(Identity::from_bytes(bytes))
    }

    /// Asks who is there, and refuses another protocol or model.
    ///
    /// # Errors
    /// As [`crate::Link::connect`].
    pub async fn connect(&mut self, model: u32) -> Result<(), LinkError<W::Error>> {
        let mut bytes = [0; Identity::BYTES];
        self.ask(IDENTIFY, &[], &mut bytes).await?;
        self.session.connect(Identity::from_bytes(bytes), model)
    }

    /// Waits until nothing of former requests is left on the other side.
    ///
    /// # Errors
    /// As [`crate::Link::drain`].
    pub async fn drain(&mut self) -> Result<(), LinkError<W::Error>> {
        self.ask(DRAIN, &[], &mut []).await
    }

    /// One inference.
    ///
    /// # Errors
    /// As [`crate::Link::infer`].
    pub async fn infer(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check(input.len(), output.len())?;
        self.ask(INFER, input, output).await
    }

    /// The digests of the last inference.
    ///
    /// # Errors
    /// As [`crate::Link::digests`].
    pub async fn digests(&mut self, digests: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check_digests(digests.len())?;
        self.ask(DIGESTS, &[], digests).await
    }

    /// Brings the weights to an accelerator that has none in its bitstream.
    ///
    /// # Errors
    /// As [`crate::Link::load`].
    pub async fn load(&mut self, image: &[u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check_image(image)?;
        self.ask(LOAD, image, &mut []).await
    }

    async fn ask(&mut self, command: u8, payload: &[u8], answer: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        let mut exchange = Exchange::new(&mut self.session, command, payload, answer);
        while exchange.tries() {
            self.wire.send(exchange.request()).await.map_err(LinkError::Bus)?;
            while exchange.awaits() {
                let received = self.wire.receive(exchange.frame()).await.map_err(LinkError::Bus)?;
                exchange.take(received);
            }
        }
        exchange.end()
    }
}
