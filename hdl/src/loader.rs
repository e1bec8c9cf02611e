//! The loader: fills the memories of weights from a stream of bytes, and judges it by its length and its CRC.

use rust_hdl::prelude::*;

use crate::checksum;
use crate::circuit::{Builder, Circuit, Wire, block};
use crate::program::Program;

block! {
    /// Takes the image of the weights; `bitfab_hdl::SequencedEngine` connects it.
    LoaderBlock {
        /// A byte of the image is offered.
        pub load_valid: Signal<In, Bit>,
        /// The byte.
        pub load_data: Signal<In, Bits<8>>,
        /// It is the last one.
        pub load_last: Signal<In, Bit>,
        /// It is taken: until the image has come.
        pub load_ready: Signal<Out, Bit>,
        /// All words have come, and the CRC was right.
        pub loaded: Signal<Out, Bit>,
        /// The load was too short, too long or damaged.
        pub load_error: Signal<Out, Bit>,
        /// A word.
        pub word: Signal<Out, Bits<32>>,
        /// Where it belongs, as `place` writes it.
        pub word_place: Signal<Out, Bits<32>>,
    }
}

/// Bits of the place of a word that is loaded.
pub(crate) mod place {
    /// Its address: 22 bits from here.
    pub const ADDRESS: u32 = 0;
    /// Its lane: 5 bits from here.
    pub const LANE: u32 = 22;
    /// It belongs to the memory of signs.
    pub const SIGN: u32 = 27;
    /// There is a word.
    pub const WORD: u32 = 28;
    /// All words have come.
    pub const DONE: u32 = 29;
}

/// A word that is loaded, and its [`place`].
pub(crate) struct Load<'b> {
    pub word: Wire<'b>,
    pub place: Wire<'b>,
}

impl<'b> Load<'b> {
    pub fn is_done(&self) -> Wire<'b> {
        self.place.bit(place::DONE)
    }

    pub fn is_word(&self) -> Wire<'b> {
        self.place.bit(place::WORD)
    }

    pub fn is_sign(&self) -> Wire<'b> {
        self.place.bit(place::SIGN)
    }

    pub fn lane(&self) -> Wire<'b> {
        self.place.bits(place::LANE, 5)
    }

    pub fn address(&self, bits: u32) -> Wire<'b> {
        self.place.bits(place::ADDRESS, bits)
    }
}

/// Where the next byte belongs.
struct Place<'b> {
    c: &'b Builder,
    /// The byte of its word, the lane, the address.
    byte: Wire<'b>,
    lane: Wire<'b>,
    address: Wire<'b>,
    /// Weights, signs, the CRC, or beyond it.
    part: Wire<'b>,
}

/// Numbers of [`Place::part`].
const SIGNS: u64 = 1;
const CRC: u64 = 2;
const BEYOND: u64 = 3;

/// The loader of `program`.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c =
        Builder::new("The loader: bytes of an image become words of memories, and a CRC says whether they are right.");
    c.reset();
    let (data, last) = (c.input("load_data", 8), c.input("load_last", 1));
    let [begun, done, error] = ["load_begun", "load_done", "load_wrong"].map(|name| c.register(name, 1));
    let valid = (c.input("load_valid", 1) & !done).named("load_taken");
    let ends = (valid & last).named("load_ends");
    let place = Place::new(&c, program);
    let word_end = place.byte.is(3).named("load_word_end");
    let is_word = !place.part.bit(1);
    place.next(program, (valid, ends), word_end);

    // The first three bytes of a word, the lowest first.
    let first = c.register("load_word", 24);
    c.next(first, &[(valid, c.join(&[first.bits(8, 16), data]))]);

    let crc = c.register("load_crc", 32);
    let next = checksum::after(&c, crc, data).named("load_crc_next");
    c.next(crc, &[(ends, c.constant(0, 32)), (valid, next)]);

    // The image is this model's alone, as biases and table are: one of other weights has another CRC.
    let word = c.join(&[first, data]);
    let is_own = word.is(program.image_digest().into());
    let right = (place.part.is(CRC) & word_end & is_own & checksum::is_right(next)).named("load_right");
    let too_long = valid & place.part.is(BEYOND);
    c.next(begun, &[(valid, !last)]);
    c.next(done, &[(valid, last & right)]);
    c.next(error, &[(ends, !right), (too_long, c.high()), (valid & !begun, c.low())]);

    c.output("load_ready", !done);
    c.output("loaded", done);
    c.output("load_error", error);
    c.output("word", word);
    let lane = place.lane.resize(5);
    let is_word = valid & word_end & is_word;
    let parts = [place.address.extend(place::LANE), lane, place.part.is(SIGNS), is_word, done, c.constant(0, 2)];
    c.output("word_place", c.join(&parts));
    c.finish()
}

impl<'b> Place<'b> {
    fn new(c: &'b Builder, program: &Program) -> Self {
        let words = program.weights.len().max(program.signs.len()) / program.lanes();
        Self {
            c,
            byte: c.register("load_byte", 2),
            lane: c.counter("load_lane", program.options.lanes - 1),
            address: c.counter("load_address", words as u32 - 1),
            part: c.register("load_part", 2),
        }
    }

    /// Each counter begins anew behind the last byte.
    fn next(&self, program: &Program, (valid, ends): (Wire<'b>, Wire<'b>), word_end: Wire<'b>) {
        let Self { c, byte, lane, address, part } = *self;
        let zero = |wire: Wire<'b>| (ends, c.constant(0, wire.width()));
        let depth = |words: &[u32]| c.constant((words.len() / program.lanes()).max(1) as u64 - 1, address.width());
        let has_signs = !program.signs.is_empty();
        let last = if has_signs {
            part.bit(0).mux(depth(&program.signs), depth(&program.weights))
        } else {
            depth(&program.weights)
        };
        let lane_last = lane.is(u64::from(program.options.lanes) - 1);
        let is_word = !part.bit(1);
        let lane_end = (valid & word_end & is_word).named("load_lane_end");
        let address_end = (lane_end & lane_last).named("load_address_end");
        let part_end = address_end & address.equals(last);
        let next = if has_signs { part.next() } else { c.constant(CRC, 2) };
        c.next(byte, &[zero(byte), (valid, byte.next())]);
        c.next(lane, &[zero(lane), (lane_end, lane.next_until(lane_last))]);
        c.next(address, &[zero(address), (address_end, address.next_until(address.equals(last)))]);
        c.next(part, &[zero(part), (part_end, next), (valid & word_end & part.is(CRC), c.constant(BEYOND, 2))]);
    }
}
