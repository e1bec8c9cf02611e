//! The driver: what may be asked for, over any wire.

use crate::exchange::Exchange;
use crate::protocol::{DIGESTS, DRAIN, IDENTIFY, INFER, LOAD};
use crate::{Identity, LinkError, Session, Wire};

/// An accelerator behind a wire.
#[derive(Clone, Debug)]
pub struct Link<W> {
    /// The wire, with its settings.
    pub wire: W,
    /// Tries and counts.
    pub session: Session,
}

impl<W> Link<W> {
    /// Asks nothing yet; each request is sent at most eight times, which `session.tries` changes.
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
    /// [`LinkError::Silent`], [`LinkError::Busy`], [`LinkError::Corrupt`], [`LinkError::Bus`], as all that ask.
    pub fn identify(&mut self) -> Result<Identity, LinkError<W::Error>> {
        let mut bytes = [0; Identity::BYTES];
        self.ask(IDENTIFY, &[], &mut bytes)?;
        Ok(Identity::from_bytes(bytes))
    }

    /// Asks who is there, and refuses another protocol or model; must come before the first inference.
    ///
    /// [`Link::identity`] then says who it is.
    /// `model` is the CRC-32 of the model's words (`bitfab_runtime::digest`).
    ///
    /// # Errors
    /// [`LinkError::WrongVersion`], [`LinkError::WrongModel`]; as [`Link::identify`].
    pub fn connect(&mut self, model: u32) -> Result<(), LinkError<W::Error>> {
        let mut bytes = [0; Identity::BYTES];
        self.ask(IDENTIFY, &[], &mut bytes)?;
        self.session.connect(Identity::from_bytes(bytes), model)
    }

    /// Waits until nothing of former requests is left on the other side.
    ///
    /// # Errors
    /// As [`Link::identify`].
    pub fn drain(&mut self) -> Result<(), LinkError<W::Error>> {
        self.ask(DRAIN, &[], &mut [])
    }

    /// One inference: the bytes of an input to the words of the last tensor, as little-endian bytes.
    ///
    /// # Errors
    /// [`LinkError::NotConnected`], [`LinkError::WrongInput`], [`LinkError::WrongOutput`], and nothing is sent;
    /// [`LinkError::NoWeights`]; as [`Link::identify`]. After an error `output` holds nothing of meaning.
    pub fn infer(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check(input.len(), output.len())?;
        self.ask(INFER, input, output)
    }

    /// The digests of the last inference, a little-endian word a layer.
    ///
    /// # Errors
    /// [`LinkError::NotConnected`], [`LinkError::NoDigests`], [`LinkError::WrongDigests`], and nothing is sent;
    /// [`LinkError::NoInference`]; as [`Link::identify`].
    pub fn digests(&mut self, digests: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check_digests(digests.len())?;
        self.ask(DIGESTS, &[], digests)
    }

    /// Brings the weights to an accelerator that has none in its bitstream: the whole image (`weights.bin` of
    /// `bitfab bitstream`). Where they are there already nothing changes.
    ///
    /// # Errors
    /// [`LinkError::NotConnected`], [`LinkError::UnknownCommand`] where the weights are in the bitstream, and
    /// [`LinkError::NoWeights`] where the image is damaged, and nothing is sent;
    /// [`LinkError::NoWeights`] for the image of other weights, [`LinkError::Corrupt`] for one of another length;
    /// as [`Link::identify`].
    pub fn load(&mut self, image: &[u8]) -> Result<(), LinkError<W::Error>> {
        self.session.check_image(image)?;
        self.ask(LOAD, image, &mut [])
    }

    fn ask(&mut self, command: u8, payload: &[u8], answer: &mut [u8]) -> Result<(), LinkError<W::Error>> {
        let mut exchange = Exchange::new(&mut self.session, command, payload, answer);
        while exchange.tries() {
            self.wire.send(exchange.request()).map_err(LinkError::Bus)?;
            while exchange.awaits() {
                let received = self.wire.receive(exchange.frame()).map_err(LinkError::Bus)?;
                exchange.take(received);
            }
        }
        exchange.end()
    }
}
