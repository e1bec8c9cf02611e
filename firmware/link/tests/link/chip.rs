//! The accelerator's side as the FPGA has it: no frame is kept, input bytes go straight into the accelerator, result
//! bytes come straight from it, and what a damaged frame left is filled up and dropped (`PROTOCOL.md`, P-28).

use std::collections::VecDeque;

use bitfab_link::protocol::{CORRUPT, DRAIN, IDENTIFY, INFER, OK, OVERHEAD, UNKNOWN};
use bitfab_link::{Identity, crc32};
use bitfab_runtime::digest;

use crate::{MODEL, software};

/// What frames are for, whatever wire they come over.
pub trait Far {
    /// Power goes off and on.
    fn reset(&mut self);
    /// The time of about a byte passes.
    fn tick(&mut self);
    fn begin(&mut self);
    fn push(&mut self, byte: u8);
    /// A request ends; damaged where the wire saw what is no byte.
    fn end(&mut self, is_damaged: bool);
    /// Whether an answer will come, and whether it can be read.
    fn state(&self) -> (bool, bool);
    /// The answer is read from its start.
    fn rewind(&mut self);
    /// The next byte of the answer, and whether it is the last.
    fn next(&mut self) -> Option<(u8, bool)>;
    /// The number of the request that the driver sent, whatever arrived of it.
    fn overhear(&mut self, _sequence: u8) {}
}

/// Mistakes that a campaign must see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Answers carry another checksum.
    Polynomial,
    /// The checksum of a request is not looked at.
    RequestUnchecked,
    /// An old answer counts for a new request, as if the driver did not look at its number.
    SequenceUnchecked,
    /// A short frame is not filled up.
    NotFilled,
    /// The result of a damaged frame is not dropped.
    DamagedNotDropped,
    /// An unread result is not dropped when a new request comes.
    UnreadNotDropped,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bare,
    Identity,
    Result,
}

#[derive(Clone, Copy)]
struct Answer {
    status: u8,
    kind: Kind,
    /// The next byte: head, payload, checksum.
    at: usize,
}

/// Ticks that an inference takes.
const COMPUTE: u32 = 40;
/// Results that may be owed.
const OWED: u32 = 3;

pub struct Chip {
    pub planted: Option<Planted>,
    identity: Identity,
    // The accelerator: bytes in, frames that wait, ticks left of the first, bytes out.
    input: Vec<u8>,
    waiting: VecDeque<Vec<u8>>,
    ticks: u32,
    results: VecDeque<u8>,
    // The request.
    request: Vec<u8>,
    need: usize,
    skips: bool,
    fills: bool,
    // Results: bytes taken of the first, results to be dropped.
    got: usize,
    drop: u32,
    // The answer.
    answer: Option<Answer>,
    /// Whether the answer's result, or a part of it, is still in the accelerator.
    is_mine: bool,
    sent: Vec<u8>,
    sequence: u8,
    overheard: u8,
}

impl Chip {
    pub fn new(planted: Option<Planted>) -> Self {
        let model = MODEL.model().unwrap();
        let identity = Identity {
            version: 1,
            lanes: 8,
            input: model.input_bytes() as u16,
            output: model.output().region.words as u16 * 4,
            kilohertz: 12_000,
            model: digest(model.words()),
            flags: 0,
            layers: model.layer_count() as u8,
        };
        Self {
            planted,
            identity,
            input: Vec::new(),
            waiting: VecDeque::new(),
            ticks: COMPUTE,
            results: VecDeque::new(),
            request: Vec::new(),
            need: 0,
            skips: true,
            fills: false,
            got: 0,
            drop: 0,
            answer: None,
            is_mine: false,
            sent: Vec::new(),
            sequence: 0,
            overheard: 0,
        }
    }

    fn has(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }

    fn output(&self) -> usize {
        usize::from(self.identity.output)
    }

    /// A byte goes into the accelerator.
    fn feed(&mut self, byte: u8) {
        self.need -= 1;
        self.input.push(byte);
        if self.input.len() == usize::from(self.identity.input) {
            self.waiting.push_back(std::mem::take(&mut self.input));
        }
    }

    /// A byte comes out of it.
    fn pop(&mut self) -> Option<u8> {
        let byte = self.results.pop_front()?;
        self.got = (self.got + 1) % self.output();
        Some(byte)
    }

    fn owe(&mut self) {
        self.drop += 1;
        assert!(self.drop <= OWED, "more results are owed than the chip can count");
    }

    fn loses_a_result(&self) -> bool {
        self.answer.is_some() && self.is_mine && !self.has(Planted::UnreadNotDropped)
    }

    fn can_answer(&self, kind: Kind) -> bool {
        let command = self.request.first().copied();
        match kind {
            Kind::Result => self.drop == 0 && !self.results.is_empty(),
            Kind::Bare => command != Some(DRAIN) || self.drop == 0 && !self.fills,
            Kind::Identity => true,
        }
    }

    fn is_whole(&self, is_damaged: bool) -> bool {
        let payload = self.request.len().checked_sub(OVERHEAD);
        let expected = if self.request.first() == Some(&INFER) { usize::from(self.identity.input) } else { 0 };
        let body = self.request.len().saturating_sub(4);
        let crc = crc32(&[&self.request[..body]]).to_le_bytes();
        let is_checked = crc == self.request[body..] || self.has(Planted::RequestUnchecked);
        payload == Some(expected) && is_checked && !is_damaged
    }
}

impl Far for Chip {
    fn reset(&mut self) {
        let overheard = self.overheard;
        *self = Self { overheard, ..Self::new(self.planted) };
    }

    fn tick(&mut self) {
        if self.fills {
            match self.need {
                0 => self.fills = false,
                _ => self.feed(0),
            }
        }
        if let Some(input) = self.waiting.front() {
            self.ticks -= 1;
            if self.ticks == 0 {
                self.results.extend(software(input));
                self.waiting.pop_front();
                self.ticks = COMPUTE;
            }
        }
        if self.drop > 0 && self.pop().is_some() && self.got == 0 {
            self.drop -= 1;
        }
    }

    fn begin(&mut self) {
        let loses = self.loses_a_result();
        self.skips = self.fills || self.drop == OWED || self.drop == OWED - 1 && loses;
        if loses {
            self.owe();
        }
        self.answer = None;
        self.request.clear();
        if !self.fills {
            self.need = 0;
        }
    }

    fn push(&mut self, byte: u8) {
        if self.skips || self.request.len() > 2 * usize::from(self.identity.input) {
            return;
        }
        self.request.push(byte);
        match self.request.len() {
            2 if self.request[0] == INFER => self.need = usize::from(self.identity.input),
            at if at > 2 && self.need > 0 => self.feed(byte),
            _ => {}
        }
    }

    fn end(&mut self, is_damaged: bool) {
        if self.skips || self.request.is_empty() {
            return;
        }
        let (is_whole, command) = (self.is_whole(is_damaged), self.request[0]);
        self.sequence = self.request.get(1).copied().unwrap_or(self.sequence);
        let is_fed = command == INFER && self.request.len() > 2;
        if is_fed && !is_whole && !self.has(Planted::DamagedNotDropped) {
            self.owe();
        }
        let (status, kind) = match command {
            _ if !is_whole => (CORRUPT, Kind::Bare),
            INFER => (OK, Kind::Result),
            IDENTIFY => (OK, Kind::Identity),
            DRAIN => (OK, Kind::Bare),
            _ => (UNKNOWN, Kind::Bare),
        };
        self.sent.clear();
        self.answer = Some(Answer { status, kind, at: 0 });
        self.is_mine = kind == Kind::Result;
        match is_fed && self.need > 0 && !self.has(Planted::NotFilled) {
            true => self.fills = true,
            false => self.need = 0,
        }
    }

    fn state(&self) -> (bool, bool) {
        let is_ready = self.answer.is_some_and(|answer| self.can_answer(answer.kind));
        (self.answer.is_some() || self.fills || self.drop > 0, is_ready)
    }

    fn rewind(&mut self) {
        let Some(answer) = &mut self.answer else { return };
        let is_broken = answer.kind == Kind::Result && (!self.is_mine || self.got != 0);
        answer.at = 0;
        self.sent.clear();
        if is_broken {
            if self.loses_a_result() {
                self.owe();
            }
            self.answer = None;
        }
    }

    fn next(&mut self) -> Option<(u8, bool)> {
        let Answer { status, kind, at } = self.answer?;
        let payload = match kind {
            Kind::Bare => 0,
            Kind::Identity => Identity::BYTES,
            Kind::Result => self.output(),
        };
        if (at == 0 || kind == Kind::Result && at < payload + 2) && !self.can_answer(kind) {
            return None;
        }
        let sequence = if self.has(Planted::SequenceUnchecked) { self.overheard } else { self.sequence };
        let byte = match at {
            0 => status,
            1 => sequence,
            _ if at < payload + 2 && kind == Kind::Identity => self.identity.to_bytes()[at - 2],
            _ if at < payload + 2 => {
                let byte = self.pop()?;
                self.is_mine = self.got != 0;
                byte
            }
            _ => {
                let crc = crc32(&[&self.sent[..payload + 2]]) ^ u32::from(self.has(Planted::Polynomial));
                crc.to_le_bytes()[at - payload - 2]
            }
        };
        let is_last = at + 1 == payload + OVERHEAD;
        self.sent.push(byte);
        self.answer = Some(Answer { status, kind, at: at + 1 }).filter(|_| !is_last);
        if is_last {
            self.sent.clear();
        }
        Some((byte, is_last))
    }

    fn overhear(&mut self, sequence: u8) {
        self.overheard = sequence;
    }
}
