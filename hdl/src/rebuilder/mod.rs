//! The rebuilder: makes digits of SmartDeal's bases and coefficients, one group of lanes at a time.
//!
//! A weight is `sum over j of coefficient[r][j] x B[j][s]` (SPEC.md 6.12, path A: `W = Ce x B`). Coefficients are powers of
//! two, so that one adder behind a shifter makes a weight a cycle; rows of zeros are skipped as they are stored, as one bit.

mod stream;
mod value;

use rust_hdl::prelude::*;

use crate::circuit::{Builder, Circuit, Rows, Wire, block, width};
use crate::loader::place;
use crate::program::{BASIS_PIECES, Program, Rebuild};
use crate::sequencer::flag;
use stream::Stream;

block! {
    /// Rebuilds SmartDeal weights; `bitfab_hdl::SequencedEngine` connects it.
    RebuilderBlock {
        /// Row of the layer table.
        pub row_index: Signal<In, Bits<8>>,
        /// What the sequencer issues.
        pub flags: Signal<In, Bits<32>>,
        /// The weights of a group are waited for.
        pub rebuild: Signal<In, Bit>,
        /// They have been made.
        pub rebuilt: Signal<Out, Bit>,
        /// A word of digits.
        pub word: Signal<Out, Bits<32>>,
        /// Where it belongs, as `loader::place` writes it.
        pub word_place: Signal<Out, Bits<32>>,
    }
}

/// What the rebuilder does.
#[derive(Clone, Copy)]
enum State {
    /// Nothing, until a group is waited for.
    Idle = 0,
    /// Take a piece of a basis.
    Basis = 1,
    /// Take what a row of coefficients begins with.
    Row = 2,
    /// Add one coefficient to one of the row's three weights, or yield a zero of a row of zeros.
    Deal = 3,
    /// Fill the last word of a tap.
    Pad = 4,
    /// Write the words of one pass after the other.
    Write = 5,
    /// Go to the next filter.
    Next = 6,
}

/// What happens in this cycle.
struct Steps<'b> {
    loads_basis: Wire<'b>,
    /// The mask of a row is taken.
    begins_row: Wire<'b>,
    deals: Wire<'b>,
    /// A weight is complete, and is not behind the last one of its filter.
    makes: Wire<'b>,
    pads: Wire<'b>,
    writes: Wire<'b>,
    /// It is the last one of its tap, of its filter; the word is full.
    tap_ends: Wire<'b>,
    spends: Wire<'b>,
    full: Wire<'b>,
    /// The row has no more weights; it is the last one of its filter, of its chunk.
    row_ends: Wire<'b>,
    filter_last: Wire<'b>,
    chunk_last: Wire<'b>,
    /// The word of the last pass is written.
    pass_last: Wire<'b>,
    /// Which of the row's coefficients is looked at, whether there is one, and which of the row's weights.
    coefficient: Wire<'b>,
    is_dealt: Wire<'b>,
    column: Wire<'b>,
}

/// Counters, and which of them end.
struct Counters<'b> {
    /// Pieces of a basis.
    piece: Wire<'b>,
    /// Weights of a row.
    column: Wire<'b>,
    /// Rows of a filter, and of a chunk.
    row: Wire<'b>,
    chunk_row: Wire<'b>,
    /// Weights of a word, values of a tap, taps.
    bit: Wire<'b>,
    value: Wire<'b>,
    tap: Wire<'b>,
    /// Words of a position.
    pass: Wire<'b>,
    lane: Wire<'b>,
    /// All weights of the filter have been made.
    spent: Wire<'b>,
}

/// The rebuilder while it is described.
struct Rebuilder<'b, 'p> {
    c: &'b Builder,
    program: &'p Program,
    of: Rows<'b, 'p, Rebuild>,
    state: Wire<'b>,
    at: Counters<'b>,
    /// Which coefficients of the row are left.
    mask: Wire<'b>,
}

/// The rebuilder of `program`, which has weights to rebuild.
pub(crate) fn circuit(program: &Program) -> Circuit {
    let c = Builder::new("The rebuilder: bases and powers of two become the digits of a group's weights.");
    c.reset();
    let row_index = c.input("row_index", 8);
    let (flags, rebuild) = (c.input("flags", 32), c.input("rebuild", 1));
    let of = Rows::new(&c, row_index.bits(0, width(program.rebuilds.len() as u64 - 1)), &program.rebuilds);
    let stream = Stream::new(&c, program);
    let at = Counters::new(&c, program, &of);
    let mask = c.register("row_mask", 3);
    let rebuilder = Rebuilder { c: &c, program, of, state: c.register("state", 3), at, mask };
    let loads = flags.bit(flag::LOAD.trailing_zeros());
    let steps = rebuilder.steps();
    let takes = rebuilder.next_mask(&steps, stream.window);
    let first = rebuilder.of.word("stream_first", width(program.streams.len() as u64 - 1), |r| r.stream);
    stream.next((loads, first), takes);
    let weight = value::weight(&c, program, &steps, stream.window);
    let word = value::planes(&c, program, &steps, (weight, rebuilder.of.count("common", |r| r.common)));
    rebuilder.next_state(&steps, rebuild);
    rebuilder.next_counters(&steps);
    let address = rebuilder.next_address(&steps);
    c.output("rebuilt", rebuilder.is(State::Next) & rebuilder.lane_last());
    c.output("word", word);
    let parts = [address.extend(place::LANE), rebuilder.at.lane.resize(5), c.low(), steps.writes, !steps.writes];
    c.output("word_place", c.join(&parts).extend(32));
    c.finish()
}

impl<'b> Counters<'b> {
    fn new(c: &'b Builder, program: &Program, of: &Rows<'b, '_, Rebuild>) -> Self {
        Self {
            piece: c.counter("basis_piece", BASIS_PIECES - 1),
            column: c.counter("column", 2),
            row: of.counter("row", |r| r.rows),
            chunk_row: of.counter("chunk_row", |r| r.chunk_rows),
            bit: c.counter("word_bit", 31),
            value: of.counter("value", |r| r.values),
            tap: of.counter("tap", |r| r.taps),
            pass: of.counter("pass", |r| r.passes),
            lane: c.counter("lane", program.options.lanes - 1),
            spent: c.register("spent", 1),
        }
    }
}

impl<'b> Rebuilder<'b, '_> {
    fn is(&self, state: State) -> Wire<'b> {
        self.state.is(state as u64)
    }

    fn lane_last(&self) -> Wire<'b> {
        self.at.lane.is(u64::from(self.program.options.lanes) - 1).named("lane_last")
    }

    /// The mask without the coefficient that is looked at.
    fn rest(&self) -> Wire<'b> {
        let [first, second, third] = [0, 1, 2].map(|j| self.mask.bit(j));
        self.c.join(&[self.c.low(), first & second, (first | second) & third]).named("row_rest")
    }

    fn steps(&self) -> Steps<'b> {
        let Self { c, of, at, .. } = self;
        let last = |counter: Wire<'b>, name: &str, of: Wire<'b>| counter.equals(of).named(name);
        let value_last = last(at.value, "value_last", of.count("values", |r| r.values));
        let tap_last = last(at.tap, "tap_last", of.count("taps", |r| r.taps));
        let filter_last = last(at.row, "filter_last", of.count("rows", |r| r.rows));
        let chunk_last = last(at.chunk_row, "chunk_last", of.count("chunk_rows", |r| r.chunk_rows));
        let (deals, pads) = (self.is(State::Deal).named("deals"), self.is(State::Pad).named("pads"));
        let is_last = !self.rest().any();
        let makes = (deals & is_last & !at.spent).named("makes");
        let tap_ends = (makes & value_last).named("tap_ends");
        let spends = (tap_ends & tap_last).named("spends");
        let row_ends = (deals & at.column.is(2) & is_last).named("row_ends");
        // The next row of the chunk begins with the last weight of this one.
        let follows = row_ends & !chunk_last & !filter_last;
        let [first, second] = [0, 1].map(|j| self.mask.bit(j));
        Steps {
            loads_basis: self.is(State::Basis).named("loads_basis"),
            begins_row: (self.is(State::Row) | follows).named("begins_row"),
            deals,
            makes,
            pads,
            writes: self.is(State::Write).named("writes"),
            tap_ends,
            spends,
            row_ends,
            filter_last,
            chunk_last,
            full: ((makes | pads) & at.bit.is(31)).named("full"),
            pass_last: last(at.pass, "pass_last", of.count("passes", |r| r.passes)),
            coefficient: c.join(&[!first & second, !(first | second)]).named("coefficient"),
            is_dealt: self.mask.any().named("is_dealt"),
            column: at.column,
        }
    }

    /// Takes masks, and from them the coefficients that have been dealt; returns whether one bit of the stream is taken, or a
    /// whole piece.
    fn next_mask(&self, steps: &Steps<'b>, window: Wire<'b>) -> [Wire<'b>; 2] {
        let (begins, is_whole) = (steps.begins_row, window.bit(0));
        let own = window.bits(1, 3) & is_whole.repeat(3);
        self.c.next(self.mask, &[(begins, own), (steps.deals & steps.column.is(2), self.rest())]);
        let deals = steps.deals & steps.is_dealt & steps.column.is(0);
        [begins & !is_whole, steps.loads_basis | (begins & is_whole) | deals]
    }

    /// The state, and the one after words have been written.
    fn next_state(&self, steps: &Steps<'b>, rebuild: Wire<'b>) {
        let Self { c, state, at, .. } = self;
        let to = |state: State| c.constant(state as u64, 3);
        let after_row = steps.chunk_last.mux(to(State::Basis), to(State::Deal));
        let after_row = steps.filter_last.mux(to(State::Next), after_row);
        let after = steps.row_ends.mux(after_row, to(State::Deal)).named("after");
        let resume = c.register("resume", 3);
        c.next(resume, &[(steps.deals, after)]);
        let piece_last = at.piece.is(u64::from(BASIS_PIECES) - 1);
        let rules = [
            (steps.full, to(State::Write)),
            (steps.tap_ends, to(State::Pad)),
            (steps.deals, after),
            (steps.writes & steps.pass_last, resume),
            (steps.loads_basis & piece_last, to(State::Row)),
            (self.is(State::Row), to(State::Deal)),
            (self.is(State::Next), self.lane_last().mux(to(State::Idle), to(State::Basis))),
            (rebuild & self.is(State::Idle), to(State::Basis)),
        ];
        c.next(*state, &rules);
    }

    fn next_counters(&self, steps: &Steps<'b>) {
        let Self { c, of, at, .. } = self;
        let next = self.is(State::Next);
        let until = |counter: Wire<'b>, when: Wire<'b>, last: Wire<'b>| (when, counter.next_until(last));
        let zero = |counter: Wire<'b>| (next, counter.zero());
        let piece_last = at.piece.is(u64::from(BASIS_PIECES) - 1);
        let value_last = at.value.equals(of.count("values", |r| r.values));
        let tap_last = at.tap.equals(of.count("taps", |r| r.taps));
        c.next(at.piece, &[until(at.piece, steps.loads_basis, piece_last)]);
        c.next(at.column, &[until(at.column, steps.deals, at.column.is(2))]);
        c.next(at.row, &[until(at.row, steps.row_ends, steps.filter_last)]);
        c.next(at.chunk_row, &[zero(at.chunk_row), until(at.chunk_row, steps.row_ends, steps.chunk_last)]);
        c.next(at.bit, &[(steps.makes | steps.pads, at.bit.next())]);
        c.next(at.value, &[until(at.value, steps.makes, value_last)]);
        c.next(at.tap, &[until(at.tap, steps.tap_ends, tap_last)]);
        c.next(at.pass, &[until(at.pass, steps.writes, steps.pass_last)]);
        c.next(at.lane, &[until(at.lane, next, self.lane_last())]);
        c.next(at.spent, &[zero(at.spent), (steps.spends, c.high())]);
    }

    /// Where the next word is written: that of the last pass first, since digits are shifted out from the lowest one.
    fn next_address(&self, steps: &Steps<'b>) -> Wire<'b> {
        let Self { c, of, .. } = self;
        let bits = width((self.program.weights.len() / self.program.lanes()) as u64 - 1);
        let address = c.register("place", bits);
        let first = of.word("place_first", bits, |r| r.place + r.passes * r.words);
        let last = of.word("place_back", bits, |r| r.passes * r.words + 1);
        let step = of.word("place_step", bits, |r| 0_u32.wrapping_sub(r.words));
        let begins = self.is(State::Idle) | self.is(State::Next);
        c.next(address, &[(begins, first), (steps.writes, address + steps.pass_last.mux(last, step))]);
        address
    }
}
