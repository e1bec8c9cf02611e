//! The answer: a status, the number of the request, what was asked for, and a checksum.

use bitfab_link::Identity;
use bitfab_link::protocol::{CORRUPT, MISSING, OK, UNKNOWN};

use super::request::{Request, command};
use super::results::Results;
use super::{Receiver, Verdict};
use crate::circuit::{Builder, Wire, width};
use crate::link::crc::Crc;

/// The parts of an answer, in their order.
mod part {
    pub const STATUS: u64 = 0;
    pub const SEQUENCE: u64 = 1;
    pub const PAYLOAD: u64 = 2;
    pub const CRC: u64 = 3;
}

/// What an answer carries besides its status: the numbers are those of the commands.
mod payload {
    use super::command;

    pub const NONE: u64 = 0;
    pub const IDENTITY: u64 = command::IDENTIFY;
    pub const RESULT: u64 = command::INFER;
    /// Nothing, once nothing of former requests is left.
    pub const DRAINED: u64 = command::DRAIN;
    pub const DIGESTS: u64 = command::DIGESTS;
    /// Nothing, once the loader has judged the image.
    pub const LOADED: u64 = command::LOAD;
}

/// Statuses differ in their lowest two bits alone.
const STATUS_BITS: u32 = 2;

/// The answer to the last request.
pub(super) struct Answer<'b> {
    c: &'b Builder,
    /// There is one, or will be.
    pub waits: Wire<'b>,
    part: Wire<'b>,
    payload: Wire<'b>,
    status: Wire<'b>,
    /// The byte of the part.
    index: Wire<'b>,
    /// What it carries can be sent.
    has_payload: Wire<'b>,
    /// The payload's byte, and whether it is the last one.
    byte: Wire<'b>,
    payload_ends: Wire<'b>,
    command: Wire<'b>,
    /// Digests are asked for and there are none, or an inference and there are no weights.
    lacks: Wire<'b>,
    /// The image that came was not that of the weights.
    is_wrong: Option<Wire<'b>>,
    sequence: Wire<'b>,
}

/// What leaves in a clock.
pub(super) struct Sent<'b> {
    next: Wire<'b>,
    /// The byte, if one leaves.
    pub byte: Wire<'b>,
    /// It is one of those under the checksum.
    pub counts: Wire<'b>,
    /// It is one of the result.
    pub takes: Wire<'b>,
}

fn status_bits(c: &Builder, code: u8) -> Wire<'_> {
    c.constant((code ^ OK).into(), STATUS_BITS)
}

/// Whether the request needs what is not there.
fn missing<'b>(c: &'b Builder, results: &Results<'b>, request: &Request<'b>, has_digests: bool) -> Wire<'b> {
    let digests = match has_digests {
        true => request.command.is(command::DIGESTS) & !results.has_inferred(),
        false => c.low(),
    };
    request.lacks_weights().map_or(digests, |weights| digests | weights)
}

impl<'b> Answer<'b> {
    pub fn new(c: &'b Builder, results: &Results<'b>, request: &Request<'b>, identity: &Identity) -> Self {
        let bytes = identity.to_bytes().map(u64::from);
        let digests = if identity.has_digests() { 4 * u64::from(identity.layers) } else { 0 };
        let payload = c.data("payload", request.command.width());
        let index = c.data("answer_index", width(digests.max(bytes.len() as u64) - 1));
        let is = |kind: u64| payload.is(kind);
        let is_drained = request.is_drained() & !results.is_dropping();
        // Digests are those of one inference: none may be under way.
        let waits_for_all =
            if digests == 0 { is(payload::DRAINED) } else { is(payload::DRAINED) | is(payload::DIGESTS) };
        let waits_for_all = match &request.loading {
            None => waits_for_all,
            Some(_) => waits_for_all | is(payload::LOADED),
        };
        let lacks = (is(payload::RESULT) & !results.is_offered()) | (waits_for_all & !is_drained);
        let identity_ends = index.is(bytes.len() as u64 - 1);
        let byte = is(payload::IDENTITY).mux(c.table(index, &bytes, 8), results.data);
        let ends = is(payload::IDENTITY).mux(identity_ends, results.last);
        let digest = c.input("digest_data", 16).bits(0, 8);
        c.output("digest_index", index.extend(16));
        let (byte, ends) = match digests {
            0 => (byte, ends),
            _ => (is(payload::DIGESTS).mux(digest, byte), is(payload::DIGESTS).mux(index.is(digests - 1), ends)),
        };
        Self {
            c,
            waits: c.register("waits", 1),
            part: c.data("part", 2),
            payload,
            status: c.data("status", STATUS_BITS),
            index,
            has_payload: (!lacks).named("has_payload"),
            byte,
            payload_ends: ends.named("payload_ends"),
            command: request.command,
            lacks: missing(c, results, request, digests != 0),
            is_wrong: request.loading.as_ref().map(|loading| is(payload::LOADED) & !loading.has_weights),
            sequence: request.sequence,
        }
    }

    /// Whether it can be read.
    pub fn is_ready(&self) -> Wire<'b> {
        (self.waits & self.has_payload).named("is_ready")
    }

    /// Whether some of its result has been read, which cannot be read again: then the request must come again.
    pub fn is_torn(&self, results: &Results<'b>) -> Wire<'b> {
        self.waits & self.payload.is(payload::RESULT) & results.is_torn()
    }

    /// Offers its next byte.
    pub fn sent(&self, crc: &Crc<'b>, tx_next: Wire<'b>) -> Sent<'b> {
        let Self { c, part, index, .. } = *self;
        let is_crc = part.is(part::CRC);
        let status = self.is_wrong.map_or(self.status, |is_wrong| is_wrong.mux(status_bits(c, MISSING), self.status));
        let status = c.join(&[status, c.constant(u64::from(OK) >> STATUS_BITS, 8 - STATUS_BITS)]);
        let byte = c.select(part, &[status, self.sequence, self.byte, crc.byte(index.bits(0, 2))]).named("answer_byte");
        c.output("tx_ready", self.waits & !crc.is_busy() & (self.has_payload | is_crc));
        c.output("tx_data", byte);
        c.output("tx_last", is_crc & index.bits(0, 2).is(3));
        let is_result = self.payload.is(payload::RESULT) & part.is(part::PAYLOAD);
        Sent { next: tx_next, byte, counts: tx_next & !is_crc, takes: (tx_next & is_result).named("takes") }
    }

    pub fn next(
        &self,
        receiver: &Receiver<'b>,
        verdict: Verdict<'b>,
        (tx_begin, torn): (Wire<'b>, Wire<'b>),
        sent: &Sent<'b>,
    ) {
        let Self { c, waits, part, payload, index, .. } = *self;
        let is = |at: u64| part.is(at);
        let ends = (sent.next & is(part::CRC) & index.bits(0, 2).is(3)).named("answer_ends");
        c.next(waits, &[(receiver.starts | torn | ends, c.low()), (verdict.falls, c.high())]);
        let is_empty = payload.is(payload::NONE) | payload.is(payload::DRAINED);
        let is_empty = if self.is_wrong.is_some() { is_empty | payload.is(payload::LOADED) } else { is_empty };
        let part_ends = (is(part::PAYLOAD) & self.payload_ends) | is(part::STATUS) | is(part::SEQUENCE);
        let next = (is(part::SEQUENCE) & is_empty).mux(c.constant(part::CRC, 2), part.next());
        c.next(part, &[(verdict.falls | tx_begin, part.zero()), (sent.next & part_ends, next)]);
        c.next(index, &[(sent.next & part_ends, index.zero()), (sent.next, index.next())]);
        self.judge(verdict);
    }

    /// What the verdict makes of the answer.
    fn judge(&self, verdict: Verdict<'b>) {
        let Self { c, payload, status, command, .. } = *self;
        let carries = verdict.whole & !self.lacks;
        c.next(payload, &[(verdict.falls, carries.mux(command, payload.zero()))]);
        let of = |code: u8| status_bits(c, code);
        let known = self.lacks.mux(of(MISSING), command.any().mux(of(OK), of(UNKNOWN)));
        c.next(status, &[(verdict.falls, verdict.whole.mux(known, of(CORRUPT)))]);
    }
}
