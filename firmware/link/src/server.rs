//! The other side in software: answers the protocol for any engine, so that a laptop can ask a microcontroller.
//!
//! Bytes go in, bytes come out; who calls moves them: an interrupt, a task, a test.

use core::fmt;

use bitfab_runtime::{Inference, Model, digest};

use crate::crc::{Crc, crc32};
use crate::identity::Identity;
use crate::protocol::{
    CORRUPT, DIGESTS, DRAIN, FLAG_DIGESTS, FLAG_SOFTWARE, IDENTIFY, INFER, MISSING, OK, OVERHEAD, SLIP_END, UNKNOWN,
    VERSION,
};
use crate::slip::{Piece, Unescape, escape};

/// Why an engine cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServerError {
    /// The buffer for frames is too short.
    BufferTooSmall {
        /// Bytes that it needs.
        need: usize,
    },
    /// The room for digests is neither 0 nor one a layer.
    WrongDigests {
        /// Layers of the model.
        expected: usize,
    },
    /// An input or a result has more bytes than the protocol can say, 65,535.
    TooLarge,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { need } => write!(f, "the buffer is too short: frames need {need} bytes"),
            Self::WrongDigests { expected } => {
                write!(f, "the model has {expected} layers: give room for as many digests, or for none")
            }
            Self::TooLarge => f.write_str("the protocol takes inputs and results of at most 65,535 bytes"),
        }
    }
}

impl core::error::Error for ServerError {}

/// Bytes of the longest frame of `model`, whose digests take so many words, for [`Server::new`].
pub fn frame_bytes(model: &Model<'_>, digests: usize) -> usize {
    let payloads = [model.input_bytes(), model.output().region.words as usize * 4, Identity::BYTES, digests * 4];
    OVERHEAD + payloads.into_iter().max().unwrap_or_default()
}

/// Writes the payload of an answer; its length.
fn put(frame: &mut [u8], bytes: impl Iterator<Item = u8>) -> usize {
    let mut length = 0;
    for (place, byte) in frame.iter_mut().skip(2).zip(bytes) {
        *place = byte;
        length += 1;
    }
    length
}

/// Answers requests for an engine, frame by frame.
pub struct Server<'b, I: Inference> {
    engine: I,
    identity: Identity,
    /// The request, then the answer.
    frame: &'b mut [u8],
    digests: &'b mut [u32],
    received: usize,
    answer: usize,
    has_inference: bool,
    failure: Option<I::Error>,
}

impl<'b, I: Inference> Server<'b, I> {
    /// Takes an engine, room for the longest frame, and room for a digest a layer, or for none.
    ///
    /// # Errors
    /// A [`ServerError`] that says what is wrong with the room or the model.
    pub fn new(engine: I, frame: &'b mut [u8], digests: &'b mut [u32]) -> Result<Self, ServerError> {
        let model = engine.model();
        let (input, output) = (model.input_bytes(), model.output().region.words as usize * 4);
        let expected = model.layer_count();
        if !digests.is_empty() && digests.len() != expected {
            return Err(ServerError::WrongDigests { expected });
        }
        let need = frame_bytes(model, digests.len());
        if frame.len() < need {
            return Err(ServerError::BufferTooSmall { need });
        }
        let bytes = |count: usize| u16::try_from(count).map_err(|_| ServerError::TooLarge);
        let identity = Identity {
            version: VERSION,
            lanes: 0,
            input: bytes(input)?,
            output: bytes(output)?,
            kilohertz: 0,
            model: digest(model.words()),
            flags: FLAG_SOFTWARE | if digests.is_empty() { 0 } else { FLAG_DIGESTS },
            layers: expected.min(255) as u8,
        };
        Ok(Self { engine, identity, frame, digests, received: 0, answer: 0, has_inference: false, failure: None })
    }

    /// How IDENTIFY is answered; a caller may add the core's clock.
    pub const fn identity_mut(&mut self) -> &mut Identity {
        &mut self.identity
    }

    /// The engine, for whoever uses it between two requests.
    pub const fn engine_mut(&mut self) -> &mut I {
        &mut self.engine
    }

    /// Why the engine failed since this was last asked; requests get A3 for it.
    pub const fn take_failure(&mut self) -> Option<I::Error> {
        self.failure.take()
    }

    /// Forgets everything, as after a reset (P-32).
    pub fn restart(&mut self) {
        self.begin();
        (self.has_inference, self.failure) = (false, None);
    }

    /// A request begins; an answer that nobody fetched is gone.
    pub const fn begin(&mut self) {
        (self.received, self.answer) = (0, 0);
    }

    /// The next byte of the request.
    pub fn push(&mut self, byte: u8) {
        if let Some(place) = self.frame.get_mut(self.received) {
            *place = byte;
        }
        self.received = self.received.saturating_add(1);
    }

    /// The request ends, and is answered.
    pub fn end(&mut self) {
        let mut crc = Crc::new();
        let request = self.frame.get(..self.received).unwrap_or_default();
        request.iter().for_each(|byte| crc.push(*byte));
        let &[command, _, ref rest @ ..] = request else { return self.reply(CORRUPT, 0) };
        let Some(payload) = rest.len().checked_sub(4).filter(|_| crc.is_whole()) else { return self.reply(CORRUPT, 0) };
        match (command, payload) {
            (INFER, input) if input == usize::from(self.identity.input) => self.infer(input),
            (IDENTIFY, 0) => {
                let length = put(self.frame, self.identity.to_bytes().into_iter());
                self.reply(OK, length);
            }
            (DRAIN, 0) => self.reply(OK, 0),
            (DIGESTS, 0) if self.digests.is_empty() => self.reply(UNKNOWN, 0),
            (DIGESTS, 0) if !self.has_inference => self.reply(MISSING, 0),
            (DIGESTS, 0) => self.give_digests(),
            // A length that the command does not have.
            (INFER | IDENTIFY | DRAIN | DIGESTS, _) => self.reply(CORRUPT, 0),
            _ => self.reply(UNKNOWN, 0),
        }
    }

    /// The answer to the last request; empty while there is none.
    pub fn answer(&self) -> &[u8] {
        self.frame.get(..self.answer).unwrap_or_default()
    }

    fn infer(&mut self, input: usize) {
        self.has_inference = false;
        let Self { engine, frame, digests, failure, .. } = self;
        let input = frame.get(2..2 + input).unwrap_or_default();
        let length = match engine.infer(input, digests) {
            Ok(output) => put(frame, output.words().iter().flat_map(|word| word.to_le_bytes())),
            Err(error) => {
                *failure = Some(error);
                return self.reply(MISSING, 0);
            }
        };
        self.has_inference = true;
        self.reply(OK, length);
    }

    fn give_digests(&mut self) {
        let length = put(self.frame, self.digests.iter().flat_map(|word| word.to_le_bytes()));
        self.reply(OK, length);
    }

    /// Makes an answer of a status and of the payload that is already in its place.
    fn reply(&mut self, status: u8, payload: usize) {
        if let Some(first) = self.frame.first_mut() {
            *first = status;
        }
        let crc = crc32(&[self.frame.get(..2 + payload).unwrap_or_default()]);
        let tail = self.frame.iter_mut().skip(2 + payload);
        tail.zip(crc.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        self.answer = OVERHEAD + payload;
    }
}

/// Answers requests on a UART.
///
/// ```text
/// loop { if let Some(byte) = uart.read() { slip.push(byte) }  if let Some(byte) = slip.pull() { uart.write(byte) } }
/// ```
pub struct Slip<'b, I: Inference> {
    /// What answers.
    pub server: Server<'b, I>,
    unescape: Unescape,
    is_inside: bool,
    /// The next byte of the answer: 0 is the end in front of it, which ends what was cut off.
    sent: usize,
    half: Option<u8>,
}

impl<'b, I: Inference> Slip<'b, I> {
    /// Puts frames around what `server` takes and gives.
    pub fn new(server: Server<'b, I>) -> Self {
        Self { server, unescape: Unescape::default(), is_inside: false, sent: 0, half: None }
    }

    /// Takes a byte of the wire; the end of a request computes its answer. A new request cancels an answer under way.
    pub fn push(&mut self, raw: u8) {
        let piece = self.unescape.take(raw);
        if !self.is_inside && !matches!(piece, Piece::End { .. }) {
            self.is_inside = true;
            self.server.begin();
            (self.sent, self.half) = (0, None);
        }
        match piece {
            Piece::Byte(byte) => self.server.push(byte),
            Piece::End { is_sound } if core::mem::take(&mut self.is_inside) => {
                if !is_sound {
                    // What is no byte of SLIP is in no request.
                    self.server.begin();
                }
                self.server.end();
            }
            Piece::Half | Piece::End { .. } => {}
        }
    }

    /// The UART found a byte damaged, which only means something inside of a request (P-25).
    pub const fn damaged(&mut self) {
        self.unescape.is_broken |= self.is_inside;
    }

    /// The next byte for the wire, if there is one.
    pub fn pull(&mut self) -> Option<u8> {
        if let Some(second) = self.half.take() {
            return Some(second);
        }
        let answer = self.server.answer();
        if answer.is_empty() {
            return None;
        }
        let at = self.sent;
        self.sent += 1;
        let Some(at) = at.checked_sub(1) else { return Some(SLIP_END) };
        let Some(byte) = answer.get(at) else {
            self.server.begin();
            self.sent = 0;
            return Some(SLIP_END);
        };
        let (first, second) = escape(*byte);
        self.half = second;
        Some(first)
    }
}
