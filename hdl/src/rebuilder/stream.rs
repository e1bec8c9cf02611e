//! The stream of SmartDeal weights: four bits from any place, of which one or all are taken.

use crate::array::BLOCK;
use crate::circuit::{Builder, Memory, Wire, width};
use crate::program::{PIECE, Program};

/// Where the stream is read.
pub(super) struct Stream<'b> {
    c: &'b Builder,
    memory: Memory<'b>,
    /// The piece behind the one that was read last.
    address: Wire<'b>,
    /// How many bits of the first piece have been taken.
    offset: Wire<'b>,
    /// The piece that holds the next bit.
    piece: Wire<'b>,
    /// The next four bits.
    pub window: Wire<'b>,
}

impl<'b> Stream<'b> {
    pub fn new(c: &'b Builder, program: &Program) -> Self {
        let contents: Vec<u64> = program.streams.iter().map(|piece| u64::from(*piece)).collect();
        let bits = width(contents.len() as u64 - 1);
        let memory = c.rom("streams", BLOCK, &[PIECE], contents);
        let (offset, piece) = (c.register("stream_offset", 2), c.data("stream_piece", PIECE));
        let both = c.join(&[piece, memory.last_read()[0]]);
        let windows: Vec<Wire<'b>> = (0..PIECE).map(|from| both.bits(from, PIECE)).collect();
        let window = c.select(offset, &windows).named("stream_window");
        Self { c, memory, address: c.register("stream_address", bits), offset, piece, window }
    }

    /// Goes to `first` where `loads` is set, else behind the bits that are taken.
    pub fn next(&self, (loads, first): (Wire<'b>, Wire<'b>), [takes_one, takes_all]: [Wire<'b>; 2]) {
        let Self { c, memory, address, offset, piece, .. } = *self;
        // One cycle after the first piece has been read, the second one is.
        let begins = c.delay("stream_begins", loads);
        let crosses = takes_one & offset.is(u64::from(PIECE) - 1);
        let advances = (begins | takes_all | crosses).named("stream_advances");
        let next = loads.mux(first, advances.mux(address.next(), address)).named("stream_next");
        c.next(address, &[(c.high(), next)]);
        c.next(piece, &[(advances, memory.last_read()[0])]);
        c.next(offset, &[(loads, c.constant(0, 2)), (takes_one, offset.next())]);
        memory.read(next);
    }
}
