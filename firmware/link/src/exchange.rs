//! One request with all its tries, without a wire: who drives it sends, receives and waits.

use crate::crc::{Crc, crc32};
use crate::identity::Identity;
use crate::protocol::{CORRUPT, DIGESTS, INFER, LOAD, MISSING, OK, UNKNOWN, VERSION};
use crate::{Frame, LinkError, Received, Request};

/// Answers to earlier requests that may come before the one to this one.
const STRAY_ANSWERS: u8 = 4;

/// What the wire went through; the counts wrap around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Requests that were sent, retries among them.
    pub requests: u32,
    /// Requests but the first of each exchange.
    pub retries: u32,
    /// Requests that the other side found damaged.
    pub refused: u32,
    /// Answers that this side found damaged, or of another request.
    pub corrupt: u32,
    /// Times that no answer came.
    pub silent: u32,
    /// Times that the other side was busy to the end of the caller's patience.
    pub busy: u32,
}

/// What outlasts a request: settings, counts, the sequence number, who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Session {
    /// Times that a request is sent, at least once.
    pub tries: u8,
    /// What the wire went through.
    pub counts: Counts,
    /// Who answered last, if that is the right one.
    pub(crate) identity: Option<Identity>,
    sequence: u8,
}

impl Default for Session {
    fn default() -> Self {
        Self { tries: 8, counts: Counts::default(), identity: None, sequence: 0 }
    }
}

impl Session {
    /// Keeps who answered, unless it is the wrong one.
    pub(crate) fn connect<E>(&mut self, found: Identity, model: u32) -> Result<(), LinkError<E>> {
        self.identity = None;
        if found.version != VERSION {
            return Err(LinkError::WrongVersion { found: found.version });
        }
        if found.model != model {
            return Err(LinkError::WrongModel { expected: model, found: found.model });
        }
        self.identity = Some(found);
        Ok(())
    }

    /// Whether an inference may be asked for.
    pub(crate) fn check<E>(&self, input: usize, output: usize) -> Result<(), LinkError<E>> {
        let identity = self.identity.ok_or(LinkError::NotConnected)?;
        let expected = usize::from(identity.input);
        if input != expected {
            return Err(LinkError::WrongInput { expected, found: input });
        }
        let expected = usize::from(identity.output);
        if output != expected {
            return Err(LinkError::WrongOutput { expected, found: output });
        }
        Ok(())
    }

    /// Whether an image of weights may be sent.
    pub(crate) fn check_image<E>(&self, image: &[u8]) -> Result<(), LinkError<E>> {
        let identity = self.identity.ok_or(LinkError::NotConnected)?;
        let mut crc = Crc::new();
        image.iter().for_each(|byte| crc.push(*byte));
        match (identity.has_loader(), crc.is_whole()) {
            (false, _) => Err(LinkError::UnknownCommand { command: LOAD }),
            (true, false) => Err(LinkError::NoWeights),
            (true, true) => Ok(()),
        }
    }

    /// Whether digests may be asked for, in so many bytes.
    pub(crate) fn check_digests<E>(&self, bytes: usize) -> Result<(), LinkError<E>> {
        let identity = self.identity.ok_or(LinkError::NotConnected)?;
        let expected = usize::from(identity.layers);
        match identity.has_digests() {
            false => Err(LinkError::NoDigests),
            true if bytes != expected * 4 => Err(LinkError::WrongDigests { expected, found: bytes / 4 }),
            true => Ok(()),
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Copy)]
enum End {
    Answered,
    Unknown,
    Missing,
}

/// One request on its way.
///
/// ```text
/// while exchange.tries() { send exchange.request(); while exchange.awaits() { exchange.take(receive) } } exchange.end()
/// ```
pub(crate) struct Exchange<'a> {
    session: &'a mut Session,
    request: Request<'a>,
    frame: Frame<'a>,
    tried: u8,
    awaited: u8,
    end: Option<End>,
    was_heard: bool,
    was_busy: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) const fn new(session: &'a mut Session, command: u8, payload: &'a [u8], answer: &'a mut [u8]) -> Self {
        let request = Request { head: [command, 0], payload, tail: [0; 4] };
        let frame = Frame::new(answer);
        Self { session, request, frame, tried: 0, awaited: 0, end: None, was_heard: false, was_busy: false }
    }

    /// Whether the request is to be sent (again), under a new number.
    pub(crate) fn tries(&mut self) -> bool {
        if self.end.is_some() || self.tried >= self.session.tries.max(1) {
            return false;
        }
        self.session.counts.requests = self.session.counts.requests.wrapping_add(1);
        if self.tried > 0 {
            self.session.counts.retries = self.session.counts.retries.wrapping_add(1);
        }
        self.tried += 1;
        self.awaited = STRAY_ANSWERS;
        self.session.sequence = self.session.sequence.wrapping_add(1);
        self.request.head[1] = self.session.sequence;
        self.request.tail = crc32(&[&self.request.head, self.request.payload]).to_le_bytes();
        true
    }

    pub(crate) const fn request(&self) -> &Request<'a> {
        &self.request
    }

    /// Whether an answer to this try may still come.
    pub(crate) const fn awaits(&self) -> bool {
        self.awaited > 0
    }

    /// Where the answer goes.
    pub(crate) const fn frame(&mut self) -> &mut Frame<'a> {
        self.frame.clear();
        &mut self.frame
    }

    /// Takes what came.
    pub(crate) fn take(&mut self, received: Received) {
        let counts = &mut self.session.counts;
        let (count, goes_on) = match received {
            Received::Silence => (&mut counts.silent, false),
            Received::Busy => {
                self.was_busy = true;
                (&mut counts.busy, false)
            }
            Received::Noise => (&mut counts.corrupt, false),
            Received::Garbled => (&mut counts.corrupt, true),
            Received::Frame => match self.frame.answer() {
                Some([status, sequence]) if sequence == self.session.sequence && status != CORRUPT => {
                    self.end = match status {
                        OK => Some(End::Answered),
                        UNKNOWN => Some(End::Unknown),
                        MISSING => Some(End::Missing),
                        _ => None,
                    };
                    (&mut counts.corrupt, self.end.is_none())
                }
                // A damaged request may have lost its number.
                Some([CORRUPT, _]) => (&mut counts.refused, false),
                _ => (&mut counts.corrupt, true),
            },
        };
        self.was_heard |= !matches!(received, Received::Silence | Received::Busy);
        if self.end.is_none() {
            *count = count.wrapping_add(1);
        }
        self.awaited = if goes_on { self.awaited.saturating_sub(1) } else { 0 };
    }

    /// How it ended.
    pub(crate) const fn end<E>(&self) -> Result<(), LinkError<E>> {
        let [command, _] = self.request.head;
        let tries = self.tried;
        match (self.end, command) {
            (Some(End::Answered), _) => Ok(()),
            (Some(End::Unknown), DIGESTS) => Err(LinkError::NoDigests),
            (Some(End::Unknown), _) => Err(LinkError::UnknownCommand { command }),
            (Some(End::Missing), DIGESTS) => Err(LinkError::NoInference),
            (Some(End::Missing), INFER | LOAD) => Err(LinkError::NoWeights),
            // Another status than this version has for this command: what is meant cannot be known.
            (Some(End::Missing), _) => Err(LinkError::Corrupt { tries }),
            (None, _) if self.was_heard => Err(LinkError::Corrupt { tries }),
            (None, _) if self.was_busy => Err(LinkError::Busy { tries }),
            (None, _) => Err(LinkError::Silent { tries }),
        }
    }
}
