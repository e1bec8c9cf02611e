//! The request: its fields, and the bytes of an input on their way to the accelerator.

use bitfab_link::Identity;
use bitfab_link::protocol::{DIGESTS, DRAIN, IDENTIFY, INFER, LOAD};

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
    /// Where weights are loaded.
    pub const LOAD: u64 = 5;
}

/// What a request needs and does where weights are loaded: the bytes of `LOAD` go the way of an input's.
pub(super) struct Loading<'b> {
    image_bytes: u64,
    /// The weights are there.
    pub has_weights: Wire<'b>,
    /// They were when the input began: one that began without them never reaches the accelerator.
    had_weights: Wire<'b>,
    /// The loader, or what is before it, takes a byte.
    taken: Wire<'b>,
    /// The request is one.
    loads: Wire<'b>,
    infers: Wire<'b>,
}

/// What is known of the request.
pub(super) struct Request<'b> {
    c: &'b Builder,
    /// Bytes of an input.
    input_bytes: u64,
    has_digests: bool,
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
    pub loading: Option<Loading<'b>>,
}

impl<'b> Request<'b> {
    pub fn new(c: &'b Builder, identity: &Identity, image_bytes: Option<u64>) -> Self {
        let bits = width(image_bytes.unwrap_or(0).max(identity.input.into()));
        let flag = |name: &str| c.register(name, 1);
        let (field, has_digests) = (c.register("field", 2), identity.has_digests());
        let command = c.data("request_kind", if has_digests || image_bytes.is_some() { 3 } else { 2 });
        let request = Self {
            c,
            input_bytes: identity.input.into(),
            has_digests,
            field,
            command,
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
            loading: image_bytes.map(|bytes| Loading::new(c, bytes, command)),
        };
        request.offer();
        c.output("in_data", request.data);
        c.output("in_last", request.last);
        request
    }

    /// Says to whom a byte is offered.
    fn offer(&self) {
        let Self { c, offers, .. } = *self;
        let Some(loading) = &self.loading else { return c.output("in_valid", offers) };
        c.output("in_valid", offers & loading.infers & loading.had_weights);
        c.output("load_valid", offers & loading.loads);
    }

    /// Whether the byte that is offered is taken; one that nobody is offered goes away.
    fn is_taken(&self) -> Wire<'b> {
        let taken = |loading: &Loading<'b>| loading.loads.mux(loading.taken, self.taken | !loading.had_weights);
        self.loading.as_ref().map_or(self.taken, taken)
    }

    /// Whether it is an inference without weights.
    pub fn lacks_weights(&self) -> Option<Wire<'b>> {
        self.loading.as_ref().map(|loading| (loading.infers & !loading.had_weights).named("lacks_weights"))
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
        let infers = falls & whole & self.command.is(command::INFER);
        match &self.loading {
            None => {
                let infers = infers.named("infers");
                Verdict { falls, whole, sends: infers, infers }
            }
            Some(loading) => {
                let sends = (infers | (falls & whole & loading.loads)).named("sends_last");
                Verdict { falls, whole, sends, infers: (infers & loading.had_weights).named("infers") }
            }
        }
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
        let decoded = if self.has_digests { decoded | is(DIGESTS, command::DIGESTS) } else { decoded };
        let decoded = if self.loading.is_some() { decoded | is(LOAD, command::LOAD) } else { decoded };
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
        let empties = first | verdict.sends | (spoil & is_last);
        let (fills, all) = self.fills(second);
        c.next(missing, &[(empties, missing.zero()), (fills, all), (passes, missing.previous())]);
        c.next(begun, &[(first, c.low()), (passes, c.high())]);
        c.next(held, &[(first, c.low()), (free & is_last, c.high())]);
        c.next(spoils, &[(verdict.falls & !verdict.whole & begun, c.high()), (spoil & !is_last, c.low())]);
        c.next(data, &[(free, receiver.byte)]);
        c.next(last, &[(passes, c.low()), (verdict.sends, c.high()), (spoil, !is_last)]);
        c.next(offers, &[(passes | verdict.sends | spoil, c.high()), (self.is_taken(), c.low())]);
    }

    /// Whether bytes of an input follow, and how many.
    fn fills(&self, second: Wire<'b>) -> (Wire<'b>, Wire<'b>) {
        let Self { c, missing, .. } = *self;
        let fills = second & self.command.is(command::INFER);
        let all = c.constant(self.input_bytes, missing.width());
        let Some(loading) = &self.loading else { return (fills, all) };
        c.next(loading.had_weights, &[(second, loading.has_weights)]);
        let image = c.constant(loading.image_bytes, missing.width());
        (second & (loading.infers | loading.loads), loading.loads.mux(image, all))
    }
}

impl<'b> Loading<'b> {
    fn new(c: &'b Builder, image_bytes: u64, command: Wire<'b>) -> Self {
        Self {
            image_bytes,
            has_weights: c.input("has_weights", 1),
            had_weights: c.data("had_weights", 1),
            taken: c.input("link_ready", 1),
            loads: command.is(command::LOAD).named("is_load"),
            infers: command.is(command::INFER).named("is_inference"),
        }
    }
}
