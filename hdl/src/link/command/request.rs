//! The request: its fields, and the bytes of an input on their way to the accelerator.

use bitfab_link::Identity;
use bitfab_link::protocol::{DIGESTS, DRAIN, IDENTIFY, INFER};

use super::{Receiver, Verdict};
use crate::circuit::{Builder, Wire, width};
use crate::link::crc::Crc;

/// The command, once it is known.
pub(super) mod command {
    pub const IDENTIFY: u64 = 1;
    pub const INFER: u64 = 2;
    pub const DRAIN: u64 = 3;
    /// Where the identity has digests.
    pub const DIGESTS: u64 = 4;
}

/// What is known of the request.
pub(super) struct Request<'b> {
    c: &'b Builder,
    /// Bytes of an input.
    input_bytes: u64,
    /// The next byte is the command, the sequence number, or what follows.
    field: Wire<'b>,
    /// One of [`command`], or 0.
    pub command: Wire<'b>,
    pub sequence: Wire<'b>,
    /// Bytes behind the input: four of a whole frame.
    tail: Wire<'b>,
    /// Something of the frame before is still on its way, and this one is ignored.
    ignored: Wire<'b>,
    /// The frame has ended, its last byte is going into the checksum.
    ended: Wire<'b>,
    /// Bytes of the input that the accelerator has not been offered.
    missing: Wire<'b>,
    /// It has been offered some.
    begun: Wire<'b>,
    /// The last byte of the input has come.
    held: Wire<'b>,
    /// The frame was wrong, and the accelerator must learn it.
    spoils: Wire<'b>,
    /// A byte of the input is offered.
    offers: Wire<'b>,
    data: Wire<'b>,
    last: Wire<'b>,
    taken: Wire<'b>,
}

impl<'b> Request<'b> {
    pub fn new(c: &'b Builder, identity: &Identity) -> Self {
        let bits = width(identity.input.into());
        let flag = |name: &str| c.register(name, 1);
        let request = Self {
            c,
            input_bytes: identity.input.into(),
            field: c.register("field", 2),
            command: c.data("request_kind", if identity.has_digests() { 3 } else { 2 }),
            sequence: c.data("sequence_number", 8),
            tail: c.data("tail", 3),
            ignored: flag("ignored"),
            ended: flag("ended"),
            missing: c.data("missing", bits),
            begun: c.data("begun", 1),
            held: c.data("held", 1),
            spoils: flag("spoils"),
            offers: flag("offers_input"),
            data: c.data("input_byte", 8),
            last: c.data("input_last", 1),
            taken: c.input("in_ready", 1),
        };
        c.output("in_valid", request.offers);
        c.output("in_data", request.data);
        c.output("in_last", request.last);
        request
    }

    /// Whether something of it is left.
    pub fn is_busy(&self) -> Wire<'b> {
        self.spoils | self.ended | self.offers
    }

    /// Whether nothing of former requests is on its way to the accelerator.
    pub fn is_drained(&self) -> Wire<'b> {
        !(self.spoils | self.offers)
    }

    /// Whether a byte that comes belongs to the request: not where the accelerator still has to do with former ones.
    pub fn accepts(&self, receiver: &Receiver<'b>, is_full: Wire<'b>) -> Wire<'b> {
        let Self { c, field, ignored, spoils, offers, .. } = *self;
        let first = receiver.valid & field.is(0) & !ignored;
        let blocked = (first & ((spoils | offers).named("is_held_up") | is_full)).named("is_blocked");
        c.next(ignored, &[(receiver.starts, c.low()), (blocked, c.high())]);
        (receiver.valid & !ignored & !blocked).named("accepts")
    }

    /// Falls with the last bit of the checksum.
    pub fn verdict(&self, crc: &Crc<'b>) -> Verdict<'b> {
        let falls = (self.ended & !crc.is_busy()).named("verdict");
        // A byte that came too soon for the accelerator is missing here: the checksum stands in its place.
        let whole = (crc.is_right() & self.tail.is(4)).named("is_whole");
        Verdict { falls, whole, infers: (falls & whole & self.command.is(command::INFER)).named("infers") }
    }

    pub fn next(&self, receiver: &Receiver<'b>, accepts: Wire<'b>, verdict: Verdict<'b>) {
        let Self { c, field, command, sequence, tail, ended, .. } = *self;
        let first = (accepts & field.is(0)).named("brings_command");
        let second = (accepts & field.is(1)).named("brings_sequence");
        let follows = accepts & field.bit(1);
        let is_input = (self.missing.any() & !self.held).named("is_input");
        c.next(field, &[(receiver.starts, field.zero()), (accepts & !field.bit(1), field.next())]);
        let is =
            |code: u8, kind: u64| receiver.byte.is(code.into()).mux(c.constant(kind, command.width()), command.zero());
        let decoded = is(IDENTIFY, command::IDENTIFY) | is(INFER, command::INFER) | is(DRAIN, command::DRAIN);
        let has_digests = command.width() > 2;
        let decoded = if has_digests { decoded | is(DIGESTS, command::DIGESTS) } else { decoded };
        c.next(command, &[(first, decoded)]);
        c.next(sequence, &[(second, receiver.byte)]);
        c.next(tail, &[(first, tail.zero()), (follows & !is_input & !tail.is(7), tail.next())]);
        let ends = receiver.ends & field.any();
        c.next(ended, &[(receiver.starts | verdict.falls, c.low()), (ends, c.high())]);
        self.next_input(receiver, (first, second, (follows & is_input).named("brings_input")), verdict);
    }

    /// The bytes of the input: all but the last one are offered as they come.
    fn next_input(
        &self,
        receiver: &Receiver<'b>,
        (first, second, brings): (Wire<'b>, Wire<'b>, Wire<'b>),
        verdict: Verdict<'b>,
    ) {
        let Self { c, missing, begun, held, spoils, offers, data, last, .. } = *self;
        let is_last = missing.is(1).named("is_last_byte");
        let free = brings & !offers;
        let passes = (free & !is_last).named("passes");
        // A wrong frame ends where no whole one does: early, or a byte behind the last.
        let spoil = (spoils & !offers).named("spoil");
        let empties = first | verdict.infers | (spoil & is_last);
        let fills = second & self.command.is(command::INFER);
        let all = c.constant(self.input_bytes, missing.width());
        c.next(missing, &[(empties, missing.zero()), (fills, all), (passes, missing.previous())]);
        c.next(begun, &[(first, c.low()), (passes, c.high())]);
        c.next(held, &[(first, c.low()), (free & is_last, c.high())]);
        c.next(spoils, &[(verdict.falls & !verdict.whole & begun, c.high()), (spoil & !is_last, c.low())]);
        c.next(data, &[(free, receiver.byte)]);
        c.next(last, &[(passes, c.low()), (verdict.infers, c.high()), (spoil, !is_last)]);
        c.next(offers, &[(passes | verdict.infers | spoil, c.high()), (self.taken, c.low())]);
    }
}
